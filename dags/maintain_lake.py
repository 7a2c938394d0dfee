"""Keep the lake small and quick: compact and vacuum its tables, let expired landing go by each contract's retention.

Runs on Sunday at 03:00, between the syncs of two nights. Readers are not disturbed: a version that somebody may still
be reading is kept.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, get_current_context, task

from plugins.sync_settings import RETRIES, by_the_clock


@dag(
    doc_md=__doc__,
    schedule=by_the_clock("0 3 * * 0"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "lienthong", **RETRIES},
    tags=["lake", "maintenance"],
)
def maintain_lake() -> None:
    @task(multiple_outputs=False)
    def maintain() -> dict[str, Any]:
        from include.pipelines import PipelineContext
        from include.pipelines.upkeep import maintain_lake

        at = get_current_context()["dag_run"].run_after
        return maintain_lake(PipelineContext.from_environment(), at=at).to_dict()

    maintain()


maintain_lake()
