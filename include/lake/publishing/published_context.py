"""Published context: the published rows that a run does not change, as far as unique and table rules need them.

A run is judged together with these rows: a value that must not repeat may be published already, and a measure of the
whole table counts them too. They are the rows that were not received, unless a full run reconciles, and in every run
those whose new version breaks a row rule and which are therefore retained.

Two kinds of rows are left out because only a later step decides that they stay: those whose new version is rejected by
a rule over several rows, and those that are newer than the rows of a backfill or replay. Where such a row keeps a value
that a received one has too, both are published, and counted (see rule_counts.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import sqlglot
from sqlglot import exp

from include.contracts.model import Rule, Table
from include.lake.delta import TableSchema, listed, published_rows
from include.lake.storage import Lake, lake_errors, literal, quote, scan
from include.lake.upsert import COMPARE_MEMORY, Mode


@dataclass(frozen=True, slots=True)
class Conformed:
    """A run's conformed rows (conformed.parquet), and SQL of whether a row breaks a row rule of severity error."""

    uri: str
    failing: str


def published_context_of(lake: Lake, table: Table, conformed: Conformed, *, mode: Mode, gone: str | None) -> str | None:
    """Write the published context as Parquet next to the staged files; returns its URI, or None if there is none.

    Its rows' keys are not gone, and were not received in a row that passes the row rules. In a full run of a table
    that is reconciled they were received, but only in rows that fail.

    None for a table that was never published, and where no rule looks beyond a row; a full run of a reconciled table
    in which no row fails does not read the published table. The file has the columns that rules over the table name,
    with every row; in any other run, a column that only unique rules name is null in rows whose values were not
    received, and without rules over the table only rows that share a value with a received one are there.
    """
    is_replaced = mode == "full" and table.extract.deletes == "reconcile"  # rows not received are deleted
    unique = table.value_rules  # those on keys look at no published row of this server
    measured = sorted(set(_measured(table)), key=[c.name for c in table.columns].index)
    is_measured = any(rule.scope == "table" for rule in table.rules)
    uri = lake.registry_table(table.registry, table.name)
    is_kept = table.primary_key or mode != "full"
    if not is_kept or not (unique or is_measured) or not lake.is_table(uri):
        return None
    found = published_context_uri(conformed.uri)
    with (
        lake_errors(f"finding what {table.qualified_name} has beside a run"),
        lake.connect(memory_limit=COMPARE_MEMORY) as connection,
    ):
        received = f"SELECT *, ({conformed.failing}) AS _fails FROM {scan(conformed.uri)}"
        connection.execute(f"CREATE TEMP VIEW received AS {received}")
        if is_replaced and not _some_fail(connection):
            return None
        named = dict.fromkeys([*measured, *(name for rule in unique for name in rule.columns)])
        columns = {*table.primary_key, *named}
        table_schema = TableSchema(
            tuple((c.name, c.sql_type) for c in table.columns if c.name in columns), table.primary_key
        )
        files = lake.table(uri).file_uris()
        connection.execute(f"CREATE TEMP VIEW published AS {published_rows(connection, table_schema, files)}")
        untouched = _untouched(table, unique, measured, is_measured, gone)
        query = _retained(table, list(named)) if is_replaced else untouched
        rows = connection.execute(f"COPY ({query}) TO {literal(found)} (FORMAT parquet, COMPRESSION lz4)").fetchall()
    return found if rows[0][0] else None


def published_context_uri(conformed_uri: str) -> str:
    """URI of the published context, next to the conformed rows."""
    return f"{conformed_uri.rpartition('/')[0]}/beside.parquet"


def _some_fail(connection: duckdb.DuckDBPyConnection) -> bool:
    return bool(connection.execute("SELECT 1 FROM received WHERE _fails LIMIT 1").fetchall())


def _retained(table: Table, columns: Sequence[str]) -> str:
    """SELECT of the published rows retained by a full run that deletes rows not received.

    Only the keys that fail, hardly ever many, are held in memory.
    """
    keys = listed(table.primary_key)
    failed = f"(SELECT {keys} FROM received WHERE _fails)"
    passed = f"(FROM (SELECT {keys} FROM received WHERE NOT _fails) SEMI JOIN {failed} USING ({keys}))"
    kept = f"(FROM {failed} ANTI JOIN {passed} USING ({keys}))"
    return f"SELECT {listed(columns) or 'true AS _stays'} FROM published SEMI JOIN {kept} USING ({keys})"


def _untouched(table: Table, unique: Sequence[Rule], measured: list[str], is_measured: bool, gone: str | None) -> str:
    """SELECT of the published rows unchanged by any other run, with a mark per unique rule whose value was received."""
    keys = listed(table.primary_key)
    touched = f"SELECT {keys} FROM received WHERE NOT _fails"
    touched += f" UNION ALL SELECT {keys} FROM {scan(gone)}" if gone else ""
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
    """Columns named by the rules over the table."""
    columns_by_name = {column.name.lower(): column.name for column in table.columns}
    for rule in table.rules:
        if rule.scope != "table":
            continue
        yield from rule.columns
        if rule.violation:
            named = sqlglot.parse_one(rule.violation, read="duckdb").find_all(exp.Column)
            yield from (
                columns_by_name[column.name.lower()] for column in named if column.name.lower() in columns_by_name
            )
