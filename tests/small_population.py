"""A small population registry with an owner, a steward and a protection officer, and agreements over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from include.pipelines import PipelineContext

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # 9:00 in Hà Nội
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
  authoritativeDefinitions:
    - &law {id: law, type: legalInstrument, url: https://vbpl.vn, description: Law on Identification 26/2023/QH15}
  customProperties:
    - {property: vietnamese, value: {law: Luật Căn cước 26/2023/QH15}}
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
        quality:
          - id: status-known
            type: sql
            query: SELECT COUNT(*) FROM {object} WHERE status_code NOT IN ('1', '2')
            mustBe: 0
            dimension: conformity
            severity: error
            description: The status is one of two.
            authoritativeDefinitions: [*law]
            customProperties:
              - {property: vietnamese, value: Tình trạng chỉ có hai giá trị}
      - {name: updated_on, physicalName: ngay_cap_nhat, logicalType: date, classification: internal}
    customProperties:
      - {property: tolerance, value: {rejectedPercent: 80}}
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


@dataclass(frozen=True)
class At(PipelineContext):
    """A context whose clock stands where the test puts it."""

    clock: list[datetime] = field(default_factory=lambda: [MONDAY])

    def now(self) -> datetime:
        return self.clock[0]


def write_agreement(schemas: Path, name: str, *replacements: tuple[str, str]) -> None:
    """An agreement's file, AGREEMENT with texts replaced."""
    text = AGREEMENT
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    (schemas / "agreements").mkdir(parents=True, exist_ok=True)
    (schemas / "agreements" / f"{name}.yaml").write_text(text, encoding="utf-8")
