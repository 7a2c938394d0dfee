"""A small lake with one register, agreements over it with shared tables, and a clock that the test sets."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from include.audit.ledger import Record, append
from include.audit.verification import commit_records
from include.lake.storage import Lake
from include.pipelines.requests import ask_for
from include.sharing.agreements import load_agreement
from include.sharing.products import MasterKey, share_agreement
from include.sharing.requests import Ask, Request
from tests.small_population import CONTRACT, MONDAY, OTHER, At, write_agreement

KEY = bytes(range(32))
HOLIDAYS = "code,name,kind,instrument,valid_from,valid_until\n2026-03-04,Nghỉ,nghi,x,2026-03-04,\n"
GROUNDS = "code,name,name_en,instrument\nstate_secret,Bí mật nhà nước,a state secret,Luật 29/2018/QH14\n"
DAY = timedelta(days=1)

PEOPLE = [
    ("001199000001", "Nguyễn Thị Ánh", date(1999, 5, 17), "1"),
    ("001099000002", "Trần Văn Bình", date(1999, 1, 1), "1"),
    ("001085000003", "Lê Cường", date(1985, 12, 31), "2"),
    ("001085000004", "Đỗ Dũng", None, "1"),
    ("001085000005", "Hoàng Văn Em", None, "1"),
    ("001085000006", "Vũ Thị Gấm", date(2001, 3, 4), None),
]


def write_citizens(lake: Lake, people: list[tuple[Any, ...]]) -> None:
    """Put rows in place of the published table of citizens."""
    columns: dict[str, pa.Array] = {
        "personal_id": pa.array([row[0] for row in people], pa.string()),
        "full_name": pa.array([row[1] for row in people], pa.string()),
        "birth_date": pa.array([row[2] for row in people], pa.date32()),
        "status_code": pa.array([row[3] for row in people], pa.string()),
        "updated_on": pa.array([MONDAY.date()] * len(people), pa.date32()),
        "_run_id": pa.array(["r"] * len(people), pa.string()),
        "_warnings": pa.array([None] * len(people), pa.list_(pa.string())),
    }
    write_deltalake(lake.registry_table("population", "citizen"), pa.table(columns), mode="overwrite")


def an_ask(**changed: object) -> Ask:
    """An ask of Cục Thống kê for names, with what a test says otherwise."""
    said: dict[str, object] = {
        "recipient_name": "Cục Thống kê", "contact": "b@nso.example", "columns": ("full_name", "birth_date"),
        "rows": "status_code = '1'", "purpose": "Lập mẫu điều tra", "legal_basis": ("Luật Thống kê 89/2015/QH13",),
        "valid_from": date(2026, 3, 2), "valid_until": date(2026, 12, 31),
    }  # fmt: skip
    return Ask(**{**said, **changed})  # type: ignore[arg-type]


def share(context: At, name: str = "census", run_id: str = "s1") -> None:
    """Carry an agreement out."""
    agreement = load_agreement(context.schemas / "agreements" / f"{name}.yaml")
    done = share_agreement(
        agreement, context.contracts, lake=context.lake, at=context.now(), run_id=run_id, key=MasterKey(KEY)
    )
    records = [Record(one.kind, one.subject, one.payload, on_change=True) for one in done.records]
    records += commit_records(context.lake, [result.subject for result in done.results])
    append(context.lake, records, at=context.now(), actor="share")


@pytest.fixture
def context(tmp_path: Path) -> At:
    schemas = tmp_path / "schemas"
    for folder in ("registries", "reference"):
        (schemas / folder).mkdir(parents=True)
    (schemas / "registries" / "population.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    (schemas / "reference" / "holidays.csv").write_text(HOLIDAYS, encoding="utf-8")
    (schemas / "reference" / "refusal_grounds.csv").write_text(GROUNDS, encoding="utf-8")
    write_agreement(schemas, "census")
    write_agreement(schemas, "health", *OTHER)
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    write_citizens(lake, PEOPLE)
    return At(lake, schemas, {}, [MONDAY])


@pytest.fixture
def asked(context: At) -> Request:
    """The request that Cục Thống kê made on Monday morning."""
    return ask_for(context, "nso", "population.citizen", an_ask())
