"""Views of the published context and the whole table, and rules for rows deleted at the source.

A row for which the contract's `deletedWhen` is TRUE only removes its key from the table: most rules do not judge it.
"""

from __future__ import annotations

import duckdb
import sqlglot
from sqlglot import exp

from include.contracts.model import Rule, Table
from include.lake.storage import quote, scan
from include.quality.split.relations import ACCEPTED, BESIDE, ELSEWHERE, WHOLE


def is_deleted(table: Table) -> str:
    """SQL condition: the source calls a conformed row deleted."""
    # On its own lines, so that a comment at the condition's end does not hide the bracket.
    return f"coalesce((\n{table.extract.deleted_when}\n), false)" if table.extract.deleted_when else "false"


def judges_deleted(rule: Rule, table: Table) -> bool:
    """Whether a row rule also judges deleted rows: a rule on the key, or on no column (drift).

    So does `unreadable` on the columns of `deletedWhen`: with a lost value the row's deletion is unknown.
    """
    if not table.extract.deleted_when or set(rule.columns) <= set(table.primary_key):
        return True
    read = sqlglot.parse_one(table.extract.deleted_when, read="duckdb").find_all(exp.Column)
    return rule.metric == "unreadable" and rule.columns[0] in {column.name for column in read}


def view_beside(connection: duckdb.DuckDBPyConnection, table: Table, uri: str) -> None:
    """Create view BESIDE, the published context in the contract's columns and types; empty if `uri` is.

    `uri` is a Parquet file with at least the columns of set and table rules; the others are NULL.
    """
    given = {row[0] for row in connection.execute(f"DESCRIBE FROM {scan(uri)}").fetchall()} if uri else set()
    columns = ", ".join(
        f"CAST({quote(c.name) if c.name in given else 'NULL'} AS {c.sql_type}) AS {quote(c.name)}"
        for c in table.columns
    )
    rows = f"FROM {scan(uri)}" if uri else "WHERE false"
    connection.execute(f"CREATE VIEW {BESIDE} AS SELECT {columns} {rows}")


def view_elsewhere(connection: duckdb.DuckDBPyConnection, table: Table, uri: str) -> None:
    """Create view ELSEWHERE, the keys of the run that another server has published; empty if `uri` is."""
    keys = ", ".join(f"CAST(NULL AS {table.column(n).sql_type}) AS {quote(n)}" for n in table.primary_key) or "NULL"
    rows = f"FROM {scan(uri)}" if uri else f"SELECT {keys} WHERE false"
    connection.execute(f"CREATE VIEW {ELSEWHERE} AS {rows}")


def view_whole(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Create view WHOLE: the rows of BESIDE, and of ACCEPTED those that are not deleted at the source."""
    connection.execute(
        f"CREATE VIEW {WHOLE} AS FROM {ACCEPTED} WHERE NOT {is_deleted(table)} UNION ALL BY NAME FROM {BESIDE}"
    )
