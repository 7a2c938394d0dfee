"""Runs in which nothing is published: how that is decided, and what is recorded."""

from __future__ import annotations

import json
from dataclasses import replace

from include.contracts.model import Contract, Table
from include.lake import run_log
from include.lake.delta import RunCommit, last_commit, reader_of
from include.lake.rejected import finish_closing, waits_for_another_server
from include.lake.run_log import UnchangedExtract
from include.pipelines import run_folder
from include.pipelines.audit_log import record_run
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse
from include.pipelines.step_results import Assessed, Extracted, Provenance, Skipped
from include.pipelines.sync.read_plan import Plan
from include.pipelines.sync.table_quality_record import record_standing
from include.pipelines.unfinished_runs import record_unfinished_runs
from include.sources.landing import RECORD, Extract
from include.sources.source_schema import reads_anew


def carries_version(state: RunCommit | None, contract: Contract) -> bool:
    """Whether the last commit was made by this version of the contract: from then on drift is told against it."""
    return state is not None and state.metadata.get("contract_version") == contract.version


def source_columns_of(state: RunCommit | None) -> list[list[str]] | None:
    """The columns that the source had when the table's state was read from it."""
    return (json.loads(state.metadata.get("source_columns") or "null") if state else None) or None


def is_same(
    context: PipelineContext,
    contract: Contract,
    table: Table,
    plan: Plan,
    is_full: bool,
    extracted: Extract,
    gone: str | None,
    state: RunCommit,
) -> bool:
    """Whether publishing could not change anything: the same rows under the same contract, or no new row at all."""
    if extracted.moves_log:
        return False
    if plan.mode != "full":
        if gone is not None or not carries_version(state, contract):
            return False
        return not extracted.rows or _is_repeated(context, contract, table, plan, extracted, state)
    before = tuple(tuple(column) for column in source_columns_of(state) or ())
    if reads_anew(table, before or None, extracted.source_columns):
        return False  # the commit says what the source looks like now
    if waits_for_another_server(context.lake, table):
        return False  # whether it may be published is not of the source alone
    made_of = tuple(state.metadata.get(name) for name in ("extract_digest", "contract_digest", "table_digest"))
    return not is_full and made_of == (
        extracted.digest,
        context.contract_definition_digest(contract),
        context.definition_digest(table),
    )


def _is_repeated(
    context: PipelineContext, contract: Contract, table: Table, plan: Plan, extracted: Extract, state: RunCommit
) -> bool:
    """Whether an earlier run judged the same rows, those within the cursor's lag, and nothing was published since.

    That run is the one that published the table, or one that found them unchanged.
    """
    definition = context.contract_definition_digest(contract)
    published = (state.metadata.get("next_digest"), state.metadata.get("contract_digest"))
    judged = UnchangedExtract(table.registry, table.name, state.run_id, definition, extracted.digest)
    return (
        plan.mode == "incremental"
        and extracted.cursor == extracted.since
        and (published == (extracted.digest, definition) or judged in context.unchanged_extracts)
        and not waits_for_another_server(context.lake, table)
    )


def skip_publishing(
    context: PipelineContext, contract: Contract, table: Table, result: Extracted, landed: Extract, *, why: str = ""
) -> Skipped:
    """End the run with nothing to publish: the extract goes, the counts of the commit that stands are recorded again.

    `why` in place of the result's own.
    """
    state = last_commit(context.lake, table)
    if state is None:
        raise Misuse(f"{table.qualified_name} is not published: there is nothing that could be unchanged")
    record_unfinished_runs(context, table, but=result.run_id)
    finish_closing(context.lake, table)
    record_standing(context, table)
    skipped = replace(_skipped(result, state), why=why or result.why, seconds=landed.seconds)
    bound = result.bound if isinstance(result, Assessed) else None
    record_run(context, skipped.row(Provenance.of(context, contract, landed)), bound=bound)
    run_folder.clear(context, table, landed.run_id)
    return skipped


def skipped_before(context: PipelineContext, table: Table, result: Extracted) -> Skipped | None:
    """The result of a step that found nothing to publish and is tried again: its folder is gone, its verdict on record.

    Whoever was to hear of the verdict may have been killed before.
    """
    folder = context.lake.landing_path(table.registry, table.name, result.run_id)
    state = None if context.lake.exists(f"{folder}/{RECORD}") else last_commit(context.lake, table)
    if state is None or not run_log.is_on_record(context.lake, table, result.run_id, "unchanged"):
        return None
    return _skipped(result, state)


def _skipped(result: Extracted, state: RunCommit) -> Skipped:
    """A run that leaves the table as that commit made it.

    It is the same as the commit's run if it began upon that commit; what began before was not compared with it.
    """
    counts = ("extracted", "accepted", "rejected", "superseded", "deleted", "retained")
    return result.become(
        Skipped,
        mode="unchanged",
        version=state.version,
        live_rows=state.live_rows,
        same_as_run=state.run_id if result.began_upon == reader_of(state) else None,
        findings=(),
        reasons=(),
        seconds=0.0,
        **{name: int(state.metadata.get(name) or 0) for name in counts},
    )
