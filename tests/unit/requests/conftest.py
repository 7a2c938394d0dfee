"""A small lake with one register, agreements over it with shared tables, and a clock that the test sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from include.audit.ledger import Record, append
from include.audit.verification import commit_records
from include.lake.storage import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.requests import ask_for
from include.sharing.agreements import load_agreement
from include.sharing.products import MasterKey, share_agreement
from include.sharing.requests import Ask, Request

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # 9:00 in Hà Nội
KEY = bytes(range(32))
HOLIDAYS = "code,name,kind,instrument,valid_from,valid_until\n2026-03-04,Nghỉ,nghi,x,2026-03-04,\n"
GROUNDS = "code,name,name_en,instrument\nstate_secret,Bí mật nhà nước,a state secret,Luật 29/2018/QH14\n"
DAY = timedelta(days=1)

OWNER, STEWARD, OFFICER = "bo-cong-an", "cuc-c06", "bao-ve-du-lieu"

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: small-population
version: 1.0.0
status: active
name: population
dataProduct: Cơ sở dữ liệu dân cư thử
domain: population
description:
  purpose: Citizens of a small country.
team:
  name: Bộ Công an
  members:
    - {username: bo-cong-an, name: Bộ Công an, role: owner, dateIn: "2020-01-01"}
    - {username: cuc-c06, name: Cục C06, role: data steward, dateIn: "2020-01-01"}
    - {username: bao-ve-du-lieu, name: Bộ phận bảo vệ dữ liệu, role: data protection officer, dateIn: "2020-01-01"}
    - {username: can-bo-cu, name: Cán bộ cũ, role: data steward, dateIn: "2020-01-01", dateOut: "2025-12-31"}
servers:
  - {server: population_db, type: custom}
schema:
  - name: citizen
    physicalName: cong_dan
    businessName: Công dân
    description: One row for each citizen.
    properties:
      - name: personal_id
        physicalName: so_dinh_danh
        businessName: Số định danh cá nhân
        description: Twelve digits.
        logicalType: string
        primaryKey: true
        classification: restricted
      - name: full_name
        physicalName: ho_ten
        businessName: Họ và tên
        logicalType: string
        classification: confidential
      - name: birth_date
        physicalName: ngay_sinh
        businessName: Ngày sinh
        logicalType: date
        classification: confidential
      - name: status_code
        physicalName: trang_thai
        businessName: Tình trạng
        logicalType: string
        classification: public
      - {name: updated_at, physicalName: ngay_cap_nhat, logicalType: timestamp, classification: internal}
  - name: household
    physicalName: ho_gia_dinh
    businessName: Hộ gia đình
    properties:
      - {name: household_id, physicalName: ma_ho, logicalType: string, primaryKey: true, classification: internal}
"""

AGREEMENT = """\
version: 1.0.0
title: Chia sẻ dữ liệu dân cư
provider: Bộ Công an
recipient: {id: nso, name: Cục Thống kê}
purpose: Thống kê dân số
legalBasis: [Luật Thống kê 89/2015/QH13]
from: 2026-01-01
until: 2026-12-31
contact: {provider: a@bca.example, recipient: b@nso.example}
products:
  - name: citizen
    table: population.citizen
    title: Công dân
    rows: status_code = '1'
    columns:
      - {name: personal_id, protection: pseudonym}
      - {name: birth_date, protection: year}
      - {name: status_code, protection: none}
      - {name: full_name, protection: drop}
"""
OTHER = (("id: nso, name: Cục Thống kê", "id: moh, name: Bộ Y tế"), ("Thống kê dân số", "Quản lý sức khỏe"))

PEOPLE = [
    ("001199000001", "Nguyễn Thị Ánh", date(1999, 5, 17), "1"),
    ("001099000002", "Trần Văn Bình", date(1999, 1, 1), "1"),
    ("001085000003", "Lê Cường", date(1985, 12, 31), "2"),
    ("001085000004", "Đỗ Dũng", None, "1"),
    ("001085000005", "Hoàng Văn Em", None, "1"),
    ("001085000006", "Vũ Thị Gấm", date(2001, 3, 4), None),
]


@dataclass(frozen=True)
class At(PipelineContext):
    """A context whose clock stands where the test puts it."""

    clock: list[datetime] = field(default_factory=lambda: [MONDAY])

    def now(self) -> datetime:
        return self.clock[0]


def write_citizens(lake: Lake, people: list[tuple[Any, ...]]) -> None:
    """Put rows in place of the published table of citizens."""
    columns: dict[str, pa.Array] = {
        "personal_id": pa.array([row[0] for row in people], pa.string()),
        "full_name": pa.array([row[1] for row in people], pa.string()),
        "birth_date": pa.array([row[2] for row in people], pa.date32()),
        "status_code": pa.array([row[3] for row in people], pa.string()),
        "updated_at": pa.array([MONDAY] * len(people), pa.timestamp("us", tz="UTC")),
        "_run_id": pa.array(["r"] * len(people), pa.string()),
        "_warnings": pa.array([None] * len(people), pa.list_(pa.string())),
    }
    write_deltalake(lake.registry_table("population", "citizen"), pa.table(columns), mode="overwrite")


def write_agreement(schemas: Path, name: str, *replacements: tuple[str, str]) -> None:
    """An agreement's file, AGREEMENT with texts replaced."""
    text = AGREEMENT
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    (schemas / "agreements").mkdir(parents=True, exist_ok=True)
    (schemas / "agreements" / f"{name}.yaml").write_text(text, encoding="utf-8")


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
