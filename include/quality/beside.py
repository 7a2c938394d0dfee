"""The published rows that a run does not touch: an increment is judged as part of the table that it will be in."""

from __future__ import annotations

import duckdb

from include.contracts.model import Table
from include.lake.engine import quote, scan


def view_beside(connection: duckdb.DuckDBPyConnection, table: Table, uri: str) -> None:
    """View `beside`: those rows in the contract's columns and types; no row if `uri` is empty.

    `uri` is a Parquet file with at least the columns that set and table rules speak of; the others are NULL.
    """
    given = {row[0] for row in connection.execute(f"DESCRIBE FROM {scan(uri)}").fetchall()} if uri else set()
    columns = ", ".join(
        f"CAST({quote(c.name) if c.name in given else 'NULL'} AS {c.sql_type}) AS {quote(c.name)}"
        for c in table.columns
    )
    rows = f"FROM {scan(uri)}" if uri else "WHERE false"
    connection.execute(f"CREATE VIEW beside AS SELECT {columns} {rows}")


def view_whole(connection: duckdb.DuckDBPyConnection) -> None:
    """View `whole`: the views `accepted` and `beside` together, which is what rules over the table measure."""
    connection.execute("CREATE VIEW whole AS FROM accepted UNION ALL BY NAME FROM beside")
