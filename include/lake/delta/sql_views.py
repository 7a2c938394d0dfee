"""DuckDB views over the live Parquet files of one version of a Delta table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from include.lake.storage import Lake, create_temp_table, lake_errors, literal, quote

FILE = "_file"


def view(lake: Lake, connection: duckdb.DuckDBPyConnection, name: str, uri: str, **partition: str) -> None:
    """Create the view `name` over the table at `uri`, restricted to `partition` if given.

    The view is fixed to the newest version at the time of the call, so all queries see one version.

    Raises:
        LakeTableMissing: there is no table at `uri`.
    """
    delta = lake.table(uri)
    chosen: list[Any] | None = [(column, "=", value) for column, value in partition.items()] or None
    with lake_errors("opening a table"):
        view_of(connection, name, delta, delta.file_uris(file_pruning_predicate=chosen))


def view_of(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    delta: DeltaTable,
    files: Sequence[str],
    *,
    with_file: bool = False,
) -> None:
    """Create the view `name` over files of an open table; `with_file` adds the column `_file`, each row's file."""
    schema = pa.schema(delta.schema().to_arrow())
    is_partitioned = str(bool(delta.metadata().partition_columns)).lower()
    empty = f"{name} without rows"
    create_temp_table(connection, empty, schema.empty_table())
    rows = f"SELECT *, '' AS {FILE} FROM {quote(empty)}"
    if files:
        # An empty table supplies new columns, with their types, that no file has yet.
        listed = ", ".join(literal(file) for file in files)
        rows += (
            f" UNION ALL BY NAME SELECT * FROM read_parquet([{listed}], union_by_name = true, "
            f"filename = {literal(FILE)}, hive_partitioning = {is_partitioned}, hive_types_autocast = false)"
        )
    columns = ", ".join(quote(column) for column in [*schema.names, *([FILE] if with_file else [])])
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS SELECT {columns} FROM ({rows})")
