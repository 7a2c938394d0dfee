"""Rows that were not accepted: kept as received, with every reason, and only for runs that came to their end."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.lake.rejected.append import append_rejected, kept_names
from include.lake.run_log import log_tables
from include.lake.run_log.run_row import RunRow
from include.lake.storage.lake import Lake
from tests.unit.lake.rejecting import kept
from tests.unit.lake.staging import PERSON, START, column, contract_table, run, stage

AN, BINH, CHI = ("a", "An", 1), ("b", "Bình", 2), ("c", "Chi", 3)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def reject(lake: Lake, run_id: str, rows: list[tuple], *, table=PERSON, extract: pa.Table | None = None, **outcomes):
    staged = stage(lake, table, run_id, rows, **outcomes)
    if extract is not None:
        pq.write_table(extract, staged.extract)
    return append_rejected(lake, table, run_id=run_id, at=START, staged=staged, extract_uri=staged.extract)


def test_every_row_that_was_not_accepted_is_kept_with_its_reasons(lake):
    assert reject(lake, "r1", [AN, BINH, CHI, (None, "Dũng", 4)], rejected=[1, 3], superseded=[2]) == 3
    assert [(r["personal_id"], r["age"], r["_row"], r["_status"], r["_key"]) for r in kept(lake, PERSON)] == [
        ("b", "2", 1, "rejected", '{"personal_id":"b"}'),
        ("c", "3", 2, "superseded", '{"personal_id":"c"}'),
        (None, "4", 3, "rejected", None),
    ]
    reason = {"rule_id": "population.citizen.age.required", "column": "age", "message": "must not be empty"}
    assert kept(lake, PERSON)[0]["_reasons"] == [reason]
    assert kept(lake, PERSON)[0]["_rejected_at"] == START
    assert lake.table("rejected/population/citizen").metadata().partition_columns == ["_run_id"]


def test_a_run_without_rejected_rows_leaves_an_empty_table_to_read(lake):
    assert reject(lake, "r1", [AN]) == 0
    assert kept(lake, PERSON) == []
    run(lake, PERSON, 1, [AN])
    assert reject(lake, "r2", [AN]) == 0
    assert lake.table("rejected/population/citizen").version() == 0


def test_values_are_as_received_whatever_their_type(lake):
    extract = pa.table(
        {
            "so_dinh_danh": pa.array(["a", "b"]),
            "blob": pa.array([b"\x00\xff", None]),
            "amount": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
            "day": pa.array([dt.date(2026, 1, 2), None]),
            "local": pa.array([dt.datetime(2026, 1, 2, 3, 4, 5), None], pa.timestamp("us")),
            "nul": pa.array(["x\x00y", "  trailing "]),
        }
    )
    reject(lake, "r1", [AN, BINH], rejected=[0, 1], extract=extract)
    first, second = kept(lake, PERSON)
    assert [first[name] for name in extract.column_names] == [
        "a",
        "\\x00ff",
        "1.50",
        "2026-01-02",
        "2026-01-02 03:04:05",
        "x\x00y",
    ]
    assert second["nul"] == "  trailing "
    assert second["blob"] is None


def test_a_source_column_with_a_reserved_name_is_renamed(lake):
    extract = pa.table({"_key": ["k"], "_ROW": ["9"], "src_key": ["s"], "_other": ["o"], "file_row_number": ["f"]})
    reject(lake, "r1", [AN], rejected=[0], extract=extract)
    (row,) = kept(lake, PERSON)
    assert (row["srcsrc_key"], row["src_ROW"], row["src_key"], row["_other"]) == ("k", "9", "s", "o")
    assert (row["_key"], row["_row"], row["file_row_number"]) == ('{"personal_id":"a"}', 0, "f")


def test_a_column_keeps_the_capitals_it_was_first_published_with():
    assert kept_names(["MST", "_row"], ["mst"]) == {"MST": "mst", "_row": "src_row"}


def test_a_source_that_gains_a_column_and_loses_one(lake):
    reject(lake, "r1", [AN], rejected=[0], extract=pa.table({"a": ["1"], "Số tiền (VND), tháng": ["2"]}))
    run(lake, PERSON, 1, [BINH])
    reject(lake, "r2", [AN], rejected=[0], extract=pa.table({"A": ["3"], "new": ["4"]}))
    assert [(r["a"], r["Số tiền (VND), tháng"], r["new"]) for r in kept(lake, PERSON)] == [
        ("1", "2", None),
        ("3", None, "4"),
    ]


def test_a_table_that_begins_anew_keeps_what_its_earlier_runs_rejected(lake):
    reject(lake, "r1", [AN, BINH], rejected=[0])
    run(lake, PERSON, 1, [AN, BINH], rejected=[0])
    log_tables.append_run(
        lake,
        RunRow.from_dict(
            {"run_id": "r1", "registry": "population", "table": "citizen", "verdict": "published", "started_at": None}
        ),
    )
    lake.delete_tree(lake.registry_table("population", "citizen"))
    reject(lake, "r2", [AN, BINH], rejected=[1])
    assert [(r["_run_id"], r["_row"]) for r in kept(lake, PERSON)] == [("r1", 0), ("r2", 1)]


def test_a_repeated_run_has_its_rows_once(lake):
    for _ in range(2):
        reject(lake, "r1", [AN, BINH, CHI], rejected=[0, 2])
    assert [r["_row"] for r in kept(lake, PERSON)] == [0, 2]
    run(lake, PERSON, 1, [AN, BINH, CHI], rejected=[0, 2])
    assert reject(lake, "r1", [AN], rejected=[0]) == 0
    assert [r["_row"] for r in kept(lake, PERSON)] == [0, 2]


def test_a_run_id_may_hold_what_airflow_puts_there(lake):
    run_id = "scheduled__2026-01-01T00:00:00+00:00 'x'"
    assert reject(lake, run_id, [AN], rejected=[0]) == 1
    assert reject(lake, run_id, [AN], rejected=[0]) == 1
    assert [r["_run_id"] for r in kept(lake, PERSON)] == [run_id]


def test_a_key_of_several_columns_is_json(lake):
    table = contract_table(column("day", "DATE", key=2), column("n", "BIGINT", key=1), name="pairs")
    reject(lake, "r1", [(dt.date(2026, 1, 1), 1), (None, 2)], rejected=[0, 1], table=table)
    assert [r["_key"] for r in kept(lake, table)] == ['{"n":1,"day":"2026-01-01"}', '{"n":2,"day":null}']


def test_a_table_without_a_key_has_no_key_to_note(lake):
    table = contract_table(column("v"), name="keyless")
    reject(lake, "r1", [("x",)], rejected=[0], table=table)
    assert kept(lake, table)[0]["_key"] is None


@pytest.mark.slow
def test_cells_of_40_megabytes(lake):
    huge = "Ừ" * (14 * 1024**2)
    extract = pa.table({"note": ["short", huge, "short"]})
    assert len(huge.encode()) > 40 * 1024**2
    reject(lake, "r1", [AN, BINH, CHI], rejected=[1], extract=extract)
    (row,) = kept(lake, PERSON)
    assert row["note"] == huge
