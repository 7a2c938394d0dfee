"""A reader that filters finds every value: no file is skipped that has it.

Older tests filtered by nothing, or by whole numbers: of decimals past fifteen digits, and of infinity, delta-rs wrote
bounds that shut the value out.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from deltalake import DeltaTable
from duckdb_extensions import import_extension

from include.lake.storage.lake import Lake
from tests.extracts import lake_at
from tests.integration.lake.edges import EDGES, HIGH, LOW, NAMES, NONE, ODD, WIDE
from tests.unit.lake.staging import column, contract_table, run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lake_at(tmp_path_factory.mktemp("filters"))


@pytest.fixture(scope="module")
def merged(lake: Lake) -> DeltaTable:
    """A table of one file a row, all but the first written by delta-rs, which tells readers the bounds of its files."""
    for number, row in enumerate([("low", *LOW), ("high", *HIGH), ("odd", *ODD), ("none", *NONE)]):
        run(lake, WIDE, number, [row], mode="incremental")
    table = lake.table(lake.registry_table("population", "wide"))
    assert len(table.file_uris()) == 4
    return table


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    import_extension("delta")
    with duckdb.connect() as connection:
        connection.execute("LOAD delta; SET TimeZone = 'UTC'")
        yield connection


@pytest.mark.parametrize("edge", EDGES, ids=NAMES[1:])
def test_a_filter_finds_every_value(
    merged: DeltaTable, duck: duckdb.DuckDBPyConnection, edge: tuple[str, str, object, object, object]
) -> None:
    name, sql_type, *values = edge
    kind = pa.schema(merged.schema().to_arrow()).field(name).type
    by_sql = f"SELECT id FROM delta_scan('{merged.table_uri}') WHERE \"{name}\" = ?::{sql_type}"
    for key, value in zip(("low", "high", "odd"), values, strict=True):
        if value is None:
            continue
        scalar = pa.scalar(value, kind)
        by_arrow = merged.to_pyarrow_dataset().to_table(filter=ds.field(name) == scalar)
        lazily = pl.scan_delta(merged.table_uri).filter(pl.col(name) == pl.from_arrow(pa.array([scalar]))[0])
        assert by_arrow["id"].to_pylist() == [key]
        assert lazily.collect()["id"].to_list() == [key]
        assert duck.execute(by_sql, [value]).fetchall() == [(key,)]


def test_a_table_that_gains_such_a_column_tells_no_bounds_from_then_on(lake: Lake) -> None:
    young = contract_table(column("id", key=1), column("a", "DECIMAL(15,2)"), name="bounded")
    grown = contract_table(*young.columns, column("n", "DECIMAL(38,10)"), name="bounded")
    most = HIGH[NAMES.index("d38_10") - 1]
    run(lake, young, 1, [("low", 1)])
    run(lake, young, 2, [("odd", 2)], mode="incremental")
    table = lake.table(lake.registry_table("population", "bounded"))
    assert "max.a" in pa.table(table.get_add_actions(flatten=True)).schema.names
    run(lake, grown, 3, [("high", 3, most)], mode="incremental")
    table.update_incremental()
    assert "max.a" not in pa.table(table.get_add_actions(flatten=True)).schema.names
    found = table.to_pyarrow_dataset().to_table(filter=ds.field("n") == pa.scalar(most, pa.decimal128(38, 10)))
    assert found["id"].to_pylist() == ["high"]
