"""A rejected row without a key is closed when the source no longer has it, in an increment as in a full run."""

from __future__ import annotations

import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from include.lake.rejected.open_rejections import open_rejections_of
from include.pipelines.context import PipelineContext
from include.pipelines.sync.registry_sync import sync_registry
from tests.integration.everyday.ledger_source import PAYMENTS, PaymentSource, context_of, copied
from tests.integration.everyday.test_day_after_day import published
from tests.repeats import held_by

DAY = timedelta(days=1)
KEYLESS = (None,) * 4


class Days:
    """A source with four rows without a number, synced day by day in increments."""

    def __init__(self, folder: Path) -> None:
        uri = f"sqlite:///{folder}/payments.db"
        self.source, self.context, self.day = PaymentSource(uri, seed=5, rows=40), context_of(folder, uri), 0
        long_ago = self.source.clock - DAY * 30
        self.change(PAYMENTS.update().values(ngay_cap_nhat=long_ago))
        for number, key in enumerate(KEYLESS):
            row = {"id": 900 + number, "so_phieu": key, "nguoi_nop": f"Vũ {number}", "so_tien": number}
            self.change(PAYMENTS.insert().values(**row, ngay_cap_nhat=long_ago - DAY * (number // 2)))
        self.source.insert(1)
        assert self.sync()["mode"] == "full"

    def change(self, statement: sa.Executable) -> None:
        self.source._run(statement)

    def sync(self) -> dict[str, Any]:
        self.day += 1
        done = sync_registry("payments", run_id=f"202603{self.day:02}T000000Z-00000001", context=self.context)
        assert done.verdict in ("published", "unchanged"), done
        return done.tables[0].to_dict()

    def open(self) -> list[str]:
        """Who paid by the open rejected rows."""
        return payers(self.context)


def payers(context: PipelineContext) -> list[str]:
    with open_rejections_of(context.lake, context.table("payments", "payment")[1]) as opened:
        assert opened is not None
        return [row[0] for row in opened.connection.execute("SELECT nguoi_nop FROM opened ORDER BY 1").fetchall()]


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Days, Path]:
    folder = tmp_path_factory.mktemp("first")
    return Days(folder), folder


@pytest.fixture
def days(first_day: tuple[Days, Path], tmp_path: Path) -> Days:
    """The source after its first sync, in a folder of its own."""
    days = copy.copy(first_day[0])
    days.source, days.context = copied(days.source, first_day[1], tmp_path)
    return days


def test_while_they_are_there_they_stay_open_and_nothing_is_published(days: Days) -> None:
    assert days.open() == ["Vũ 0", "Vũ 1", "Vũ 2", "Vũ 3"]
    for _ in range(2):
        assert days.sync()["mode"] in ("incremental", "unchanged")
        assert days.open() == ["Vũ 0", "Vũ 1", "Vũ 2", "Vũ 3"]


GONE = [(900,), (901, 902), (900, 901), (900, 901, 902, 903)]
# One of two of the same instant, with nothing else that is new; and one of each of two instants beside news.
QUICK = [((900,), False), ((901, 902), True)]
OWN = "integration/everyday/test_rows_without_a_key.py"
LONG = held_by(f"{OWN}::test_those_that_the_source_deleted_are_closed_and_the_others_stay")


@pytest.mark.parametrize(
    ("gone", "with_news"),
    [
        *QUICK,
        *(
            pytest.param(gone, with_news, marks=LONG)
            for gone in GONE for with_news in (False, True) if (gone, with_news) not in QUICK
        ),
    ],
)  # fmt: skip
def test_those_that_the_source_deleted_are_closed_and_the_others_stay(
    days: Days, gone: tuple[int, ...], with_news: bool
) -> None:
    days.change(PAYMENTS.delete().where(PAYMENTS.c.id.in_(gone)))
    if with_news:
        days.source.clock += DAY
        days.source.insert(2)
    assert days.sync()["verdict"] == "published"
    left = [f"Vũ {number}" for number in range(4) if 900 + number not in gone]
    assert days.open() == left
    assert days.sync()["verdict"] == "unchanged"
    assert days.open() == left


def test_one_that_is_changed_and_one_that_is_deleted(days: Days) -> None:
    days.change(PAYMENTS.delete().where(PAYMENTS.c.id == 900))
    days.source.clock += DAY
    days.change(
        PAYMENTS.update().where(PAYMENTS.c.id == 901).values(nguoi_nop="Vũ Một", ngay_cap_nhat=days.source.clock)
    )
    days.sync()
    assert days.open() == ["Vũ 2", "Vũ 3", "Vũ Một"]


def test_one_that_is_given_its_number_is_published(days: Days) -> None:
    days.source.clock += DAY
    days.change(PAYMENTS.update().where(PAYMENTS.c.id == 902).values(so_phieu="PT9", ngay_cap_nhat=days.source.clock))
    days.sync()
    assert days.open() == ["Vũ 0", "Vũ 1", "Vũ 3"]
    assert "PT9" in {row[0] for row in published(days.context)}
