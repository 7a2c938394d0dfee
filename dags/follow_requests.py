"""Follow what ministries ask of providers: what took force, what was mended, who must answer today, who is late.

Every half hour. A request is answered within two working days: its provider is reminded on the last one, and from the
next day on it is overdue and brought to the owner. Whom it concerns is told by mail and webhook, if these are set.
"""

from __future__ import annotations

from airflow.sdk import dag, task

from plugins.dag_settings import RETRIES, by_the_clock
from plugins.notices import Notice

NOT_FOLLOWED = Notice(
    subject="[Liên Thông] Không theo dõi được yêu cầu / Requests are not followed",
    text="Xem nhật ký tác vụ / See the log of the task: {{ dag.dag_id }} {{ run_id }}",
)


@dag(
    doc_md=__doc__,
    schedule=by_the_clock("*/30 * * * *"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "lienthong", **RETRIES},
    tags=["request"],
)
def follow_requests() -> None:
    @task(multiple_outputs=False, on_failure_callback=NOT_FOLLOWED)
    def follow() -> list[str]:
        from include.pipelines import PipelineContext
        from include.pipelines.requests import follow_requests

        return list(follow_requests(PipelineContext.from_environment()))

    @task(trigger_rule="all_done")
    def tell() -> int:
        from plugins.notices import tell_of_requests

        return tell_of_requests()

    follow() >> tell()


follow_requests()
