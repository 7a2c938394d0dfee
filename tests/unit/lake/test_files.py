"""Files that the lake writes tell readers their bounds, and readers who skip files by them miss no row."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from include.lake.delta.data_files import write_files
from include.lake.storage.duckdb_engine import load_extension
from include.lake.storage.lake import Lake
from tests.unit.lake.staging import column, contract_table, run

TABLE = contract_table(
    column("k", key=1),
    column("n", "BIGINT"),
    column("d", "DATE"),
    column("local", "TIMESTAMP"),
    column("instant", "TIMESTAMPTZ"),
    column("amount", "DECIMAL(18,2)"),
    column("wide", "DECIMAL(38,0)"),
    column("share", "DOUBLE"),
    column("yes", "BOOLEAN"),
    column('od"d'),
    name="typed",
)
FIRST = (
    "Ân", -5, date(1900, 1, 1), datetime(1969, 12, 31, 23, 59, 59, 1), datetime(2026, 1, 1, 7, 0, 0, 123456, UTC),
    Decimal("-1.50"), Decimal("-" + "9" * 38), -0.5, True, "x" * 500,
)  # fmt: skip
LAST = (
    "Ơn", 2**62, date(2026, 1, 1), datetime(2026, 1, 1), datetime(2030, 1, 1, tzinfo=UTC),
    Decimal("9999999999999999.99"), Decimal("9" * 38), float("inf"), False, None,
)  # fmt: skip


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers are given the bounds that the lake's own files have, also of a table that delta-rs must not bound."""
    for module in ("include.lake.upsert.delta_merge", "include.lake.delta.table_schema"):
        monkeypatch.setattr(f"{module}.without_bounds", lambda table: {})


def test_what_the_log_says_of_a_file(lake):
    table = contract_table(*TABLE.columns[:5], column("yes", "BOOLEAN"), column("empty"), name="typed")
    run(lake, table, 1, [(*FIRST[:5], True, None), (*LAST[:5], False, None)])
    actions = pa.table(lake.table(lake.registry_table("population", "typed")).get_add_actions(flatten=True))
    (said,) = actions.to_pylist()
    for number, name in enumerate(("k", "n", "d")):
        assert (said[f"min.{name}"], said[f"max.{name}"]) == (FIRST[number], LAST[number])
    assert (said["min.yes"], said["max.yes"]) == (False, True)
    assert (said["num_records"], said["null_count.n"], said["null_count.empty"]) == (2, 0, 2)


@pytest.mark.usefixtures("told")
def test_the_log_bounds_a_patched_file_as_one_that_is_written_whole(lake):
    """Of every type; and a column that the file lacks is empty in all its rows."""
    table = contract_table(*(c for c in TABLE.columns if c.name not in ("wide", 'od"d')), name="typed")
    wider = contract_table(*table.columns, column("late", "BIGINT"), name="typed")
    low, high = ((*row[:6], *row[7:9]) for row in (FIRST, (*LAST[:5], Decimal("2.50"), *LAST[6:])))
    high = (*high[:6], 0.5, high[7])
    rows = [low, *((f"k{n}", *low[1:]) for n in range(8))]
    uri = lake.registry_table("population", "typed")
    run(lake, table, 1, rows)
    run(lake, wider, 2, [(*("k1", *high[1:]), None)], mode="incremental", merge_rows=0)
    (said,) = pa.table(lake.table(uri).get_add_actions(flatten=True)).to_pylist()
    for number, name in enumerate(c.name for c in table.columns[1:]):
        ends = {said[f"min.{name}"], said[f"max.{name}"]}
        assert ends == {low[number + 1], high[number + 1]}, name
    assert said["null_count.late"] == said["num_records"] == 9
    field = pc.field("late").is_null()
    assert lake.table(uri).to_pyarrow_dataset().to_table(filter=field).num_rows == 9


@pytest.mark.usefixtures("told")
def test_readers_who_skip_files_miss_no_row(lake):
    """One file for each of four rows; every reader asks for each row by each of its values."""
    rows = [FIRST, LAST, ("é", None, *FIRST[2:]), ("", 0, date(2000, 1, 1), *LAST[3:])]
    for number, row in enumerate(rows):
        run(lake, TABLE, number, [row], mode="incremental", merge_rows=0)
    uri = lake.registry_table("population", "typed")
    delta = lake.table(uri)
    assert len(delta.file_uris()) == 4
    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    load_extension(connection, "delta")
    for position, name in enumerate(c.name for c in TABLE.columns):
        for row in rows:
            expected = {other[0] for other in rows if other[position] == row[position]}
            dataset = delta.to_pyarrow_dataset()
            field = pc.field(name)
            asked_for = field == pa.scalar(row[position], dataset.schema.field(name).type)
            found = dataset.to_table(filter=field.is_null() if row[position] is None else asked_for, columns=["k"])
            assert set(found["k"].to_pylist()) == expected, name
            quoted = name.replace('"', '""')
            asked = f'SELECT k FROM delta_scan(?) WHERE "{quoted}" IS NOT DISTINCT FROM ?'
            assert {k for (k,) in connection.execute(asked, [uri, row[position]]).fetchall()} == expected, name
    connection.close()


def test_a_file_of_a_narrow_table_holds_no_more_rows_than_a_patch_can_take_the_changes_of(tmp_path: Path) -> None:
    most = 64 * 122_880
    with duckdb.connect(config={"threads": 1}) as connection:
        files = write_files(connection, str(tmp_path), f"SELECT 1::TINYINT AS n FROM range({most} + 1)")
    assert sum(file.rows for file in files) == most + 1
    assert max(file.rows for file in files) <= most
    assert sum(file.size for file in files) < 1_000_000  # it is not their size that parts them
