"""Unfinished runs: killed between commit and record, they are recorded by the next process that looks at the table.

The commit decides that a run happened. What follows it (closing rejected rows, the row in `audit/runs`, the entry in
the ledger) can be cut off; so every run looks, before it begins, whether the last commits of its table are on record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import get_args

from include.audit import ledger
from include.contracts.model import Contract, Table
from include.contracts.reading import published_yaml
from include.lake.delta import RESTORE, RunCommit, run_commits, runs_between
from include.lake.rejected import finish_closing, restore_rejected
from include.lake.run_log import RunRow
from include.lake.upsert import Mode
from include.pipelines import run_folder
from include.pipelines.audit_log import record_run, run_mark
from include.pipelines.context import PipelineContext
from include.pipelines.step_results import Publishing
from include.vietnam import expand_macros

LAST_COMMITS = 20
_COUNTS = (
    "extracted", "accepted", "rejected", "superseded", "deleted", "retained", "inserted", "updated", "live_rows",
    "bytes",
)  # fmt: skip


def record_unfinished_runs(
    context: PipelineContext, table: Table, *, but: str = "", last: int | None = LAST_COMMITS
) -> list[str]:
    """Finish and record the runs that committed to the table and are not on record; returns them, the oldest first.

    `but` is the run at work, which records itself. Of the table's log the `last` commits are looked at, or all. A run
    that is alive and about to record itself is recorded once: its facts are the same, from the folder it left.
    """
    uri = context.lake.registry_table(table.registry, table.name)
    if not context.lake.is_table(uri):
        return []
    states = [state for state in run_commits(context.lake.table(uri), last) if state.run_id != but]
    taken = ledger.taken(context.lake)
    lost = [state for state in states if taken(run_mark(table, state.run_id, "published")) is None][::-1]
    written = [publish_contract(context, context.contract(table.registry))] if lost else []
    if any(state.metadata.get("mode") in get_args(Mode) for state in lost):
        finish_closing(context.lake, table, before_run=but or None)
    for state in lost:
        if state.metadata.get("mode") == RESTORE:
            _reopen(context, table, state)
        _record(context, table, state, written)
    return [state.run_id for state in lost]


def publish_contract(context: PipelineContext, contract: Contract) -> str:
    """Write the contract of the published tables beside them, so that any ODCS tool can test them.

    Returns its path in the lake.
    """
    path = f"registry/{contract.registry}/contract.odcs.yaml"
    uri, text = context.lake.path(path), published_yaml(contract.path, context.lake.uri, plain=expand_macros)
    if not context.lake.exists(uri) or context.lake.read_text(uri) != text:
        context.lake.write_text(uri, text)
    return path


def _reopen(context: PipelineContext, table: Table, state: RunCommit) -> None:
    undone = runs_between(context.lake, table, int(state.metadata["restored_version"]), state.version)
    at = datetime.fromisoformat(state.metadata["at"])
    restore_rejected(context.lake, table, run_id=state.run_id, at=at, undone=undone)


def _record(context: PipelineContext, table: Table, state: RunCommit, written: Sequence[str]) -> None:
    """Record the run by what it saved in its folder before it committed, and by what its commit says."""
    is_restored = state.metadata.get("mode") == RESTORE
    saved = run_folder.saved_result(context, table, state.run_id, "publishing", Publishing)
    row = RunRow.from_dict(
        {
            **state.metadata,
            "started_at": state.metadata.get("at"),
            **(saved.to_dict() if saved else {}),
            **{name: int(state.metadata[name]) for name in _COUNTS if state.metadata.get(name)},
            **({"source": RESTORE, "retained": 0} if is_restored else {}),
            "registry": table.registry,
            "table": table.name,
            "run_id": state.run_id,
            "verdict": "published",
            "version": state.version,
        }
    )
    record_run(context, row, bound=saved.bound if saved else None, written=written)
