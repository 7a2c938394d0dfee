"""A sync in Airflow whose source's connection is in the metadata database alone: it reads, and is one trace."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.sdk.definitions.connection import Connection

from include.embedded.servers import airflow
from include.embedded.site import Site
from include.sources.access.connection import parse
from plugins.airflow_connections import AirflowConnections
from tests.collector import Collector, attributes_of, collecting
from tests.integration.airflow.house import checkout, running
from tests.integration.everyday.ledger_source import PaymentSource, context_of
from tests.repeats import held_by


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    with collecting() as collector:
        for name, value in collector.variables.items():
            monkeypatch.setenv(name, value)
        yield collector


@held_by(
    "integration/telemetry/test_a_sync_is_told.py::test_a_run_is_one_trace_with_a_span_for_each_step_of_each_table"
)
@pytest.mark.slow
@pytest.mark.live_scheduler
def test_a_task_finds_a_connection_of_the_metadata_database_and_a_dag_run_is_one_trace(
    collector: Collector, site: Site, tmp_path: Path
) -> None:
    checkout(tmp_path)
    source = PaymentSource(f"sqlite:///{tmp_path}/payments.db", seed=1, rows=30)
    context_of(tmp_path, source.uri)
    with running(tmp_path, {}, site) as house:
        add = ["connections", "add", "payments_db", "--conn-uri", source.uri]
        environ = airflow.airflow_environment(house.site, {})
        subprocess.run([sys.executable, "-m", "airflow", *add], env=environ, check=True, capture_output=True)
        house.api.unpause("sync_payments")
        house.start("payments", "first")
        house.until(lambda: house.has_ended(("sync_payments", "first")))
        (record,) = house.records("payments")
        house.until(lambda: any(span.name == "sync_payments" for span in collector.spans), seconds=60)
    assert (record["verdict"], record["accepted"]) == ("published", 30)
    spans = [(span, attributes_of(span)) for span in collector.spans]
    of_the_sync = [span for span, said in spans if said.get("lienthong.run_id") == record["run_id"]]
    (root,) = [span for span in of_the_sync if not span.parent_span_id]
    steps = {attributes_of(span)["lienthong.step"]: span for span in of_the_sync if span is not root}
    assert root.name == "sync_payments"
    assert {*steps} == {"extract", "assess", "publish", "relationships"}
    assert {span.trace_id for span in of_the_sync} == {root.trace_id}
    assert {span.parent_span_id for span in steps.values()} == {root.span_id}
    (prepared,) = [span for span in collector.spans if span.name == "prepare"]
    assert (prepared.trace_id, prepared.parent_span_id) == (root.trace_id, root.span_id)
    assert root.start_time_unix_nano <= prepared.start_time_unix_nano
    assert root.end_time_unix_nano >= steps["publish"].end_time_unix_nano
    assert collector.sums("lienthong.rows.accepted", "registry", "table") == {("payments", "payment"): 30}
    durations = collector.points["lienthong.step.duration"]
    assert sorted(said["step"] for said, _ in durations if said.get("registry")) == sorted(steps)


def test_a_variable_is_taken_as_it_is_written_and_each_connection_is_asked_for_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def get(conn_id: str) -> Connection:
        asked.append(conn_id)
        return Connection(conn_id=conn_id, conn_type="postgres", host="db", login="reader", password="a@b", schema="x")

    monkeypatch.setattr(Connection, "get", get)
    written = "postgresql+psycopg://me:pw@host/db"
    found = AirflowConnections({"AIRFLOW_CONN_LAND": written, "LAKE_URI": "var"})
    assert (found["AIRFLOW_CONN_LAND"], found["LAKE_URI"], found.get("ENGINE", "")) == (written, "var", "")
    assert not asked
    kept = {found["AIRFLOW_CONN_LAND_38"] for _ in range(3)}
    assert asked == ["land_38"]
    url = parse(kept.pop(), "AIRFLOW_CONN_LAND_38").engine_url
    assert (url.host, url.username, url.password, url.database) == ("db", "reader", "a@b", "x")
    assert dict(found) == {"AIRFLOW_CONN_LAND": written, "LAKE_URI": "var"}
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "some.vault.Backend")
    assert "@db" in AirflowConnections({"AIRFLOW_CONN_LAND": written})["AIRFLOW_CONN_LAND"], "a vault comes first"
