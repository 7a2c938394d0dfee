"""The rows of a run and of a table, as DuckDB SELECTs. Everything that publishes is built from these."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import duckdb

from include.lake.engine import literal, quote, scan
from include.lake.shape import DELETED_AT, RESERVED, RUN_ID, WARNINGS, Shape

FILE = "_file"


class StagedPaths(Protocol):
    """URIs of the three files that the split leaves in the run's staging folder."""

    @property
    def conformed(self) -> str:
        """Contract columns and `_row`, for every extracted row."""

    @property
    def faults(self) -> str:
        """`_row`, `_outcome`, `_reasons` of the rows that are not accepted."""

    @property
    def warnings(self) -> str:
        """`_row`, `_warnings` of the rows that carry a warning."""


def accepted_rows(shape: Shape, staged: StagedPaths) -> str:
    """SELECT of the rows to be published: contract columns and `_warnings`."""
    columns = ", ".join(f"CAST(c.{quote(name)} AS {sql_type}) AS {quote(name)}" for name, sql_type in shape.columns)
    return (
        f"SELECT {columns}, w.{WARNINGS} FROM {scan(staged.conformed)} c "
        f"ANTI JOIN {scan(staged.faults)} f ON c._row = f._row "
        f"LEFT JOIN {scan(staged.warnings)} w ON c._row = w._row"
    )


def published_rows(connection: duckdb.DuckDBPyConnection, shape: Shape, files: Sequence[str]) -> str:
    """SELECT of a table's rows with every column that the shape names; a column that no file has yet is null.

    `_file` is there too, so that a caller can tell which file holds a row.
    """
    columns = [*shape.columns, *RESERVED, *shape.dropped]
    if not files:
        nulls = ", ".join(f"CAST(NULL AS {sql_type}) AS {quote(name)}" for name, sql_type in columns)
        return f"SELECT {nulls}, '' AS {FILE} WHERE false"
    source = (
        f"read_parquet([{', '.join(literal(file) for file in files)}], union_by_name = true, "
        f"hive_partitioning = false, filename = {literal(FILE)})"
    )
    present = {row[0] for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()}
    select = ", ".join(
        f"CAST({quote(name) if name in present else 'NULL'} AS {sql_type}) AS {quote(name)}"
        for name, sql_type in columns
    )
    return f"SELECT {select}, {FILE} FROM {source}"


def set_run(connection: duckdb.DuckDBPyConnection, run_id: str, at: datetime) -> None:
    """Tell a connection which run writes, and when; the SELECTs below read it."""
    connection.execute(f"SET VARIABLE run_id = {literal(run_id)}")
    connection.execute(f"SET VARIABLE run_at = CAST({literal(at.isoformat())} AS TIMESTAMPTZ)")


def difference(uri: str) -> str:
    """SELECT of the rows of a difference that are to be written."""
    return f"SELECT * FROM {scan(uri)} WHERE _change <> 'retained'"


def changed_rows(shape: Shape, uri: str) -> str:
    """SELECT of the rows of a difference as they are published."""
    return (
        f"SELECT {_listed(shape)}, getvariable('run_id') AS {RUN_ID}, {WARNINGS}, "
        f"CASE WHEN _change = 'delete' THEN getvariable('run_at') END AS {DELETED_AT}{_nulls(shape)} "
        f"FROM ({difference(uri)})"
    )


def new_rows(shape: Shape, staged: StagedPaths) -> str:
    """SELECT of the accepted rows as they are published, for a table that they make up as a whole."""
    return (
        f"SELECT {_listed(shape)}, getvariable('run_id') AS {RUN_ID}, {WARNINGS}, "
        f"CAST(NULL AS TIMESTAMPTZ) AS {DELETED_AT}{_nulls(shape)} FROM ({accepted_rows(shape, staged)})"
    )


def _listed(shape: Shape) -> str:
    return ", ".join(quote(name) for name in shape.names)


def _nulls(shape: Shape) -> str:
    return "".join(f", CAST(NULL AS {sql_type}) AS {quote(name)}" for name, sql_type in shape.dropped)
