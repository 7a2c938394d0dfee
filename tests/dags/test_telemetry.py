"""What Airflow does for telemetry, where it is on: the clock of `measure_tables`, and the root span of a DAG run."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tests.collector import attributes_of, collecting
from tests.dags.conftest import ROOT

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_tables_are_measured_every_ten_minutes_where_telemetry_is_on_and_else_by_hand(dags, monkeypatch):
    from airflow.dag_processing.dagbag import DagBag

    assert not hasattr(dags["measure_tables"].timetable, "expression")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    on = DagBag(str(ROOT / "dags" / "measure_tables.py")).dags["measure_tables"]
    assert on.timetable.expression == "*/10 * * * *"


@pytest.mark.parametrize(("own", "told"), [("False", 1), ("True", 0)])
def test_a_run_that_ended_is_the_root_of_its_steps_unless_airflow_tells_it_itself(monkeypatch, own, told):
    from include.telemetry import exported_at_the_end, steps
    from plugins.run_traces import tell_of_run

    began = datetime(2026, 3, 1, 2, tzinfo=UTC)
    dag_run = SimpleNamespace(
        dag_id="sync_land", run_id="scheduled", run_after=began, start_date=began, end_date=began.replace(hour=3),
        context_carrier={"traceparent": f"00-{TRACE}-{SPAN}-00"},
    )  # fmt: skip
    monkeypatch.setattr(steps, "_sdk", None)
    monkeypatch.setenv("AIRFLOW__TRACES__OTEL_ON", own)
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with exported_at_the_end():
            tell_of_run(dag_run, "failed")
    assert len(collector.spans) == told
    for span in collector.spans:
        assert (span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id) == (
            "sync_land",
            TRACE,
            SPAN,
            b"",
        )
        assert span.end_time_unix_nano - span.start_time_unix_nano == 3600 * 10**9
        assert attributes_of(span)["lienthong.run_id"].startswith("20260301T020000Z-")
    monkeypatch.setattr(steps, "_sdk", None)
