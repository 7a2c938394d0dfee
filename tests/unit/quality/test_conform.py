"""From the extract to the contract's columns; and what a mistake in a contract says to its author."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.contracts.model import Table
from include.quality.errors import ConformError, RuleUnusable
from tests.ascii_tables import contract_table, outcome_of, rows_of, write_extract

CITIZEN = """
properties:
  - {name: personal_id, physicalName: so_dinh_danh, logicalType: string, primaryKey: true}
  - {name: full_name, physicalName: ho_ten, logicalType: string}
  - {name: birth_date, physicalName: ngay_sinh, logicalType: date, logicalTypeOptions: {format: dd/MM/yyyy}}
  - {name: children, physicalName: so_con, logicalType: integer}
"""
PLANTED = "Nguyễn Thị Bí Mật"


def table_with(folder: Path, **transform: str) -> Table:
    """CITIZEN with a transformLogic for some columns."""
    lines = [
        line.replace("}", f", transformLogic: {json.dumps(transform[name])}}}") if name else line
        for line in CITIZEN.splitlines()
        for name in [next((n for n in transform if f"name: {n}," in line), "")]
    ]
    return contract_table("\n".join(lines), folder)


def extract_of(folder: Path, text: str) -> str:
    return write_extract(rows_of(text), folder / "extract.parquet")


ONE_ROW = f"""
    so_dinh_danh | ho_ten    | ngay_sinh  | so_con
    001          | {PLANTED} | 31/01/1990 | 2
"""


def test_a_value_that_cannot_be_read_is_told_from_one_that_is_not_given(tmp_path: Path) -> None:
    extract = extract_of(
        tmp_path,
        """
        so_dinh_danh | ho_ten | ngay_sinh  | so_con
        001          | An     | 31/01/1990 | 2
        002          | Bình   | 31/02/1990 | 1.5
        003          | Chi    | -          | ''
        004          | Dung   | ''         | hai
        """,
    )
    outcome = outcome_of(contract_table(CITIZEN, tmp_path), extract, tmp_path)
    assert outcome.rejected == {1: ["birth_date.unreadable", "children.unreadable"], 3: ["children.unreadable"]}
    assert [row["personal_id"] for row in outcome.accepted] == ["001", "003"]


def test_a_nul_does_not_cut_a_text_but_is_a_fault(tmp_path: Path) -> None:
    rows = [{"so_dinh_danh": "001", "ho_ten": "Ánh\x00 DROP", "ngay_sinh": None, "so_con": None}]
    rows += [{**rows[0], "so_dinh_danh": "002", "ho_ten": f"Ánh{mark}"} for mark in "\x01\x1f\x7f\ufffd\x0b"]
    rows += [{**rows[0], "so_dinh_danh": f"{i}", "ho_ten": f"Ánh{mark}B"} for i, mark in enumerate("\t\n\r\u00a0")]
    outcome = outcome_of(contract_table(CITIZEN, tmp_path), write_extract(rows, tmp_path / "extract.parquet"), tmp_path)
    assert set(outcome.rejected) == {0, 1, 2, 3, 4, 5}
    with duckdb.connect() as db:
        conformed = db.execute("SELECT full_name FROM read_parquet(?) WHERE _row = 0", [outcome.split.staged.conformed])
        assert conformed.fetchall() == [("Ánh\ufffd DROP",)]


def test_an_expression_sees_the_sources_columns_and_not_the_published_ones(tmp_path: Path) -> None:
    table = table_with(tmp_path, full_name='upper("ho_ten")', children='TRY_CAST("so_con" AS INTEGER) * 2')
    outcome = outcome_of(table, extract_of(tmp_path, ONE_ROW), tmp_path)
    assert outcome.accepted[0]["full_name"] == PLANTED.upper()
    assert outcome.accepted[0]["children"] == 4
    with pytest.raises(ConformError, match=r'column children .*speaks of "full_name", which is not there'):
        outcome_of(table_with(tmp_path, children='length("full_name")'), extract_of(tmp_path, ONE_ROW), tmp_path)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ('epoch("ho_ten"::INTERVAL)', "use TRY_CAST"),
        ("strptime(\"ho_ten\", '%d')::VARCHAR", "use TRY_CAST"),
        ('error("ho_ten")', "use TRY_CAST"),
        ('vn_nothing("ho_ten")', "no function or list named vn_nothing"),
        ('"ho_tenn"', 'speaks of "ho_tenn"'),
        ('date_trunc(1, "ho_ten")', "do not fit together"),
        ("unnest([1, 2])", "several rows"),
        ('max("ho_ten")', "aggregates"),
    ],
)
def test_a_mistake_in_an_expression_names_the_column_and_the_remedy_and_no_value(
    tmp_path: Path, expression: str, why: str
) -> None:
    """Some of these no contract could say, which tells them first."""
    table = contract_table(CITIZEN, tmp_path)
    columns = tuple(replace(c, expression=expression) if c.name == "children" else c for c in table.columns)
    table = replace(table, columns=columns)
    with pytest.raises(ConformError, match=why) as raised:
        outcome_of(table, extract_of(tmp_path, ONE_ROW), tmp_path)
    assert "children" in str(raised.value) or "transformLogic" in str(raised.value)
    assert PLANTED not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_column_that_the_extract_does_not_have(tmp_path: Path) -> None:
    extract = extract_of(tmp_path, "so_dinh_danh | ho_ten | ngay_sinh\n001 | An | -")
    with pytest.raises(ConformError, match=r"column children reads 'so_con', which the extract does not have"):
        outcome_of(contract_table(CITIZEN, tmp_path), extract, tmp_path)


def test_a_source_column_that_the_engine_keeps_for_itself(tmp_path: Path) -> None:
    rows = [{"so_dinh_danh": "1", "ho_ten": "", "ngay_sinh": "", "so_con": "", "file_row_number": "3"}]
    extract = write_extract(rows, tmp_path / "e.parquet")
    with pytest.raises(ConformError, match="file_row_number"):
        outcome_of(contract_table(CITIZEN, tmp_path), extract, tmp_path)


def test_a_rule_that_stops_on_a_value_is_named_without_the_value(tmp_path: Path) -> None:
    rule = """
quality:
  - {id: fits, type: sql, query: 'SELECT COUNT(*) FROM {object} WHERE CAST(full_name AS INTEGER) > 3', mustBe: 0}
"""
    with pytest.raises(RuleUnusable, match=r"population\.citizen\.fits .*TRY_CAST") as raised:
        outcome_of(contract_table(CITIZEN + rule, tmp_path), extract_of(tmp_path, ONE_ROW), tmp_path)
    assert PLANTED not in str(raised.value)


def test_an_empty_extract_gives_three_empty_files(tmp_path: Path) -> None:
    names = ["so_dinh_danh", "ho_ten", "ngay_sinh", "so_con"]
    outcome = outcome_of(contract_table(CITIZEN, tmp_path), write_extract([], tmp_path / "e.parquet", names), tmp_path)
    assert (outcome.split.extracted, outcome.split.accepted, outcome.rejected) == (0, 0, {})


def test_typed_sources_and_a_cell_of_40_megabytes(tmp_path: Path) -> None:
    data = pa.table(
        {
            "so_dinh_danh": ["1"],
            "ho_ten": pa.array(["ễ" * 14_000_000], pa.string()),
            "ngay_sinh": pa.array([3], pa.date32()),
            "so_con": pa.array([2.5], pa.float64()),
        }
    )
    pq.write_table(data, tmp_path / "e.parquet")
    outcome = outcome_of(contract_table(CITIZEN, tmp_path), str(tmp_path / "e.parquet"), tmp_path)
    assert outcome.rejected == {0: ["children.unreadable"]}
