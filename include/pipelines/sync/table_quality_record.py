"""Table quality: every rule counted over the published rows and the open rejections, recorded after each run."""

from __future__ import annotations

from include.contracts.model import Table
from include.lake.delta import last_commit
from include.lake.publishing import published_counts
from include.lake.rejected import open_counts
from include.lake.run_log import append_table_checks, has_table_checks
from include.pipelines.context import PipelineContext
from include.quality import QualityError, judged, measured, standing
from include.telemetry import record_table_rows


def record_standing(context: PipelineContext, table: Table) -> None:
    """Count the table as its last commit and what was closed after it left it; nothing if that is on record.

    So a run that finds nothing to publish makes up for one that was killed before it came to this. After a replay under
    a contract that has changed, or a restore from before that, not all rows were judged by it: here they are.
    """
    lake, state = context.lake, last_commit(context.lake, table)
    if state is None or has_table_checks(lake, table, state.run_id):
        return
    opened, open_by_rule = open_counts(lake, table)
    is_judged = state.metadata.get("table_digest") == context.definition_digest(table)
    try:
        broken = published_counts(lake, table, state) if is_judged else judged(lake, table, context.schemas)
    except QualityError:  # a rule stops on a value: the next sync names it, and what has committed is on record
        broken = published_counts(lake, table, state)
    counts = [
        *standing(table, published=state.live_rows, broken=broken, opened=opened, open_by_rule=open_by_rule),
        *measured(lake, table, context.schemas),
    ]
    table_id = str(lake.table(lake.registry_table(table.registry, table.name)).metadata().id)
    append_table_checks(
        lake, table, run_id=state.run_id, table_id=table_id, version=state.version,
        published_rows=state.live_rows, open_rows=opened, counts=counts, at=context.now(),
    )  # fmt: skip
    record_table_rows(table.registry, table.name, published=state.live_rows, opened=opened)
