"""Measure the age of every table, and which are late or wait at their gate, for a dashboard and its alerts.

Every ten minutes where telemetry is on (OTEL_EXPORTER_OTLP_ENDPOINT); else only when started by hand. Reads no source
and writes nothing.
"""

from __future__ import annotations

from airflow.sdk import dag, task

from include.telemetry import is_on
from plugins.dag_settings import RETRIES, by_the_clock


@dag(
    doc_md=__doc__,
    schedule=by_the_clock("*/10 * * * *") if is_on() else None,
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "lienthong", **RETRIES},
    tags=["lake", "report"],
)
def measure_tables() -> None:
    @task
    def measure() -> int:
        from include.pipelines import PipelineContext
        from include.pipelines.status import measure_tables

        return measure_tables(PipelineContext.from_environment())

    measure()


measure_tables()
