"""Keep the lake small and quick: compact and vacuum its tables, let expired landing go by each contract's retention.

Runs on Sunday at 03:00, between the syncs of two nights. Readers are not disturbed: a version that somebody may still
be reading is kept. Afterwards the ledger and the logs of all tables are verified; if something differs, the task fails
and the operators are told.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, get_current_context, task
from airflow.sdk.exceptions import AirflowException

from plugins.dag_settings import RETRIES, by_the_clock
from plugins.notices import Notice

WHAT_DIFFERS = Notice(
    subject="[Liên Thông] Kiểm tra nhật ký không đạt / Verification failed",
    text="Chạy lệnh / Run: lienthong verify\n{{ dag.dag_id }} {{ run_id }}",
)


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

    @task(multiple_outputs=False, trigger_rule="all_done", on_failure_callback=WHAT_DIFFERS)
    def verify() -> dict[str, int]:
        from include.pipelines import PipelineContext, verify_lake

        found = verify_lake(PipelineContext.from_environment())
        if not found.ok:
            raise AirflowException(f"{len(found.discrepancies)} differences, see `lienthong verify`: {found.why}")
        return {"records": found.records, "commits": found.commits}

    maintain() >> verify()


maintain_lake()
