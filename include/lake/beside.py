"""The published rows that an increment leaves as they are, as far as rules speak of them.

An increment is judged together with these rows: a value that must not repeat may be published already, and a measure of
the whole table counts them too.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlglot
from sqlglot import exp

from include.contracts.model import Rule, Table
from include.lake.changes import COMPARE_MEMORY, Mode
from include.lake.engine import literal, quote, scan
from include.lake.errors import lake_errors
from include.lake.root import Lake
from include.lake.rows import listed, published_rows
from include.lake.shape import Shape


def beside(lake: Lake, table: Table, staged_conformed: str, *, mode: Mode, gone: str | None) -> str | None:
    """URI of a Parquet, beside the staged files, of the published rows whose key was neither received nor is gone.

    None for a full run, for a table that was never published, and where no rule looks beyond a row. The file has the
    columns that rules over the table name, with every row; a column that only unique rules name is null in rows whose
    values were not received. Without rules over the table, only rows that share a value with a received one are there.
    """
    unique = [rule for rule in table.rules if rule.scope == "set"]
    measured = sorted(set(_measured(table)), key=[c.name for c in table.columns].index)
    is_measured = any(rule.scope == "table" for rule in table.rules)
    uri = lake.registry_table(table.registry, table.name)
    if mode == "full" or not (unique or is_measured) or not lake.is_table(uri):
        return None
    found = f"{staged_conformed.rpartition('/')[0]}/beside.parquet"
    with lake_errors(f"finding what {table.qualified_name} has beside an increment"):
        files = lake.table(uri).file_uris()
        connection = lake.connect(memory_limit=COMPARE_MEMORY)
        try:
            columns = {*table.primary_key, *measured, *(name for rule in unique for name in rule.columns)}
            shape = Shape(tuple((c.name, c.sql_type) for c in table.columns if c.name in columns), table.primary_key)
            connection.execute(f"CREATE TEMP VIEW received AS FROM {scan(staged_conformed)}")
            connection.execute(f"CREATE TEMP VIEW published AS {published_rows(connection, shape, files)}")
            query = _untouched(table, unique, measured, is_measured, gone)
            connection.execute(f"COPY ({query}) TO {literal(found)} (FORMAT parquet, COMPRESSION lz4)")
        finally:
            connection.close()
    return found


def _untouched(table: Table, unique: list[Rule], measured: list[str], is_measured: bool, gone: str | None) -> str:
    """SELECT of the rows that stay, marked by each unique rule whose value was received too."""
    keys = listed(table.primary_key)
    touched = f"SELECT {keys} FROM received" + (f" UNION ALL SELECT {keys} FROM {scan(gone)}" if gone else "")
    rows = f"(FROM published ANTI JOIN ({touched}) USING ({keys})) p" if keys else "published p"
    marks, joins = [], []
    for number, rule in enumerate(unique):
        on = " AND ".join(f"p.{quote(name)} = u{number}.{quote(name)}" for name in rule.columns)
        joins.append(f"LEFT JOIN (SELECT DISTINCT {listed(rule.columns)}, true AS _m FROM received) u{number} ON {on}")
        marks.append(f"u{number}._m")
    chosen = [f"p.{quote(name)}" for name in measured]
    for name in dict.fromkeys(name for rule in unique for name in rule.columns if name not in measured):
        clashes = [mark for mark, rule in zip(marks, unique, strict=True) if name in rule.columns]
        chosen.append(f"CASE WHEN {' OR '.join(clashes)} THEN p.{quote(name)} END AS {quote(name)}")
    where = "" if is_measured else f" WHERE {' OR '.join(marks)}"
    return f"SELECT {', '.join(chosen) or 'true AS _stays'} FROM {rows} {' '.join(joins)}{where}"


def _measured(table: Table) -> Iterator[str]:
    """Columns that the rules over the table speak of."""
    known = {column.name.lower(): column.name for column in table.columns}
    for rule in table.rules:
        if rule.scope != "table":
            continue
        yield from rule.columns
        if rule.violation:
            named = sqlglot.parse_one(rule.violation, read="duckdb").find_all(exp.Column)
            yield from (known[column.name.lower()] for column in named if column.name.lower() in known)
