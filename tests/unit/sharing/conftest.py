"""A small lake with two published tables, and agreements over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from include.contracts.model import Column, Contract, Server, Table
from include.contracts.model.types import arrow_type
from include.lake.storage.lake import Lake
from include.sharing.agreements.agreement import Agreement
from include.sharing.agreements.loading import load_agreement
from include.sharing.products.keys import MasterKey

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)

CITIZEN = Table(
    registry="population",
    name="citizen",
    source_name="cong_dan",
    columns=(
        Column("personal_id", "so_dinh_danh", "string", "VARCHAR", primary_key_position=1, classification="restricted"),
        Column("full_name", "ho_ten", "string", "VARCHAR", classification="confidential"),
        Column("birth_date", "ngay_sinh", "date", "DATE", classification="confidential", business_name="Ngày sinh"),
        Column("ethnicity_code", "dan_toc", "string", "VARCHAR", classification="restricted"),
        Column("status_code", "trang_thai", "string", "VARCHAR"),
        Column("updated_at", "ngay_cap_nhat", "timestamp", "TIMESTAMPTZ"),
    ),
    rules=(),
)
CONTRIBUTION = Table(
    registry="insurance",
    name="contribution",
    source_name="qua_trinh_dong",
    columns=(
        Column("personal_id", "so_dinh_danh", "string", "VARCHAR", primary_key_position=1, classification="restricted"),
        Column("month", "thang", "date", "DATE", primary_key_position=2),
        Column("wage_vnd", "tien_luong", "integer", "BIGINT", classification="restricted"),
    ),
    rules=(),
)

PEOPLE = [
    ("001199000001", "Nguyễn Thị Ánh", date(1999, 5, 17), "01", "1"),
    ("001099000002", "Trần Văn Bình", date(1999, 1, 1), "01", "1"),
    ("001085000003", "Lê Cường", date(1985, 12, 31), "02", "2"),
    ("001085000004", "Đỗ Dũng", None, "02", "1"),
]
MONTHS = [("001199000001", date(2026, 1, 1), 9_000_000), ("001199000001", date(2026, 2, 1), 9_100_000)]


def contract(table: Table) -> Contract:
    return Contract(table.registry, "1.0.0", Path("x"), "d", Server("s", "postgres"), (table,))


CONTRACTS = {"population": contract(CITIZEN), "insurance": contract(CONTRIBUTION)}


def write_published(lake: Lake, table: Table, rows: Sequence[Sequence[Any]], *, mode: str = "overwrite") -> None:
    """Put rows in place of a published table, with the columns that publishing adds."""
    wide = [(*row, AT) if len(row) < len(table.columns) else tuple(row) for row in rows]
    arrays: dict[str, pa.Array] = {
        column.name: pa.array([row[place] for row in wide], arrow_type(column.sql_type))
        for place, column in enumerate(table.columns)
    }
    arrays["_run_id"] = pa.array(["r"] * len(wide), pa.string())
    arrays["_warnings"] = pa.array([None] * len(wide), pa.list_(pa.string()))
    write_deltalake(lake.registry_table(table.registry, table.name), pa.table(arrays), mode=mode)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    write_published(lake, CITIZEN, PEOPLE)
    write_published(lake, CONTRIBUTION, MONTHS)
    return lake


@pytest.fixture
def key() -> MasterKey:
    return MasterKey(bytes(range(32)))


AGREEMENT = """\
version: 1.0.0
title: Chia sẻ dữ liệu dân cư
provider: Bộ Công an
recipient: {id: nso, name: Cục Thống kê}
purpose: Thống kê
legalBasis: [Luật Thống kê 89/2015/QH13]
from: 2026-01-01
until: 2026-12-31
contact: {provider: a@bca.example, recipient: b@nso.example}
products:
  - name: citizen
    table: population.citizen
    rows: status_code = '1'
    columns:
      - {name: personal_id, protection: pseudonym}
      - {name: full_name, protection: none}
      - {name: birth_date, protection: year}
      - {name: ethnicity_code, protection: drop}
"""


@pytest.fixture
def agree(tmp_path: Path) -> Callable[..., Agreement]:
    """An agreement from YAML, AGREEMENT by default, with texts replaced."""

    def make(*replacements: tuple[str, str], name: str = "census", text: str = AGREEMENT) -> Agreement:
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "schemas" / "agreements" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return load_agreement(path)

    return make
