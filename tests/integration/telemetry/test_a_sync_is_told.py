"""What a collector is told of syncs by the command line: figures, one trace a run, no name; and one that is away."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from include.lake.run_log import log_tables
from include.telemetry import METRICS, is_on, record_table_rows, steps
from include.telemetry.switch import has
from tests.collector import Collector, attributes_of, collecting, passed_on_by_rotel
from tests.integration.everyday.ledger_source import BAD, PAYMENTS, PaymentSource, context_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
DELTA = 1  # AGGREGATION_TEMPORALITY_DELTA
PLANTED = "Nguyễn Thị Bí Mật"
OF_THE_TABLE = {"registry": "payments", "table": "payment"}


@dataclass
class Office:
    """A registry and its lake, and the command line as a process of its own."""

    source: PaymentSource
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, program: tuple[str, ...] = ("-m", "include.cli"), **variables: str) -> Any:
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
            "SCHEMAS_DIR": str(self.folder / "schemas"),
            "LAKE_URI": str(self.folder / "lake"),
            "LIENTHONG_TMP": str(self.folder / "tmp"),
            "AIRFLOW_CONN_PAYMENTS_DB": self.source.uri,
            **self.variables,
            **variables,
        }
        command = [sys.executable, *program, *arguments]
        return subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)

    def sync(self, **variables: str) -> dict[str, Any]:
        done = self.run("sync", "payments", "--json", **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        run: dict[str, Any] = json.loads(done.stdout)
        return run

    @property
    def records(self) -> list[dict[str, Any]]:
        lake = context_of(self.folder, self.source.uri).lake
        return list(log_tables.read(lake, "runs").to_pylist())


def office_in(folder: Path) -> Office:
    """Forty good rows and seven bad ones, all of one payer."""
    source = PaymentSource(f"sqlite:///{folder}/payments.db", seed=1, rows=40)
    source.insert(7, amount=BAD)
    with source.engine.begin() as connection:
        connection.execute(sa.update(PAYMENTS).values(nguoi_nop=PLANTED))
    context_of(folder, source.uri)
    return Office(source, folder)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return office_in(tmp_path)


@dataclass
class FirstDay:
    """A sync and a look at the state of the lake, and what was told of the two; of the sync, by way of Rotel."""

    office: Office
    run: dict[str, Any]
    record: dict[str, Any]
    sync: Collector
    status: Collector


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> FirstDay:
    office = office_in(tmp_path_factory.mktemp("office"))
    with collecting() as sync, collecting() as status:
        with passed_on_by_rotel(sync) as variables:
            run = office.sync(**variables)
        assert office.run("status", **status.variables).returncode == 0
    (record,) = office.records
    return FirstDay(office, run, record, sync, status)


def test_the_figures_are_those_of_the_run_log(first_day: FirstDay) -> None:
    record, told = first_day.record, first_day.sync.points
    assert (record["extracted"], record["accepted"], record["rejected"]) == (47, 40, 7)
    of_the_run = {**OF_THE_TABLE, "mode": "full", "verdict": "published"}
    for name in ("extracted", "accepted", "rejected", "superseded"):
        assert told[f"lienthong.rows.{name}"] == [(of_the_run, record[name])]
    assert told["lienthong.runs"] == [(of_the_run, 1)]
    rule = {**OF_THE_TABLE, "rule": "payments.payment.amount_vnd.minimum"}
    assert told["lienthong.rows.rejected_by_rule"] == [(rule, 7)]
    assert told["lienthong.rejections.open"] == [(OF_THE_TABLE, 7)]
    assert told["lienthong.table.rows"] == [(OF_THE_TABLE, 40)]
    assert told["lienthong.gates.waiting"] == [(OF_THE_TABLE, 0)]
    assert told["lienthong.table.delivered"] == [(OF_THE_TABLE, record["started_at"].timestamp())]
    measured = {attributes["step"]: point for attributes, point in told["lienthong.step.duration"]}
    assert {*measured} == {"sync", "prepare", "extract", "assess", "publish", "relationships"}
    assert all(point.count == 1 for point in measured.values())
    assert measured["sync"].sum >= record["seconds"] >= measured["publish"].sum > 0


def test_the_state_of_the_lake_is_told_when_it_is_looked_at(first_day: FirstDay) -> None:
    told = first_day.status.points
    assert {*told} == {f"lienthong.{name}" for name in ("table.rows", "table.late", "table.age", "table.delivered",
                                                        "gates.waiting")}  # fmt: skip
    assert told["lienthong.table.late"] == [(OF_THE_TABLE, 0)]
    ((_, age),) = told["lienthong.table.age"]
    assert 0 < age < 600


def test_every_metric_is_as_it_is_described(first_day: FirstDay) -> None:
    told = [*first_day.sync.descriptors, *first_day.status.descriptors]
    assert {*METRICS} - {metric.name for metric in told} == {"lienthong.reads"}
    for metric in told:
        described = METRICS[metric.name]
        assert (metric.unit, metric.description) == (described.unit, described.description)
        kind = {"sum": "counter", "histogram": "histogram", "gauge": "gauge"}[metric.WhichOneof("data")]
        assert kind == described.kind
        if kind != "gauge":
            assert getattr(metric, metric.WhichOneof("data")).aggregation_temporality == DELTA
    for name, points in [*first_day.sync.points.items(), *first_day.status.points.items()]:
        assert {of for attributes, _ in points for of in attributes} <= {*METRICS[name].attributes}


def test_a_run_is_one_trace_with_a_span_for_each_step_of_each_table(first_day: FirstDay) -> None:
    spans = first_day.sync.spans
    (root,) = [span for span in spans if not span.parent_span_id]
    assert (root.name, len({span.trace_id for span in spans})) == ("sync payments", 1)
    steps = [span for span in spans if span is not root]
    assert [span.name for span in steps] == [
        "prepare", "extract payments.payment", "assess payments.payment", "publish payments.payment",
        "relationships payments",
    ]  # fmt: skip
    assert {span.parent_span_id for span in steps} == {root.span_id}
    assert {attributes_of(span)["lienthong.run_id"] for span in spans} == {first_day.run["run_id"]}
    published = attributes_of(steps[3])
    assert {name: published[f"lienthong.{name}"] for name in ("extracted", "accepted", "rejected", "outcome")} == {
        "extracted": 47, "accepted": 40, "rejected": 7, "outcome": "published",
    }  # fmt: skip


def test_processes_add_up_and_a_held_gate_and_a_failure_are_told_without_a_value(office: Office) -> None:
    with collecting() as collector:
        office.variables |= collector.variables
        office.sync()
        office.source.clock += timedelta(days=1)
        office.source.insert(5)
        office.sync()
        office.sync()
        with office.source.engine.connect() as connection:
            values = {str(value) for row in connection.execute(sa.select(PAYMENTS)) for value in row[1:3]}
        with office.source.engine.begin() as connection:
            connection.execute(sa.update(PAYMENTS).values(so_tien=BAD))
        assert office.run("sync", "payments", "--full").returncode == 1
        office.source.engine.dispose()
        (office.folder / "payments.db").write_bytes(f"{PLANTED} is no database".encode())
        assert office.run("sync", "payments").returncode == 1
    extracted = sum(row["extracted"] for row in office.records if row["verdict"] == "published")
    assert collector.sums("lienthong.rows.extracted") == {(): extracted}, "a run that is held is not over"
    verdicts = {("published",): 2, ("unchanged",): 1, ("held",): 1, ("failed",): 1}
    assert collector.sums("lienthong.runs", "verdict") == verdicts
    of_resources = {
        tuple(sorted((one.key, one.value.string_value) for one in of_resource.resource.attributes))
        for request in collector.metrics
        for of_resource in request.resource_metrics
    }
    assert len(of_resources) == 1, "another resource would be another series, and nobody could add them up"
    assert [waiting for _, waiting in collector.points["lienthong.gates.waiting"]] == [0, 0, 0, 1, 0]
    of_spans = [(span, attributes_of(span)) for span in collector.spans]
    (failed,) = [(span, said) for span, said in of_spans
                 if (said["lienthong.step"], said["lienthong.outcome"]) == ("extract", "failed")]  # fmt: skip
    assert failed[0].status.code == 2
    assert failed[1]["lienthong.error_type"].startswith("Source")
    assert PLANTED in values
    assert len(values) > 50
    assert len(collector.received) > 8000
    for secret in ("phieu_thu", "nguoi_nop", *values):
        assert secret.encode() not in collector.received


@contextmanager
def silent() -> Iterator[str]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def nobody() -> Iterator[str]:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    yield url


PROGRAM = """
import sys, time
spent, began = [], time.perf_counter

def timed(function):
    def call(*given):
        at = began()
        try:
            return function(*given)
        finally:
            spent.append(began() - at)
    return call

from include.telemetry import steps
steps._made = timed(steps._made)
from include.cli.application import _run
if {flush}:
    from include.telemetry.sdk import Sdk
    Sdk.flush = timed(Sdk.flush)
sys.argv = ["lienthong", *sys.argv[1:]]
status = _run()
loaded = [name for name in sys.modules if name.startswith(("opentelemetry", "include.telemetry.sdk"))]
print(sum(spent), len(loaded))
sys.exit(status)
"""


@pytest.mark.parametrize("away", [silent, nobody])
def test_a_collector_that_is_away_is_told_once_for_each_signal_and_costs_under_two_seconds(
    first_day: FirstDay, away: Any
) -> None:
    with away() as url:
        program = ("-c", PROGRAM.format(flush=True))
        done = first_day.office.run("sync", "payments", program=program, OTEL_EXPORTER_OTLP_ENDPOINT=url)
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout.split()[-2]) < 2
    lines = sorted(filter(None, done.stderr.splitlines()))
    assert [line.partition(" takes none")[0] for line in lines] == [
        f"telemetry is lost ({signal}): the collector at {url}" for signal in ("metrics", "traces")
    ]
    assert {row["verdict"] for row in first_day.office.records} == {"published", "unchanged"}


def test_nothing_is_imported_unless_asked_for_and_what_cannot_be_done_is_said_once(first_day: FirstDay) -> None:
    office = first_day.office
    program = ("-c", PROGRAM.format(flush=False))
    done = office.run("sync", "payments", program=program, OTEL_EXPORTER_OTLP_ENDPOINT="")
    assert (done.returncode, done.stdout.split()[-1], done.stderr.strip()) == (0, "0", "")
    wrong = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    done = office.run("sync", "payments", program=program, **wrong)
    assert (done.returncode, done.stdout.split()[-1], done.stderr.count("telemetry is off")) == (0, "0", 1)


@pytest.mark.parametrize(
    ("variables", "on"),
    [
        ({}, set()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, {"metrics", "traces"}),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c:4318/v1/metrics"}, {"metrics"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, {"metrics"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"}, set()),
    ],
)
def test_the_usual_variables_switch_it_on(
    variables: dict[str, str], on: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert {signal for signal in ("metrics", "traces") if has(signal)} == on
    assert is_on() is bool(on)


def test_logs_are_json_lines_with_the_run_where_the_switch_asks_for_it(first_day: FirstDay) -> None:
    done = first_day.office.run("sync", "payments", "--json", AIRFLOW__LOGGING__JSON_LOGS="True")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    steps = [line for line in lines if line["logger"] == "include.telemetry.steps"]
    assert [line["step"] for line in steps] == ["prepare", "extract", "sync"]
    assert {line["run_id"] for line in steps} == {json.loads(done.stdout)["run_id"]}
    wanted = {**OF_THE_TABLE, "outcome": "unchanged", "extracted": 47, "rejected": 7, "level": "info"}
    assert wanted.items() <= steps[1].items()
    assert PLANTED not in done.stderr


def child(name: str) -> None:
    """A forked process, as Airflow's tasks are; what its parent has not exported yet is not its own."""
    assert steps._sdk is not None
    inherited = steps._sdk[1]
    assert inherited is not None
    inherited.flush()
    record_table_rows("payments", name, published=1, opened=0)


def test_a_forked_process_exports_what_is_its_own_and_nothing_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        for name, value in collector.variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(steps, "_sdk", None)
        with steps.exported_at_the_end():
            record_table_rows("payments", "of_the_parent", published=1, opened=0)
            forked = [multiprocessing.get_context("fork").Process(target=child, args=(f"t{i}",)) for i in range(3)]
            for process in forked:
                process.start()
            for process in forked:
                process.join(30)
            told = [attributes["table"] for attributes, _ in collector.points["lienthong.table.rows"]]
            assert sorted(told) == ["t0", "t1", "t2"]
        told = [attributes["table"] for attributes, _ in collector.points["lienthong.table.rows"]]
        assert sorted(told) == ["of_the_parent", "t0", "t1", "t2"]
        assert [process.exitcode for process in forked] == [0, 0, 0]
    monkeypatch.setattr(steps, "_sdk", None)
