"""The split: each extracted row is accepted, rejected with all its reasons, or superseded by a newer version.

The order is part of the contract with the registries:

1. Row rules (severity error) on all rows: a failing row is rejected with every reason.
2. Among the rest, same primary key as received and as published: the newest by cursor is kept, the others are
   superseded. Rows whose keys differ at the source and are published as one break a set rule.
3. Set rules (a value must not repeat) among those kept: all members of a clash are rejected, since none is known to be
   right. In a clash with a row of the published context, that row stays published.

A rule that is NULL for a row is not broken: whether a value must be given is a rule of its own (`required`).

A row that the source calls deleted (the contract's `deletedWhen`) leaves the table by its key. Only rules on the key
judge it (and others by `judges_deleted`); it supersedes older versions of its key, clashes with nothing, and counts as
accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import duckdb

from include.cluster import Spark
from include.contracts.model import Rule, Table
from include.lake.delta import StagedFiles
from include.lake.publishing import Conformed, elsewhere_uri, keys_elsewhere, published_context_uri
from include.lake.storage import Lake, lake_errors, literal, quote, restrict_access, scan
from include.quality.conversion import ROW, conform, expressions, has_drift, parquet_to, prepare_pass, register
from include.quality.errors import ConservationBroken, run
from include.quality.split.cluster_parts import ClusterParts, cluster_parts
from include.quality.split.context_views import is_deleted, view_beside, view_elsewhere, view_whole
from include.quality.split.drift_rule import with_drift_rule
from include.quality.split.relations import ACCEPTED, CLASHES, CONFORMED, FAULTS, FLAGGED, SUPERSEDED_ROWS, WHOLE
from include.quality.split.results import RuleCount, SplitResult
from include.quality.split.rule_violations import (
    REASON,
    RowRules,
    blame_deleted_when,
    blame_rule,
    find_clashes,
    find_superseded,
    flag_rows,
    reason,
    sharing,
    superseded_reason,
)


def conform_and_split(
    table: Table,
    extract_uri: str,
    *,
    lake: Lake,
    run_id: str,
    schemas_dir: Path,
    published_context: Callable[[Conformed], str | None] = lambda conformed: None,
    memory_limit: str = "1GB",
    spark: Spark | None = None,
) -> SplitResult:
    """Conform one extract and give every row its outcome; writes the three staged files into the run's folder.

    Args:
        table: the contract's table.
        extract_uri: the extract's Parquet file.
        lake: where the run folder is.
        run_id: the run.
        schemas_dir: the folder with `reference/`, for code lists.
        published_context: returns the URI of the published context (None if there is none), given conformed.parquet
            and SQL of which of its rows break a row rule.
        memory_limit: of the engine, which spills to disk beyond it.
        spark: the cluster that conforms the rows and finds those that share a value; this machine unless given.

    Raises:
        ConformError: a column cannot be computed from the extract.
        RuleUnusable: a rule cannot be run.
        ConservationBroken: rows were lost or duplicated; nothing may be published.
        ClusterUnusable: the cluster cannot do its part.
        LakeError: the lake failed.
    """
    started = perf_counter()
    folder = lake.staging_path(table.registry, table.name, run_id)
    lake.make_folder(folder)
    staged = StagedFiles.below(folder)
    with ExitStack() as stack:
        connection = stack.enter_context(lake.connect(memory_limit=memory_limit))
        statements = [*expressions(table), *(r.violation for r in table.rules)]
        register(connection, schemas_dir, statements)
        parts = None
        if spark is not None:
            cluster = cluster_parts(
                spark, lake, table, connection,
                extract_uri=extract_uri, folder=folder, schemas_dir=schemas_dir, statements=statements,
            )  # fmt: skip
            parts = stack.enter_context(cluster)
            extract_uri = parts.extract_uri
        context_files = [published_context_uri(staged.conformed), elsewhere_uri(staged.conformed)]
        files = [*staged.uris, *(parts.files if parts else [])]
        restrict_access(connection, reads=[extract_uri, *context_files], writes=files)
        table = with_drift_rule(table) if has_drift(connection, extract_uri) else table
        rules = RowRules.of(table)
        conforming = prepare_pass(
            connection, table, extract_uri=extract_uri,
            judgement=[f"{rules.mask(word)} AS _m{word}" for word in rules.words],
            blame=lambda relation: (
                blame_deleted_when(connection, table, relation) or blame_rule(connection, rules.rules, relation)
            ),
        )  # fmt: skip
        extracted = (conform if parts is None else parts.conform)(connection, conforming, staged.conformed)
        untouched = published_context(Conformed(staged.conformed, rules.any_of("error"))) or ""
        elsewhere = keys_elsewhere(lake, table, staged.conformed)
        with lake_errors(f"splitting {table.qualified_name}"):
            result = _split(connection, table, rules, staged, extracted, untouched, elsewhere, parts)
    return replace(result, seconds=perf_counter() - started)


def _split(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    row_rules: RowRules,
    staged: StagedFiles,
    extracted: int,
    published_context: str,
    elsewhere: str,
    parts: ClusterParts | None,
) -> SplitResult:
    set_rules = [r for r in table.rules if r.scope == "set"]
    connection.execute(f"CREATE TEMP VIEW {CONFORMED} AS SELECT * FROM {scan(staged.conformed)}")
    view_beside(connection, table, published_context)
    view_elsewhere(connection, table, elsewhere)
    suspects = CONFORMED if parts is None else parts.suspects(connection, row_rules, set_rules)
    flag_rows(connection, row_rules, suspects)
    key_repeats = find_superseded(connection, table)
    find_clashes(connection, table, set_rules, key_repeats=key_repeats)
    _write_faults(connection, table, row_rules, set_rules, staged.faults)
    accepted, rejected, superseded = _outcomes(connection)
    if extracted != accepted + rejected + superseded:
        raise ConservationBroken(
            f"{table.qualified_name}: {extracted:,} rows extracted, but {accepted:,} accepted + {rejected:,} rejected "
            f"+ {superseded:,} superseded: nothing was published; keep the landing folder and report this as a defect"
        )
    _write_warnings(connection, row_rules, set_rules, staged.warnings)
    failing = connection.execute(f"SELECT count(*) FROM {FLAGGED} WHERE {row_rules.any_of('error')}").fetchall()[0][0]
    kept = extracted - failing - superseded
    counts = [
        *_row_counts(connection, row_rules, extracted),
        *_set_counts(connection, table, set_rules, kept),
        *table_counts(connection, [r for r in table.rules if r.scope == "table"]),
    ]
    order = {rule.rule_id: place for place, rule in enumerate(table.rules)}
    counts.sort(key=lambda count: order[count.rule_id])
    context_uris = (published_context, elsewhere)
    return SplitResult(staged, extracted, accepted, rejected, superseded, tuple(counts), 0.0, *context_uris)


def _write_faults(
    connection: duckdb.DuckDBPyConnection, table: Table, row_rules: RowRules, set_rules: Sequence[Rule], uri: str
) -> None:
    """Write the faults and create FAULTS, ACCEPTED and WHOLE; needs CONFORMED, FLAGGED, SUPERSEDED_ROWS, CLASHES."""
    clash_reasons = _of_clashes(set_rules, "error", reason)
    faults = (
        f"SELECT {ROW}, 'rejected' AS _outcome, {row_rules.reasons()} AS _reasons "
        f"FROM {FLAGGED} WHERE {row_rules.any_of('error')} UNION ALL "
        f"SELECT {ROW}, 'superseded', [{superseded_reason(table)}] FROM {SUPERSEDED_ROWS} UNION ALL "
        f"SELECT {ROW}, 'rejected', CAST(list(item ORDER BY rule) AS {REASON}[]) FROM ({clash_reasons}) GROUP BY {ROW}"
    )
    connection.execute(f"COPY ({faults}) TO {parquet_to(uri)}")
    connection.execute(f"CREATE TEMP VIEW {FAULTS} AS SELECT * FROM {scan(uri)}")
    connection.execute(f"CREATE TEMP VIEW {ACCEPTED} AS SELECT * FROM {CONFORMED} ANTI JOIN {FAULTS} USING ({ROW})")
    view_whole(connection, table)


def _write_warnings(
    connection: duckdb.DuckDBPyConnection, row_rules: RowRules, set_rules: Sequence[Rule], uri: str
) -> None:
    """Write the warnings of the accepted rows; the others have their reasons. Needs FLAGGED, CLASHES, FAULTS."""
    clashes = _of_clashes(set_rules, "warning", lambda rule: literal(rule.rule_id))
    found = f"SELECT {ROW}, {row_rules.warnings()} AS _warnings FROM {FLAGGED} WHERE {row_rules.any_of('warning')}"
    if any(rule.severity == "warning" for rule in set_rules):  # only then can a row occur twice
        of_sets = f"SELECT {ROW}, CAST(list(item ORDER BY rule) AS VARCHAR[]) FROM ({clashes}) GROUP BY {ROW}"
        # Always in one order (row rules first): the same warnings in another order would be a change of the row.
        found = (
            f"SELECT {ROW}, flatten(list(_warnings ORDER BY place)) AS _warnings "
            f"FROM (SELECT *, 0 AS place FROM ({found}) UNION ALL SELECT *, 1 FROM ({of_sets})) GROUP BY {ROW}"
        )
    accepted = f"SELECT {ROW}, _warnings FROM ({found}) ANTI JOIN {FAULTS} USING ({ROW})"
    connection.execute(f"COPY ({accepted}) TO {parquet_to(uri)}")


def _of_clashes(rules: Sequence[Rule], severity: str, item: Callable[[Rule], str]) -> str:
    """SELECT from CLASHES of `_row`, `rule` and the rule's item, for rules of that severity."""
    cases = [f"WHEN {i} THEN {item(rule)}" for i, rule in enumerate(rules) if rule.severity == severity]
    value = f"CASE rule {' '.join(cases)} END" if cases else "NULL"
    return f"SELECT {ROW}, rule, item FROM (SELECT {ROW}, rule, {value} AS item FROM {CLASHES}) WHERE item IS NOT NULL"


def _outcomes(connection: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    """Counts of accepted, rejected and superseded rows, taken independently from ACCEPTED and FAULTS."""
    accepted = connection.execute(f"SELECT count(*) FROM {ACCEPTED}").fetchall()[0][0]
    outcomes = dict(connection.execute(f"SELECT _outcome, count(*) FROM {FAULTS} GROUP BY _outcome").fetchall())
    return accepted, outcomes.get("rejected", 0), outcomes.get("superseded", 0)


def _deleted(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Number of rows of ACCEPTED that the source calls deleted."""
    return int(connection.execute(f"SELECT count(*) FROM {ACCEPTED} WHERE {is_deleted(table)}").fetchall()[0][0])


def _row_counts(connection: duckdb.DuckDBPyConnection, rules: RowRules, extracted: int) -> list[RuleCount]:
    sums = ", ".join(f"count(*) FILTER ({rules.breaks(i)})" for i in range(len(rules.rules)))
    row = connection.execute(f"SELECT {sums or 'NULL'} FROM {FLAGGED}").fetchone() or ()
    return [RuleCount.of(rule, violations, extracted) for rule, violations in zip(rules.rules, row, strict=False)]


def _set_counts(
    connection: duckdb.DuckDBPyConnection, table: Table, rules: Sequence[Rule], kept: int
) -> list[RuleCount]:
    found = dict(connection.execute(f"SELECT rule, count(*) FROM {CLASHES} GROUP BY rule").fetchall())
    candidates = kept - _deleted(connection, table)
    judged = [kept if rule.rule_id == table.key_rule_id else candidates for rule in rules]
    return [RuleCount.of(rule, found.get(i, 0), judged[i]) for i, rule in enumerate(rules)]


def table_counts(connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule]) -> list[RuleCount]:
    """Counts of rules over all rows of view WHOLE; the gate compares those of table rules with their bounds."""
    if not rules:
        return []
    rows = connection.execute(f"SELECT count(*) FROM {WHOLE}").fetchall()[0][0]
    counts = [RuleCount.of(rule, rows, rows) for rule in rules if rule.metric == "rowCount"]
    for rule in rules:
        if rule.scope == "set" or rule.metric == "duplicateValues":
            columns = [quote(name) for name in rule.columns]
            members = connection.execute(f"SELECT count(*) FROM ({sharing(WHOLE, columns)})").fetchall()[0][0]
            counts.append(RuleCount.of(rule, members, rows))
    judged = [rule for rule in rules if rule.violation]
    if judged:
        sums = ", ".join(f"count(*) FILTER ((\n{rule.violation}\n)) AS n{i}" for i, rule in enumerate(judged))
        run(
            connection,
            f"CREATE TEMP TABLE measured AS SELECT {sums} FROM {WHOLE}",
            doing="measuring accepted rows",
            blame=lambda: blame_rule(connection, judged, WHOLE),
        )
        row = connection.execute("FROM measured").fetchone() or ()
        counts += [RuleCount.of(rule, violations, rows) for rule, violations in zip(judged, row, strict=True)]
    return counts
