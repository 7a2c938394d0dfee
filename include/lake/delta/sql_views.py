"""DuckDB views over the live Parquet files of one version of a Delta table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from include.lake.storage import Lake, create_temp_table, lake_errors, literal, quote

FILE = "_file"
_DUCKDB_FILE = "filename"


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
    no_file = f", '' AS {FILE}" if with_file else ""
    rows = f"SELECT *{no_file} FROM {quote(empty)}"
    if files:
        # An empty table supplies new columns, with their types, that no file has yet.
        options = f"hive_partitioning = {is_partitioned}, hive_types_autocast = false"
        rows += f" UNION ALL BY NAME SELECT * FROM {rows_of_files(files, schema.names, options, with_file=with_file)}"
    columns = ", ".join(quote(column) for column in [*schema.names, *([FILE] if with_file else [])])
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS SELECT {columns} FROM ({rows})")


def rows_of_files(files: Sequence[str], columns: Sequence[str], options: str, *, with_file: bool) -> str:
    """Relation of the rows of Parquet files, united by name; `with_file` adds the column `_file`, each row's file.

    Asked for the paths, DuckDB 1.5 applies a condition on a column named `filename` to them: no row then meets it, or
    the query fails. So where a column has that name, each file is read by a statement of its own.
    """
    if with_file and any(name.lower() == _DUCKDB_FILE for name in columns):
        each = (f"SELECT *, {literal(file)} AS {FILE} FROM read_parquet({literal(file)}, {options})" for file in files)
        return f"({' UNION ALL BY NAME '.join(each)})"
    named = f", filename = {literal(FILE)}" if with_file else ""
    return f"read_parquet([{', '.join(map(literal, files))}], union_by_name = true, {options}{named})"
