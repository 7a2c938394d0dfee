"""Files that the lake writes tell readers their bounds, and readers who skip files by them miss no row."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from include.lake.engine import load_extension
from include.lake.root import Lake
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


def test_what_the_log_says_of_a_file(lake):
    table = contract_table(*TABLE.columns[:5], column("yes", "BOOLEAN"), column("empty"), name="typed")
    run(lake, table, 1, [(*FIRST[:5], True, None), (*LAST[:5], False, None)])
    actions = pa.table(lake.table(lake.registry_table("population", "typed")).get_add_actions(flatten=True))
    (said,) = actions.to_pylist()
    for number, name in enumerate(("k", "n", "d")):
        assert (said[f"min.{name}"], said[f"max.{name}"]) == (FIRST[number], LAST[number])
    assert (said["min.yes"], said["max.yes"]) == (False, True)
    assert (said["num_records"], said["null_count.n"], said["null_count.empty"]) == (2, 0, 2)


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
