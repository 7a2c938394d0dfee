"""Number of published rows that break each rule, stored as metadata on the table's commits.

The counts of a large table are updated by the rows that a run changes, without a pass over the others. They depend on
content only, so compaction keeps them valid and a restored version brings its own back. A commit of any other writer
or a change of the contract invalidates them: they are then counted anew.

A rule over one row is counted by `_warnings`, which the full run that follows a change of the contract renews in the
rows that stay (see diff_sql.py); only such a row can bear a rule of severity `error`. A unique rule is counted by its
values: one of severity `warning` always, one of severity `error` after a change of the contract, or a run that was
judged without all rows that stay, and as long as rows break it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

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

RULE_COUNTS = "broken_rows"  # metadata key
_WAY = ["rules", "3"]  # raised when rows are counted in another way: stored counts are then outdated

Counts = dict[str, int]


def stored_counts(state: RunCommit | None, table: Table) -> Counts | None:
    """Counts above 0 stored on the last run's commit; None if absent or invalidated by another writer."""
    stored = json.loads(stored_figures(state, RULE_COUNTS)) or {"of": []}
    always = [_named(rule) for rule in _of_values(table) if rule.severity == "warning"]
    return stored["counts"] if all(known in stored["of"] for known in (_WAY, *always)) else None


def counts_after_commit(pending: PendingCommit) -> str:
    """Commit metadata with the counts after a commit; empty if no change set is known."""
    table, table_schema, files, changes = pending.table, pending.table_schema, pending.files, pending.changes
    if files is not None and not changes.uri:
        return ""
    rules = _of_values(table)
    before = {} if files is None else None if changes.judges_anew else stored_counts(pending.base, table)
    if before is not None and not _may_repeat(pending, rules):
        rules = [rule for rule in rules if rule.severity == "warning" or before.get(rule.rule_id)]
    if before == {} and not rules and not any(rule.severity == "warning" for rule in table.rules):
        return _text({}, rules)  # and no row can come to bear a rule
    with pending.connection() as connection:
        if files is None:
            return _text(_count(connection, rules, *_of_first_run(table, rules, table_schema, pending.staged)), rules)
        published = published_rows(connection, table_schema, files, with_file=False)
        if before is None:
            before = _count(connection, rules, published)
        sides = rows_to_remove(table_schema, changes.uri), rows_to_write(table_schema, changes.uri)
        gained = _gained(connection, rules, published, *sides)
    return _text({rule_id: before.get(rule_id, 0) + gained.get(rule_id, 0) for rule_id in {**before, **gained}}, rules)


def _may_repeat(pending: PendingCommit, rules: Sequence[Rule]) -> bool:
    """Whether published rows stay of which unique rules of severity `error` did not know it (see published_context.py).

    They stay because a clash rejects their new version, or because they are newer than what a backfill or replay has.
    """
    is_ruled = pending.files is not None and any(rule.severity == "error" for rule in rules)
    if not is_ruled or pending.mode in ("backfill", "replay"):
        return is_ruled
    # Also the rules on the key itself and on keys of other servers.
    rejecting = [rule.rule_id for rule in pending.table.rules if rule.scope == "set" and rule.severity == "error"]
    named = f"list_has_any(list_transform(_reasons, lambda _r: _r.rule_id), [{', '.join(map(literal, rejecting))}])"
    clashes = f"SELECT 1 FROM {scan(pending.staged.faults)} WHERE {named} LIMIT 1"
    with pending.connection() as connection:
        return bool(connection.execute(clashes).fetchall())


def published_counts(lake: Lake, table: Table, state: RunCommit) -> Counts:
    """Number of published rows that break each rule, where any does; counted if not stored on the last commit.

    They are those of the contract as it is only if all rows were judged by it (`table_digest` of the commit).
    """
    stored = stored_counts(state, table)
    if stored is not None:
        return stored
    delta = lake.table(lake.registry_table(table.registry, table.name))
    counting = f"counting the rules of {table.qualified_name}"
    with lake.connect(memory_limit=COMPARE_MEMORY) as connection, lake_errors(counting):
        rows = published_rows(connection, table_schema_of(table, delta), delta.file_uris(), with_file=False)
        return _count(connection, _of_values(table), rows)


def _text(counts: Counts, rules: Sequence[Rule]) -> str:
    """The metadata: counts, and the unique rules among them; one of severity `error` if it is broken."""
    found = {rule_id: rows for rule_id, rows in sorted(counts.items()) if rows}
    of = [_named(rule) for rule in rules if rule.severity == "warning" or rule.rule_id in found]
    return json.dumps({"counts": found, "of": [_WAY, *of]})


def _named(rule: Rule) -> list[str]:
    return [rule.rule_id, *rule.columns]


def _of_values(table: Table) -> list[Rule]:
    """Unique rules: a row published earlier carries no warning when a later row repeats its value.

    No published rows share a key. The rows of a table without one are all judged by the same run.
    """
    return [rule for rule in table.value_rules if rule.severity == "warning" or table.primary_key]


def _of_first_run(
    table: Table, rules: Sequence[Rule], table_schema: TableSchema, staged: StagedFiles
) -> tuple[str, str]:
    """SELECTs for `_count` on a table's first run: only rows with a warning need be counted."""
    if table.extract.deleted_when:
        accepted = accepted_rows(table_schema, staged, deleted_when=table.extract.deleted_when)
        return accepted, accepted
    carrying = f"SELECT {WARNINGS} FROM {scan(staged.warnings)}"
    values = "".join(f"{quote(name)}, " for name in sorted({name for rule in rules for name in rule.columns}))
    either = " OR ".join(map(_carries, rules)) or "false"
    joined = f"{scan(staged.warnings)} _w JOIN {scan(staged.conformed)} _c ON _c._row = _w._row"
    return carrying, f"SELECT {values}{WARNINGS} FROM {joined} WHERE {either}"


def _count(connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule], rows: str, candidates: str = "") -> Counts:
    """Counts over the rows of a SELECT: what they bear, and unique rules; `candidates` may share a value, if known."""
    found = _carrying(connection, rows)
    for rule in rules:
        groups = (
            f"SELECT count(*) AS _n FROM ({candidates or rows}) WHERE {_given(rule)} "
            f"GROUP BY {listed(rule.columns)} HAVING count(*) > 1"
        )
        found[rule.rule_id] = _one(connection, f"SELECT coalesce(sum(_n), 0)::BIGINT FROM ({groups})")
    return found


def _gained(connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule], before: str, gone: str, come: str) -> Counts:
    """Change in the number of rows that break each rule, by rows removed and rows added.

    Names of ours begin with `_`, as no published column of a contract does.
    """
    less, more = _carrying(connection, gone), _carrying(connection, come)
    found = {rule_id: more.get(rule_id, 0) - less.get(rule_id, 0) for rule_id in {**less, **more}}
    for rule in rules:
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


def _carrying(connection: duckdb.DuckDBPyConnection, rows: str) -> Counts:
    """Number of rows by each id in their `_warnings`, also of rules that left the contract."""
    ids = f"SELECT unnest({WARNINGS}) AS _id FROM ({rows})"
    return dict(connection.execute(f"SELECT _id, count(*) FROM ({ids}) GROUP BY _id ORDER BY _id").fetchall())


def _carries(rule: Rule) -> str:
    return f"list_contains({WARNINGS}, {literal(rule.rule_id)})"


def _given(rule: Rule) -> str:
    return " AND ".join(f"{quote(name)} IS NOT NULL" for name in rule.columns)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])
