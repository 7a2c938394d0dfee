"""A small registry of payments in SQLite or PostgreSQL that changes from day to day, in every way that sources do."""

from __future__ import annotations

import copy
import random
import shutil
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext

CONTRACT = r"""
apiVersion: v3.2.0
kind: DataContract
id: payments
version: 1.0.0
status: active
servers: [{server: payments_db, type: custom}]
schema:
  - name: payment
    physicalName: phieu_thu
    properties:
      - {name: number, physicalName: so_phieu, logicalType: string, primaryKey: true, transformLogic: trim(so_phieu)}
      - {name: payer, physicalName: nguoi_nop, logicalType: string, required: true}
      - {name: amount_vnd, physicalName: so_tien, logicalType: integer, logicalTypeOptions: {minimum: 0}}
      - {name: updated_at, physicalName: ngay_cap_nhat, logicalTypeOptions: {defaultTimezone: UTC},
         logicalType: timestamp, required: true}
    customProperties:
      - {property: extract, value: {cursor: [updated_at], lag: PT1H, deletes: reconcile, deleteLimitPercent: 60}}
      - {property: tolerance, value: {rejectedPercent: 60, rowCountChangePercent: 80}}
"""
METADATA = sa.MetaData()
PAYMENTS = sa.Table(
    "phieu_thu",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("so_phieu", sa.String(20)),
    sa.Column("nguoi_nop", sa.String(50)),
    sa.Column("so_tien", sa.BigInteger),
    sa.Column("ngay_cap_nhat", sa.DateTime),
)
DAY_ONE = datetime(2026, 3, 1, 8, 0, 0)
BAD = -1  # an amount that the contract rejects


class PaymentSource:
    """The source, its clock and what befalls it. The same seed does the same."""

    def __init__(self, uri: str, *, seed: int, rows: int = 400) -> None:
        self.uri = uri
        self.engine = _engine(uri)
        self.rng = random.Random(seed)
        self.clock = DAY_ONE
        self.next_number = 0
        METADATA.drop_all(self.engine)
        METADATA.create_all(self.engine)
        self.insert(rows)

    def insert(self, rows: int, *, late: timedelta = timedelta(0), amount: int | None = None) -> None:
        """New payments, written `late` ago by their own clock."""
        values = [self._new(self.clock - late, amount) for _ in range(rows)]
        if values:
            self._run(PAYMENTS.insert(), values)

    def live_day(self) -> None:
        """One day of changes of every kind."""
        self.clock += timedelta(days=1)
        everything: Sequence[Callable[[int], None]] = (
            self.update,
            self.update_by_a_slow_clock,
            self.update_within_the_same_second,
            self.delete,
            self.give_another_number,
            self.spoil,
            self.mend,
            lambda n: self.insert(n),
            lambda n: self.insert(n, late=timedelta(minutes=self.rng.randrange(1, 59))),
            lambda n: self.insert(n, late=timedelta(days=self.rng.randrange(1, 40))),
            lambda n: self.insert(n, late=timedelta(days=-3)),  # a clock that runs ahead
            lambda n: self.insert(n, amount=BAD),
        )
        for change in self.rng.sample(everything, k=self.rng.randrange(3, len(everything) + 1)):
            change(self.rng.randrange(1, 12))

    def update(self, rows: int) -> None:
        self.change(rows, lambda: {"so_tien": self.rng.randrange(10**9), "ngay_cap_nhat": self.now()})

    def update_by_a_slow_clock(self, rows: int) -> None:
        slow = timedelta(days=self.rng.randrange(1, 60), seconds=self.rng.randrange(86_400))
        self.change(rows, lambda: {"so_tien": self.rng.randrange(10**9), "ngay_cap_nhat": self.clock - slow})

    def update_within_the_same_second(self, rows: int) -> None:
        """Written again without a new instant, as clocks of whole seconds do; inside the lag."""
        newest = sa.select(sa.func.max(PAYMENTS.c.ngay_cap_nhat)).scalar_subquery()
        with self.engine.begin() as connection:
            ids = connection.scalars(sa.select(PAYMENTS.c.id).where(PAYMENTS.c.ngay_cap_nhat == newest)).all()
            for row in ids[:rows]:
                connection.execute(
                    PAYMENTS.update().where(PAYMENTS.c.id == row), {"nguoi_nop": f"Lê {self.rng.random()}"}
                )

    def delete(self, rows: int) -> None:
        self._run(PAYMENTS.delete().where(PAYMENTS.c.id.in_(self._some(rows))))

    def give_another_number(self, rows: int) -> None:
        """The key itself is corrected, and nobody touches the clock."""
        for row in self._some(rows):
            self._run(PAYMENTS.update().where(PAYMENTS.c.id == row), {"so_phieu": self._number()})

    def spoil(self, rows: int) -> None:
        self.change(rows, lambda: {"so_tien": BAD, "ngay_cap_nhat": self.now()})

    def mend(self, rows: int) -> None:
        with self.engine.begin() as connection:
            bad = connection.scalars(sa.select(PAYMENTS.c.id).where(PAYMENTS.c.so_tien == BAD)).all()
        for row in bad[:rows]:
            values = {"so_tien": 5, "ngay_cap_nhat": self.now()}
            self._run(PAYMENTS.update().where(PAYMENTS.c.id == row), values)

    def content(self) -> list[tuple[Any, ...]]:
        """What must be published: every sound row, by number. A row never sound is not there."""
        with self.engine.begin() as connection:
            rows = connection.execute(sa.select(PAYMENTS).where(PAYMENTS.c.so_tien >= 0)).all()
        return sorted((row.so_phieu.strip(), row.nguoi_nop, row.so_tien, row.ngay_cap_nhat) for row in rows)

    def spoiled(self) -> set[str]:
        """Numbers of the rows that the contract rejects."""
        with self.engine.begin() as connection:
            return set(connection.scalars(sa.select(PAYMENTS.c.so_phieu).where(PAYMENTS.c.so_tien < 0)))

    def _new(self, at: datetime, amount: int | None) -> dict[str, Any]:
        value = self.rng.randrange(10**9) if amount is None else amount
        return {"so_phieu": self._number(), "nguoi_nop": "Trần Bình", "so_tien": value, "ngay_cap_nhat": at}

    def _number(self) -> str:
        self.next_number += 1
        return f"PT{self.next_number:07d}"

    def now(self) -> datetime:
        return self.clock + timedelta(seconds=self.rng.randrange(3_600))

    def _some(self, rows: int) -> list[int]:
        with self.engine.begin() as connection:
            ids = list(connection.scalars(sa.select(PAYMENTS.c.id).order_by(PAYMENTS.c.id)))
        return self.rng.sample(ids, min(rows, len(ids)))

    def change(self, rows: int, values: Callable[[], dict[str, Any]]) -> None:
        for row in self._some(rows):
            self._run(PAYMENTS.update().where(PAYMENTS.c.id == row), values())

    def _run(self, statement: Any, values: Any = None) -> None:
        with self.engine.begin() as connection:
            connection.execute(statement, values)


def context_of(folder: Path, source_uri: str, **environ: str) -> PipelineContext:
    """A context with the contract above and a lake in the folder (or where LAKE_URI says)."""
    registries = folder / "schemas" / "registries"
    registries.mkdir(parents=True, exist_ok=True)
    draft = registries / f"draft-{uuid.uuid4().hex}"  # two processes may furnish one folder
    draft.write_text(CONTRACT, encoding="utf-8")
    draft.replace(registries / "payments.odcs.yaml")
    settings = {"LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "tmp")}
    settings |= {"AIRFLOW_CONN_PAYMENTS_DB": source_uri, **environ}
    return PipelineContext(Lake.from_environment(settings), folder / "schemas", settings)


def copied(source: PaymentSource, folder: Path, to: Path, *, lake: str = "") -> tuple[PaymentSource, PipelineContext]:
    """The source of `folder`/payments.db and its lake, in a folder of their own, to go on from."""
    shutil.copytree(folder, to, dirs_exist_ok=True, symlinks=True)  # as links: 35 MB of an extension
    own = copy.copy(source)
    own.uri, own.rng = f"sqlite:///{to}/payments.db", copy.deepcopy(source.rng)
    own.engine = _engine(own.uri)
    return own, context_of(to / lake, own.uri)


def _engine(uri: str) -> sa.Engine:
    with_driver = uri.replace("postgresql://", "postgresql+psycopg://", 1).replace("mysql://", "mysql+pymysql://", 1)
    return sa.create_engine(with_driver, poolclass=sa.NullPool)
