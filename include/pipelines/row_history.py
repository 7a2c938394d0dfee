"""Row history of the tables whose contract asks for it: kept up after each publication, expired by maintenance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from include.contracts.model import Table
from include.lake.row_history import HistoryFacts, expire_history, extend_history, history_facts, history_tables
from include.lake.storage import LakeTableMissing
from include.pipelines.audit_log import record_commits
from include.pipelines.context import PipelineContext


def keep_history(context: PipelineContext, table: Table, run_id: str) -> None:
    """Add to the history what was published since, if the contract keeps one, and record the commit."""
    if table.history is not None:
        extend_history(context.lake, table, run_id=run_id)
        record_commits(context, _subjects(context, table))


def maintain_histories(context: PipelineContext, *, at: datetime) -> int:
    """Catch up with what killed runs published, and remove what is past its time; returns the rows removed."""
    removed = 0
    for table in _tables(context):
        try:
            extend_history(context.lake, table, run_id=f"maintenance/{at.isoformat()}")
        except LakeTableMissing:
            continue
        if table.history is not None:
            removed += expire_history(context.lake, table, before=at - table.history)
        record_commits(context, _subjects(context, table))
    return removed


def history_kept(context: PipelineContext, registry: str, table: str) -> HistoryFacts | None:
    """How far back a table's history reaches and what it costs; None where the contract keeps none."""
    return history_facts(context.lake, context.table(registry, table)[1])


def _tables(context: PipelineContext) -> Iterator[Table]:
    for contract in context.readable[0].values():
        yield from (table for table in contract.tables if table.history is not None)


def _subjects(context: PipelineContext, table: Table) -> list[str]:
    return history_tables(context.lake, table.registry, table.base_name)
