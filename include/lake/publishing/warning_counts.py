"""Number of published rows that break each rule of severity `warning`, stored as metadata on the table's commits.

The counts of a large table are updated by the rows that a run changes, without a pass over the others. They depend on
content only, so compaction keeps them valid and a restored version brings its own back. A commit of any other writer
or a change of the rules invalidates them: they are then counted anew.
"""

from __future__ import annotations

import json

import duckdb

from include.contracts.model import Rule, Table
from include.lake.delta import (
    WARNINGS,
    RunCommit,
    StagedFiles,
    TableSchema,
    accepted_rows,
    listed,
    published_rows,
    table_schema_of,
)
from include.lake.incremental import PendingCommit, stored_figures
from include.lake.storage import Lake, lake_errors, literal, quote, scan
from include.lake.upsert import COMPARE_MEMORY, rows_to_remove, rows_to_write

WARNED = "warned_rows"  # metadata key
_UNIQUE = "unique 2"  # raised when rows that share a value are counted in another way: stored counts are then outdated

Counts = dict[str, int]


def stored_warnings(state: RunCommit | None, table: Table) -> Counts | None:
    """Warning counts stored on the last run's commit; None if absent or invalidated by another writer."""
    stored = json.loads(stored_figures(state, WARNED))
    return stored["counts"] if stored and stored["of"] == _rules(table) else None


def warnings_after_commit(pending: PendingCommit) -> str:
    """Commit metadata with the warning counts after a commit; empty if no change set is known."""
    table, table_schema, files, changes = pending.table, pending.table_schema, pending.files, pending.changes
    if files is not None and not changes.uri:
        return ""
    if not _rules(table):
        return json.dumps({"counts": {}, "of": []})
    with pending.connection() as connection:
        if files is None:
            after = _count(connection, table, *_of_first_run(table, table_schema, pending.staged))
        else:
            published = published_rows(connection, table_schema, files, with_file=False)
            before = stored_warnings(pending.base, table)
            if before is None:
                before = _count(connection, table, published)
            sides = rows_to_remove(table_schema, changes.uri), rows_to_write(table_schema, changes.uri)
            gained = _gained(connection, table, published, *sides)
            after = {rule_id: before[rule_id] + rows for rule_id, rows in gained.items()}
    return json.dumps({"counts": after, "of": _rules(table)})


def published_warnings(lake: Lake, table: Table, state: RunCommit) -> Counts:
    """Number of published rows that break each rule of severity `warning`; counted if not stored on the last commit."""
    stored = stored_warnings(state, table)
    if stored is not None:
        return stored
    delta = lake.table(lake.registry_table(table.registry, table.name))
    counting = f"counting the warnings of {table.qualified_name}"
    with lake.connect(memory_limit=COMPARE_MEMORY) as connection, lake_errors(counting):
        rows = published_rows(connection, table_schema_of(table, delta), delta.file_uris(), with_file=False)
        return _count(connection, table, rows)


def _rules(table: Table) -> list[list[str]]:
    """The rules that stored counts are of, and how those of values were counted."""
    values = ([rule.rule_id, _UNIQUE, *rule.columns] for rule in _of_values(table))
    return [*([rule.rule_id, *rule.columns] for rule in _of_rows(table)), *values]


def _of_rows(table: Table) -> list[Rule]:
    """Rules whose ids are in `_warnings` of every row that breaks them."""
    return [rule for rule in table.rules if rule.severity == "warning" and rule.scope == "row"]


def _of_values(table: Table) -> list[Rule]:
    """Unique rules: a row published earlier carries no warning when a later row repeats its value."""
    return [rule for rule in table.rules if rule.severity == "warning" and rule.scope == "set"]


def _of_first_run(table: Table, table_schema: TableSchema, staged: StagedFiles) -> tuple[str, str]:
    """SELECTs for `_count` on a table's first run: only rows with a warning need be counted."""
    if table.extract.deleted_when:
        accepted = accepted_rows(table_schema, staged, deleted_when=table.extract.deleted_when)
        return accepted, accepted
    carrying = f"SELECT {WARNINGS} FROM {scan(staged.warnings)}"
    values = listed(sorted({name for rule in _of_values(table) for name in rule.columns}))
    either = " OR ".join(map(_carries, _of_values(table))) or "false"
    joined = f"{scan(staged.warnings)} _w JOIN {scan(staged.conformed)} _c ON _c._row = _w._row"
    return carrying, f"SELECT {values}, {WARNINGS} FROM {joined} WHERE {either}"


def _count(connection: duckdb.DuckDBPyConnection, table: Table, rows: str, candidates: str = "") -> Counts:
    """Counts over the rows of a SELECT; `candidates` selects those that may share a value, if known."""
    found = _carrying(connection, table, rows)
    for rule in _of_values(table):
        groups = (
            f"SELECT count(*) AS _n FROM ({candidates or rows}) WHERE {_given(rule)} "
            f"GROUP BY {listed(rule.columns)} HAVING count(*) > 1"
        )
        found[rule.rule_id] = _one(connection, f"SELECT coalesce(sum(_n), 0)::BIGINT FROM ({groups})")
    return found


def _gained(connection: duckdb.DuckDBPyConnection, table: Table, before: str, gone: str, come: str) -> Counts:
    """Change in the number of rows that break each rule, by rows removed and rows added.

    Names of ours begin with `_`, as no published column of a contract does.
    """
    less, more = _carrying(connection, table, gone), _carrying(connection, table, come)
    found = {rule_id: more[rule_id] - less[rule_id] for rule_id in less}
    for rule in _of_values(table):
        columns = listed(rule.columns)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE _net AS SELECT {columns}, sum(_d) AS _d FROM "
            f"(SELECT {columns}, -1 AS _d FROM ({gone}) UNION ALL SELECT {columns}, 1 FROM ({come})) "
            f"WHERE {_given(rule)} GROUP BY {columns} HAVING sum(_d) <> 0"
        )
        found[rule.rule_id] = 0
        if _one(connection, "SELECT count(*) FROM _net"):
            touched = f"({before}) SEMI JOIN _net USING ({columns})"
            was = f"SELECT {columns}, count(*) AS _n FROM {touched} GROUP BY {columns}"
            after = "CASE WHEN _n + _d > 1 THEN _n + _d ELSE 0 END"
            found[rule.rule_id] = _one(
                connection,
                f"SELECT coalesce(sum({after} - CASE WHEN _n > 1 THEN _n ELSE 0 END), 0)::BIGINT "
                f"FROM (SELECT _d, coalesce(_n, 0) AS _n FROM _net LEFT JOIN ({was}) USING ({columns}))",
            )
    return found


def _carrying(connection: duckdb.DuckDBPyConnection, table: Table, rows: str) -> Counts:
    rules = _of_rows(table)
    if not rules:
        return {}
    sums = ", ".join(f"count(*) FILTER ({_carries(rule)})" for rule in rules)
    counts = connection.execute(f"SELECT {sums} FROM ({rows})").fetchall()[0]
    return dict(zip((rule.rule_id for rule in rules), counts, strict=True))


def _carries(rule: Rule) -> str:
    return f"list_contains({WARNINGS}, {literal(rule.rule_id)})"


def _given(rule: Rule) -> str:
    return " AND ".join(f"{quote(name)} IS NOT NULL" for name in rule.columns)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])
