"""The one place where the embedded Airflow is configured."""

from __future__ import annotations

import json
import stat

import pytest

from include.embedded.servers.airflow import COMPONENTS, USER, airflow_environment, environment_of
from include.embedded.site import Site

SOURCES = {"AIRFLOW_CONN_LAND": "postgresql://simulated", "AIRFLOW_CONN_POPULATION": "postgresql://simulated"}


@pytest.fixture
def site(tmp_path, monkeypatch) -> Site:
    for name in ("LAKE_URI", "SCHEMAS_DIR", "LIENTHONG_TMP", "AIRFLOW_CONN_LAND", "AIRFLOW_CONN_POPULATION"):
        monkeypatch.delenv(name, raising=False)
    site = Site(tmp_path, tmp_path / "var")
    site.port("airflow-api-server", 0)
    return site


def test_nothing_listens_beyond_this_machine(site):
    env = airflow_environment(site, SOURCES)
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].startswith("http://127.0.0.1:")
    for name in ("airflow-scheduler", "airflow-triggerer"):
        assert "--skip-serve-logs" in COMPONENTS[name]


def test_all_state_is_in_one_folder(site):
    env = airflow_environment(site, SOURCES)
    places = ("AIRFLOW_HOME", "LAKE_URI", "LIENTHONG_TMP", "AIRFLOW__LOGGING__BASE_LOG_FOLDER")
    places += ("AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY",)
    places += ("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH",)
    assert all(env[name].startswith(str(site.var)) for name in places)


def test_the_password_is_generated_and_for_its_owner_only(site):
    file = site.airflow_home / "passwords.json"
    airflow_environment(site, SOURCES)
    assert json.loads(file.read_text()) == {USER: site.secret("airflow_password")}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_pseudonyms_key_is_with_who_runs_steps_only(site):
    env = airflow_environment(site, SOURCES)
    having = {name for name in COMPONENTS if "LIENTHONG_PSEUDONYM_KEY" in environment_of(name, env)}
    assert having == {"airflow-scheduler"}
    assert all(set(env) - set(environment_of(name, env)) <= {"LIENTHONG_PSEUDONYM_KEY"} for name in COMPONENTS)


STEWARDS = """
apiVersion: v3.2.0
kind: DataContract
id: {0}
version: 1.0.0
status: active
servers: [{{server: {0}, type: custom}}]
schema: [{{name: t, properties: [{{name: k, logicalType: integer, primaryKey: true}}]}}]
team:
  members:
    - {{username: {0}-steward, role: data steward}}
    - {{username: {0}-former, role: data steward, dateOut: "2020-01-01"}}
    - {{username: {0}-owner, role: owner}}
    - {{username: "odd:{0}", role: data steward}}
"""


def test_the_stewards_of_the_contracts_are_users_and_a_broken_contract_names_none(site):
    folder = site.root / "schemas" / "registries"
    folder.mkdir(parents=True)
    for name in ("land", "finance"):
        (folder / f"{name}.odcs.yaml").write_text(STEWARDS.format(name))
    (folder / "broken.odcs.yaml").write_text(STEWARDS.format("broken") + "schema: 5\n")
    users = airflow_environment(site, SOURCES)["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"].split(",")
    assert users == [
        f"{USER}:ADMIN", "finance-former:OP", "finance-steward:OP", "land-former:OP", "land-steward:OP",
    ]  # fmt: skip
    passwords = json.loads((site.airflow_home / "passwords.json").read_text())
    assert list(passwords) == [user.partition(":")[0] for user in users]


def test_settings_of_another_airflow_do_not_leak_in(site, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW__CORE__HOSTNAME_CALLABLE", "elsewhere")
    monkeypatch.setenv("AIRFLOW_HOME", "/elsewhere")
    env = airflow_environment(site, SOURCES)
    assert env["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert "AIRFLOW__CORE__HOSTNAME_CALLABLE" not in env
    assert env["AIRFLOW_HOME"] == str(site.airflow_home)


def test_a_connection_of_the_environment_comes_before_the_simulated_one(site, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_LAND", "postgresql://real")
    monkeypatch.setenv("AIRFLOW_CONN_BUSINESS", "sqlite:////business.sqlite")
    env = airflow_environment(site, SOURCES)
    assert env["AIRFLOW_CONN_LAND"] == "postgresql://real"
    assert env["AIRFLOW_CONN_POPULATION"] == "postgresql://simulated"
    assert env["AIRFLOW_CONN_BUSINESS"] == "sqlite:////business.sqlite"


def test_compiled_modules_may_be_kept(site, monkeypatch):
    # Each of Airflow's processes would otherwise compile thousands of modules anew.
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in airflow_environment(site, SOURCES)
