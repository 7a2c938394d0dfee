"""Root span of each DAG run, below which its tasks' steps are: exported when the run ends, if telemetry is on.

Airflow gives every run a trace id that its tasks know. With its own tracing on (`AIRFLOW__TRACES__OTEL_ON`) it exports
the span of the run itself, and this leaves it alone.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:
    """Called in the scheduler."""
    tell_of_run(dag_run, "success")


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:
    """Called in the scheduler."""
    tell_of_run(dag_run, "failed")


def tell_of_run(dag_run: DagRun, outcome: str) -> None:
    """Hand the span of a run that ended to the exporter, which works in the background."""
    from airflow.configuration import conf

    from include.telemetry import is_on, record_root_span
    from plugins.dag_settings import run_id_of

    traceparent = (dag_run.context_carrier or {}).get("traceparent")
    if not is_on() or not traceparent or not dag_run.start_date or conf.getboolean("traces", "otel_on", fallback=False):
        return
    said = {"run_id": run_id_of(dag_run), "outcome": outcome}
    ended_at = dag_run.end_date or dag_run.start_date
    record_root_span(dag_run.dag_id, traceparent, said, started_at=dag_run.start_date, ended_at=ended_at)


class RunTraces(AirflowPlugin):
    """Registers the listener above."""

    name = "run_traces"
    listeners: ClassVar = [sys.modules[__name__]]
