"""The stack of docker-compose.yaml without containers: a whole sync through Celery workers, PostgreSQL and S3."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg
import pytest
import yaml
from deltalake import DeltaTable

from include.embedded.production import production_stack
from include.embedded.production.production_settings import ADMIN, Production
from include.embedded.servers import PORTAL, SHARING, ServerProcess, answers, postgres
from include.embedded.servers.airflow_api import ENDED, AirflowApi
from include.embedded.site import Site
from tests.repeats import held_by

pytestmark = [pytest.mark.slow, pytest.mark.live_scheduler]

ROOT = Path(__file__).parents[2]
SECRET_NAME = "Nguyễn Thị Kín Đáo"
ROWS = [("1", SECRET_NAME, "30"), ("2", "Lê Văn Hai", "41"), ("3", None, "52"), ("4", "Võ Bốn", "abc")]
CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: clinics
version: 1.0.0
status: active
name: clinics
servers:
  - {server: clinics, type: custom}
slaProperties:
  - {property: frequency, value: 1, unit: d, schedule: "0 2 2-4 3 *"}  # not due while the tests run
schema:
  - name: doctor
    properties:
      - {name: doctor_id, logicalType: string, primaryKey: true, required: true}
      - {name: full_name, logicalType: string, required: true, classification: confidential}
      - {name: age, logicalType: integer}
    customProperties:
      - {property: tolerance, value: {rejectedPercent: 60}}
"""
AGREEMENT = """
version: 1.0.0
title: Chia sẻ danh bạ thầy thuốc
provider: Bộ Y tế
recipient: {id: nso, name: Cục Thống kê}
purpose: Thống kê
legalBasis: [Luật Thống kê 89/2015/QH13]
from: 2020-01-01
until: 2099-12-31
contact: {provider: a@moh.example, recipient: b@nso.example}
products:
  - name: doctor
    table: clinics.doctor
    columns:
      - {name: full_name, protection: none}
"""

BEGUN = (
    "integration/test_stack.py::"
    "test_its_servers_are_begun_for_this_machine_alone_with_one_broker_one_metadata_and_one_lake"
)
OF_OTHERS = ("AIRFLOW_CONN", "AIRFLOW__", "LIENTHONG_PSEUDONYM")
"""Beginnings of settings that hold sources, keys and passwords of Airflow."""


@dataclass(frozen=True)
class House:
    """The running stack and what became of the sync."""

    stack: Production
    state: str

    @property
    def site(self) -> Site:
        return self.stack.site

    def options(self, access_key: str, secret_key: str) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.stack.ports['seaweedfs']}",
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }

    def as_owner(self) -> dict[str, str]:
        return self.options("lienthong", self.site.secret("lake_secret_key"))

    def metadata(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(postgres.uri(self.site, "airflow")) as connection:
            return connection.execute(query.encode()).fetchall()


def furnish(root: Path) -> dict[str, str]:
    """A checkout with the real code and compose file, and one small registry; returns its connection."""
    (root / "dags").mkdir()
    for shared in ("docker-compose.yaml", "plugins", "include", "dags/sync_registries.py"):
        (root / shared).symlink_to(ROOT / shared)
    for folder, text in (("registries/clinics.odcs.yaml", CONTRACT), ("agreements/doctors.yaml", AGREEMENT)):
        path = root / "schemas" / folder
        path.parent.mkdir(parents=True)
        path.write_text(text)
    with sqlite3.connect(root / "clinics.sqlite") as database:
        database.execute("CREATE TABLE doctor (doctor_id TEXT, full_name TEXT, age TEXT)")
        database.executemany("INSERT INTO doctor VALUES (?, ?, ?)", ROWS)
    database.close()
    return {"AIRFLOW_CONN_CLINICS": f"sqlite:///{root / 'clinics.sqlite'}"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    root = tmp_path_factory.mktemp("production")
    connections = furnish(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LIENTHONG_VAR", raising=False)
        site = production_stack.site_of(root)
        try:
            stack = production_stack.launch(site, connections)
            yield House(stack, sync(stack))
        finally:
            production_stack.down(root)


def sync(stack: Production, *, seconds: float = 240) -> str:
    """Run `sync_clinics` once; returns the state it ended in."""
    api = AirflowApi(stack.url, ADMIN, stack.site.secret("airflow_password"))
    began, end = datetime.now(UTC).isoformat(), time.monotonic() + seconds
    try:
        while "sync_clinics" not in {dag["dag_id"] for dag in api.dags()}:
            assert time.monotonic() < end, "the DAG did not appear"
            time.sleep(1)
        api.unpause("sync_clinics")
        api.trigger("sync_clinics", "first")
        while True:
            (state,) = [run["state"] for run in api.runs(began) if run["dag_run_id"] == "first"]
            if state in ENDED:
                return str(state)
            assert time.monotonic() < end, f"the sync is {state} after {seconds} s"
            time.sleep(1)
    finally:
        api.close()


def test_its_servers_are_begun_for_this_machine_alone_with_one_broker_one_metadata_and_one_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the stack is told to be; the tests below, which take minutes, see that it is."""
    connections = furnish(tmp_path)
    monkeypatch.delenv("LIENTHONG_VAR", raising=False)
    begun: dict[str, ServerProcess] = {}
    monkeypatch.setattr(production_stack, "start", lambda _, server: begun.update({server.name: server}))
    for waits in ("wait_until", "_run", "_start_metadata"):
        monkeypatch.setattr(production_stack, waits, lambda *_, **__: None)
    stack = production_stack.launch(production_stack.site_of(tmp_path), connections)
    airflow = {name: server.env for name, server in begun.items() if name.startswith("airflow-")}
    workers = ["airflow-worker-1", "airflow-worker-2"]
    others = ["airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"]
    assert sorted(airflow) == sorted([*others, *workers])
    for name in workers:
        assert "worker" in begun[name].command
        assert [*begun[name].command][-2:] == ["--celery-hostname", name]
    password, port = stack.site.secret("metadata_password"), stack.ports[postgres.NAME]
    for name, environment in airflow.items():
        assert environment["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
        assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == (
            f"postgresql+psycopg://airflow:{password}@127.0.0.1:{port}/airflow"
        )
        assert environment["AIRFLOW__CELERY__BROKER_URL"].endswith(f"@127.0.0.1:{stack.ports['valkey']}/0")
        assert environment["LAKE_URI"] == "s3://lake/national"
        assert ("AIRFLOW_CONN_CLINICS" in environment) == (name in workers), "only workers know the sources"
    assert airflow["airflow-apiserver"]["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert "bind 127.0.0.1\n" in (stack.site.folder("valkey") / "valkey.conf").read_text()
    assert "-s3.ip.bind=127.0.0.1" in begun["seaweedfs"].command
    for name in (SHARING, PORTAL):
        command, environment = [*begun[name].command], begun[name].env
        assert command[len(command) - command[::-1].index("--host")] == "127.0.0.1"
        assert environment["LAKE_URI"] == "s3://lake/national"
        assert environment["AWS_ACCESS_KEY_ID"] == f"lienthong-{name}"
        assert {given for given in environment if given.startswith(OF_OTHERS)} <= {"AIRFLOW__LOGGING__JSON_LOGS"}


@held_by("integration/airflow/test_airflow_sync.py::test_a_sync_publishes_and_starts_what_waits_for_its_table")
def test_a_sync_goes_through_the_stack(house: House) -> None:
    assert house.state == "success"


@held_by("integration/lake/test_s3.py::test_a_table_lives_through_every_kind_of_run")
def test_what_it_published_is_read_from_s3_with_the_stock_package(house: House) -> None:
    lake = house.stack.environment("airflow-worker")["LAKE_URI"]
    assert lake == "s3://lake/national"
    published = DeltaTable(f"{lake}/registry/clinics/doctor", storage_options=house.as_owner())
    rows = published.to_pyarrow_table().to_pylist()
    assert {(row["doctor_id"], row["full_name"], row["age"]) for row in rows} == {
        ("1", SECRET_NAME, 30),
        ("2", "Lê Văn Hai", 41),
    }
    rejected = DeltaTable(f"{lake}/rejected/clinics/doctor", storage_options=house.as_owner())
    assert {row["doctor_id"] for row in rejected.to_pyarrow_table().to_pylist()} == {"3", "4"}


@held_by(BEGUN)
def test_both_workers_are_there_and_celery_ran_every_step(house: House) -> None:
    assert production_stack.workers(house.stack) == ["celery@airflow-worker-1", "celery@airflow-worker-2"]
    ran = house.metadata("SELECT executor, external_executor_id FROM task_instance WHERE state = 'success'")
    assert len(ran) >= 4
    accepted = "".join(house.site.log(f"airflow-worker-{number}").read_text() for number in (1, 2))
    known = [str(external_id) for _, external_id in ran if external_id]
    assert known
    assert [external_id for external_id in known if external_id not in accepted] == []


@held_by(BEGUN)
def test_airflows_metadata_is_in_postgresql(house: House) -> None:
    assert house.metadata("SELECT dag_id, state FROM dag_run") == [("sync_clinics", "success")]
    assert not list(house.site.var.rglob("airflow.db"))


@held_by("integration/test_store_doors.py::test_by_s3_a_ministry_has_its_own_folder_and_nothing_else")
def test_a_ministry_reads_nothing_but_its_own_folder(house: House) -> None:
    access_key, _, secret_key = production_stack.readers(house.site)["LIENTHONG_READER_NSO"].partition(":")
    with pytest.raises(Exception, match=r"(?i)denied|forbidden|403"):
        DeltaTable(
            "s3://lake/national/registry/clinics/doctor", storage_options=house.options(access_key, secret_key)
        ).to_pyarrow_table()
    with pytest.raises(Exception, match=r"(?i)denied|forbidden|403|not a delta table|no files in log"):
        DeltaTable("s3://lake/national/shared/nso/doctor", storage_options=house.options("nso-reader", "guess" * 5))


@held_by(BEGUN)
def test_the_sharing_server_knows_the_lake_and_no_source(house: House) -> None:
    environment = house.stack.environment("sharing")
    assert answers(house.stack.site, SHARING)
    assert environment["LAKE_URI"] == "s3://lake/national"
    assert environment["LIENTHONG_STORE_URL"] == environment["AWS_ENDPOINT_URL"]
    assert {name for name in environment if name.startswith(OF_OTHERS)} <= {"AIRFLOW__LOGGING__JSON_LOGS"}


@held_by(BEGUN)
def test_the_portal_knows_the_lake_by_its_own_key(house: House) -> None:
    environment = house.stack.environment("portal")
    assert answers(house.stack.site, PORTAL)
    assert environment["AWS_ACCESS_KEY_ID"] == "lienthong-portal"
    assert {name for name in environment if name.startswith(OF_OTHERS)} <= {"AIRFLOW__LOGGING__JSON_LOGS"}


@held_by(BEGUN)
def test_nothing_listens_beyond_this_machine(house: House) -> None:
    marks = [yaml.safe_load(mark.read_text()) for mark in house.site.folder("run").glob("*.pid")]
    assert len(marks) == 11
    family = [child for mark in marks for child in _family(mark["pid"])]
    sockets = [found for process in family for found in process.net_connections("inet")]
    listening = {found.laddr.ip for found in sockets if found.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


@held_by("integration/airflow/test_airflow_sync.py::test_airflow_never_saw_a_name")
def test_no_name_is_in_a_log_the_metadata_or_the_broker(house: House) -> None:
    folders = (house.site.var / name for name in ("log", "logs", "airflow", "valkey", "run"))
    kept = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    needles = (SECRET_NAME.encode(), SECRET_NAME.encode("unicode_escape"))
    assert not [path for path in kept if any(needle in path.read_bytes() for needle in needles)]
    values = house.metadata("SELECT value::text FROM xcom")
    assert values
    assert not [value for (value,) in values if SECRET_NAME in str(value) or str(needles[1])[2:-1] in str(value)]


def _family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]
