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
        files = delta.file_uris(chosen)
        if not files:
            empty = pa.schema(delta.schema().to_arrow()).empty_table()
            connection.register(name, empty)
            return
        listed = ", ".join(literal(file) for file in files)
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS SELECT * FROM "
            f"read_parquet([{listed}], union_by_name = true, hive_partitioning = true, hive_types_autocast = false)"
        )
