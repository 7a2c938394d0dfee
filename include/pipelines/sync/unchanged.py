"""A run that finds nothing to publish: its extract goes, and the figures of the commit that stands are told again."""

from __future__ import annotations

from include.contracts import Contract, Table
from include.lake import run_log
from include.lake.delta import PublishedState, last_commit
from include.lake.rejected import finish_closing
from include.pipelines import run_folder
from include.pipelines.audit_log import record_run
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse
from include.pipelines.step_results import FIGURES, Facts, provenance
from include.pipelines.sync.table_quality import record_standing
from include.pipelines.unfinished_runs import record_unfinished_runs
from include.sources.landing import RECORD, Extract


def carries_version(state: PublishedState | None, contract: Contract) -> bool:
    """Whether the last commit was made by this version of the contract: from then on drift is told against it."""
    return state is not None and state.metadata.get("contract_version") == contract.version


def skip_publishing(context: PipelineContext, contract: Contract, table: Table, facts: Facts, landed: Extract) -> Facts:
    """Nothing to publish: the extract goes, the figures of the commit that stands are told again, and why."""
    state = last_commit(context.lake, table)
    if state is None:
        raise Misuse(f"{table.qualified_name} is not published: there is nothing that could be unchanged")
    record_unfinished_runs(context, table, but=facts["run_id"])
    finish_closing(context.lake, table)
    record_standing(context, table)
    told = {**facts, **_as_it_stands(state), "seconds": landed.seconds}
    record_run(context, {**told, **provenance(context, contract, landed)})
    run_folder.clear(context, table, landed.run_id)
    return told


def skipped_before(context: PipelineContext, table: Table, facts: Facts) -> Facts | None:
    """What a step came to that found nothing to publish and is tried again: its folder is gone, its verdict on record.

    Whoever was to hear of the verdict may have been killed before.
    """
    folder = context.lake.landing_path(table.registry, table.name, facts["run_id"])
    state = None if context.lake.exists(f"{folder}/{RECORD}") else last_commit(context.lake, table)
    if state is None or not run_log.is_on_record(context.lake, table, facts["run_id"], "unchanged"):
        return None
    return {**facts, **_as_it_stands(state), "seconds": 0.0}


def _as_it_stands(state: PublishedState) -> Facts:
    """What a run says of a table that it leaves as it is."""
    return {
        **{name: int(state.metadata.get(name) or 0) for name in FIGURES},
        "verdict": "unchanged",
        "mode": "unchanged",
        "version": state.version,
        "live_rows": state.live_rows,
        "same_as_run": state.run_id,
        "held": False,
        "findings": [],
        "reasons": [],
    }
