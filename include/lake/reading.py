"""Read the newest version of a Delta table in SQL: its live Parquet files behind a view."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from include.lake.engine import literal, quote
from include.lake.errors import lake_errors
from include.lake.root import Lake


def view(lake: Lake, connection: duckdb.DuckDBPyConnection, name: str, uri: str, **partition: str) -> None:
    """Make the view `name` over the table at `uri`, only the given partition if one is named.

    The view is fixed to the version that is newest now, so that several queries see one state.

    Raises:
        LakeTableMissing: there is no table at `uri`.
    """
    delta = lake.table(uri)
    chosen: list[Any] | None = [(column, "=", value) for column, value in partition.items()] or None
    with lake_errors("opening a table"):
        schema = pa.schema(delta.schema().to_arrow())
        files = delta.file_uris(file_pruning_predicate=chosen)
        is_partitioned = str(bool(delta.metadata().partition_columns)).lower()
        empty = f"{name} without rows"
        connection.register(empty, schema.empty_table())
        rows = f"SELECT * FROM {quote(empty)}"
        if files:
            # A column may be so new that no file has it yet: the empty table gives it, and its type.
            listed = ", ".join(literal(file) for file in files)
            rows += (
                f" UNION ALL BY NAME SELECT * FROM read_parquet([{listed}], union_by_name = true, "
                f"hive_partitioning = {is_partitioned}, hive_types_autocast = false)"
            )
        columns = ", ".join(quote(column) for column in schema.names)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS SELECT {columns} FROM ({rows})")
