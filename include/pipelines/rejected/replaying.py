"""Open rejected rows: counts by reason and age, the rows themselves, and a replay that judges them again."""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from include.contracts.model import Table
from include.known_error import KnownError
from include.lake.delta import last_commit
from include.lake.rejected import REJECTION_COLUMNS, gather_open, open_rejections_of
from include.lake.storage import lake_errors
from include.pipelines import run_folder
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import Look, steward_named
from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.rejected.access import note_rejected_look
from include.pipelines.step_results import Extracted, Failed, Published, RegistryResult, Skipped, TableResult
from include.pipelines.sync import Approval, assess_and_publish, relationships_step
from include.pipelines.unfinished_runs import record_unfinished_runs
from include.sources.landing import FILE, Extract, record
from include.telemetry import step

_OF_THE_ROW = ("_key", "_cursor")  # values that the registry gave
_BY_RULE = """
    SELECT reason.rule_id, _life, any_value(reason.column), any_value(reason.message), count(*), min(_since)
    FROM (SELECT unnest(_reasons) AS reason, _life, _since FROM opened)
    GROUP BY ALL ORDER BY 5 DESC, 1, 2
"""


@dataclass(frozen=True, slots=True)
class RejectedReason:
    """How many `rows` of a table are rejected by a rule; `since` is when the oldest of them first was, as ISO text."""

    table: str
    rule_id: str
    column: str | None
    message: str | None
    life: str
    rows: int
    since: str


def list_rejected(
    context: PipelineContext, registry: str, tables: Sequence[str] = (), *, with_closed: bool = False
) -> list[RejectedReason]:
    """Why rows are open, over all runs: one entry per table and rule, most rows first.

    `with_closed` adds entries for the rows that were replayed, superseded or withdrawn.
    """
    found: list[RejectedReason] = []
    for table in _tables(context, registry, tables):
        with open_rejections_of(context.lake, table, with_closed=with_closed) as opened:
            if opened is None:
                continue
            with lake_errors(f"counting the rejected rows of {table.qualified_name}"):
                counted = opened.connection.execute(_BY_RULE).fetchall()
        found += [
            RejectedReason(table.name, rule_id, column, message, life, count, since.isoformat())
            for rule_id, life, column, message, count, since in counted
        ]
    return found


def show_rejected(
    context: PipelineContext, registry: str, table: str, *, rule_id: str | None, limit: int, look: Look | None = None
) -> list[dict[str, Any]]:
    """Open rows, the oldest first: where each stands in which extract, since when, and all its reasons.

    A `look` adds the rows as received: personal data, with an entry in the ledger before the first value is given.

    Raises:
        Misuse: there is no such registry, table or rule.
    """
    spec = context.one_table(registry, table)[1]
    _ensure_rule(context, registry, [table], rule_id)
    with open_rejections_of(context.lake, spec) as opened:
        if opened is None:
            return []
        told = [name for name in REJECTION_COLUMNS if name not in _OF_THE_ROW]
        columns = "* EXCLUDE (_file)" if look else ", ".join(told)
        with lake_errors(f"reading the rejected rows of {spec.qualified_name}"):
            # Chosen first, by few columns: the engine holds all columns of what it sorts, and a source may have 2,000.
            result = opened.connection.execute(
                "WITH chosen AS (SELECT _run_id, _row FROM opened "
                "WHERE $rule IS NULL OR list_contains(list_transform(_reasons, lambda r: r['rule_id']), $rule) "
                "ORDER BY _since, _run_id, _row LIMIT $limit) "
                f"SELECT {columns} FROM opened SEMI JOIN chosen USING (_run_id, _row)",
                {"rule": rule_id, "limit": limit},
            )
            names = [described[0] for described in result.description or []]
            rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    rows.sort(key=lambda row: (row["_since"], row["_run_id"], row["_row"]))
    if look is not None:
        read = [(row["_run_id"], row["_row"]) for row in rows]
        note_rejected_look(context, spec, look, rule_id=rule_id, rows=read)
    return rows


@step("replay")
def replay(
    context: PipelineContext,
    registry: str,
    *,
    tables: Sequence[str] = (),
    rule_id: str | None = None,
    run_id: str,
    approval: Approval | None = None,
) -> RegistryResult:
    """Judge the open rows again, as they were received, under the contract and code lists as they are now.

    Rows that pass are published, unless a newer version of them is, and closed as `replayed`; those with a newer
    version are closed as `superseded`; the others stay open. Begun again with the same `run_id` it goes on where it was
    stopped.

    Raises:
        NotASteward: the contract names stewards, and the approval is by none of them.
        Misuse: there is no such registry, table or rule.
    """
    results: list[TableResult] = []
    _ensure_rule(context, registry, tables, rule_id)
    if approval is not None:
        steward_named((context.contract(registry),), approval.approved_by, at=context.now())
    for table in _tables(context, registry, tables):
        started = time.perf_counter()
        try:
            gathered = gather_step(registry, table.name, run_id, rule_id=rule_id, context=context)
            result: TableResult = (
                gathered if isinstance(gathered, Skipped) else assess_and_publish(gathered, approval, context=context)
            )
        except KnownError as error:
            result = Failed.of(context, table, run_id, error)
        results.append(replace(result, seconds=round(time.perf_counter() - started, 3)))
    if any(isinstance(result, Published) for result in results):
        relationships_step(registry, run_id, context=context)
    return RegistryResult(run_id, registry, tuple(results))


@step("gather")
def gather_step(
    registry: str, table: str, run_id: str, *, rule_id: str | None = None, context: PipelineContext | None = None
) -> Extracted | Skipped:
    """Land the open rows of a table (of one rule) as an extract; `Skipped` if there are none."""
    context = context or PipelineContext.from_environment()
    with no_values_escape(f"gathering the rejected rows of {registry}.{table}"):
        spec = context.one_table(registry, table)[1]
        done = run_folder.reusable_result(context, spec, run_id, "extracted", Extracted)
        if done is not None:
            return done
        record_unfinished_runs(context, spec, but=run_id)
        at, started = context.now(), time.perf_counter()
        folder = context.lake.landing_path(registry, table, run_id)
        uri = f"{folder}/{FILE}"
        found = gather_open(
            context.lake,
            spec,
            run_id=run_id,
            extract_uri=uri,
            definition_digest=context.definition_digest(spec),
            rule_id=rule_id,
        )
        result = Extracted(
            registry=registry, table=table, run_id=run_id, mode="replay", started_at=at.isoformat(),
            why=f"{found.rows:,} open rows again" + (f", {found.stale:,} out of date" if found.stale else ""),
            extracted=found.rows,
        )  # fmt: skip
        if not found.columns:
            context.lake.delete_tree(folder)
            state = last_commit(context.lake, spec)
            same = {"version": state.version, "same_as_run": state.run_id} if state else {}
            return result.become(Skipped, extracted=0, **same)
        extract = Extract(
            registry, table, run_id, uri, found.rows,
            digest="", columns=found.columns, bytes=context.lake.size(uri),
            seconds=round(time.perf_counter() - started, 3), snapshot_at=at.isoformat(), drift=(), cursor=None,
            source="rejected", mode="replay",
        )  # fmt: skip
        record(context.lake, folder, extract)
        return run_folder.save_result(context, spec, "extracted", result)


def chosen_tables(registry: str, form: Mapping[str, Any], *, context: PipelineContext | None = None) -> list[str]:
    """The tables of a registry that the form of the DAG `replay_rejected` names; none if it names another registry.

    Raises:
        Misuse: the registry has no such table.
    """
    if registry != form["registry"]:
        return []
    context = context or PipelineContext.from_environment()
    return [table.name for table in _tables(context, registry, [form["table"]] if form["table"] else [])]


def _ensure_rule(context: PipelineContext, registry: str, tables: Sequence[str], rule_id: str | None) -> None:
    """Refuse a rule that neither the contract of the tables has nor any of their rejected rows, open or closed."""
    chosen = _tables(context, registry, tables)
    known = [rule.rule_id for table in chosen for rule in table.rules]
    if rule_id is None or rule_id in known:
        return
    known += [entry.rule_id for entry in list_rejected(context, registry, tables, with_closed=True)]
    if rule_id in known:
        return
    near = difflib.get_close_matches(rule_id, sorted(set(known)), n=3)
    hint = f"did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else "it starts with registry and table"
    what = ", ".join(table.qualified_name for table in chosen)
    raise Misuse(f"no rule `{rule_id}` of {what}: {hint} (see `lienthong rejected list {registry}`)")


def _tables(context: PipelineContext, registry: str, names: Sequence[str]) -> list[Table]:
    return context.source_tables(registry, names)
