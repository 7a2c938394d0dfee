"""A small lake with one register, agreements over it with shared tables, and a clock that the test sets."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from include.audit.ledger import Record, append
from include.audit.verification import commit_records
from include.lake.storage import Lake
from include.pipelines.requests import ask_for
from include.sharing.agreements import load_agreement
from include.sharing.products import MasterKey, share_agreement
from include.sharing.requests import Ask, Request
from tests.unit.portal.conftest import CONTRACT, OTHER, OWNER, PEOPLE, STEWARD, At, write_agreement, write_citizens

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # 9:00 in Hà Nội
KEY = bytes(range(32))
HOLIDAYS = "code,name,kind,instrument,valid_from,valid_until\n2026-03-04,Nghỉ,nghi,x,2026-03-04,\n"
GROUNDS = "code,name,name_en,instrument\nstate_secret,Bí mật nhà nước,a state secret,Luật 29/2018/QH14\n"
DAY = timedelta(days=1)

__all__ = ["KEY", "MONDAY", "OWNER", "PEOPLE", "STEWARD", "At", "write_agreement", "write_citizens"]


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
    records = [Record.from_dict(record) for record in done.records]
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
