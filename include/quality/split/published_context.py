"""A run is judged as part of the table that it will be in: beside published rows, without those that leave it.

A row for which the contract's `deletedWhen` is TRUE is received only to leave the table: whatever else it says matters
to no rule.
"""

from __future__ import annotations

import duckdb
import sqlglot
from sqlglot import exp

from include.contracts import Rule, Table
from include.lake.storage import quote, scan


def is_deleted(table: Table) -> str:
    """SQL: whether the source calls a conformed row deleted."""
    # On its own lines, so that a comment at the condition's end does not swallow the bracket.
    return f"coalesce((\n{table.extract.deleted_when}\n), false)" if table.extract.deleted_when else "false"


def judges_deleted(rule: Rule, table: Table) -> bool:
    """Whether a row rule judges also rows that the source calls deleted: a rule on the key, or on no column (drift).

    So does `unreadable` on what `deletedWhen` reads: of a value that was lost nobody knows what the source calls it.
    """
    if not table.extract.deleted_when or set(rule.columns) <= set(table.primary_key):
        return True
    read = sqlglot.parse_one(table.extract.deleted_when, read="duckdb").find_all(exp.Column)
    return rule.metric == "unreadable" and rule.columns[0] in {column.name for column in read}


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


def view_whole(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """View `whole`: what rules over the table measure, which is `beside` and, unless called deleted, `accepted`."""
    connection.execute(
        f"CREATE VIEW whole AS FROM accepted WHERE NOT {is_deleted(table)} UNION ALL BY NAME FROM beside"
    )
