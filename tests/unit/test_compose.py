"""docker-compose.yaml as a parser of the Compose Specification sees it, and what must hold of it in production."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from include.contracts.reading.load import load_contracts
from include.embedded.production.compose_file import SettingMissing, interpolate, load, variables
from include.sharing.agreements.loading import load_agreements
from include.sharing.recipients.store_identities import reader_variable
from tests.machine import needed

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yaml"
RAW = yaml.safe_load(FILE.read_text())
SETTINGS = {"LIENTHONG_WORKER_CPUS": "4", "LIENTHONG_WORKER_MEMORY": "8G", "DROPS_DIR": "/srv/drops"}
VALUES = {name: SETTINGS.get(name, "x") for name in variables(RAW)}
SERVICES: dict[str, Any] = load(FILE, VALUES)["services"]
AIRFLOW = [name for name in SERVICES if name.startswith("airflow-")]
LONG_RUNNING = [name for name, service in SERVICES.items() if service["restart"] != "no"]
SECRET = re.compile(r"(?i)password|secret|_key$|fernet|access_key|auth$|sql_alchemy_conn|broker_url|^AIRFLOW_CONN_")
KEYS = ("LIENTHONG_PSEUDONYM_KEY", "LIENTHONG_SIGNING_KEY")
SERVER_KEYS = [f"LIENTHONG_{name}_{key}_KEY" for name in ("SHARING", "PORTAL") for key in ("ACCESS", "SECRET")]
# Named like secrets, and none.
NO_SECRET = {
    "AIRFLOW__CORE__AUTH_MANAGER",
    "AIRFLOW__SECRETS__USE_CACHE",
    "MARIADB_RANDOM_ROOT_PASSWORD",
    "AIRFLOW_CONN_FINANCE",
}


def assigned(example: str) -> dict[str, str]:
    lines = (ROOT / example).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))  # type: ignore[misc]


def test_it_is_valid_and_names_nothing_that_is_not_there() -> None:
    compose = PyCompose.from_json(json.dumps(load(FILE, VALUES)))
    compose.validate()
    assert {"airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "airflow-worker",
            "airflow-init", "postgres", "valkey", "seaweedfs"} <= set(compose.service_names())  # fmt: skip


def test_the_parser_would_notice() -> None:
    for wrong in ({"networks": ["elsewhere"]}, {"restart": "sometimes"}, {"imagee": "x"}, {"ports": ["a:b"]}):
        tree = load(FILE, VALUES)
        tree["services"]["valkey"] |= wrong
        with pytest.raises(ValueError, match=r"."):
            PyCompose.from_json(json.dumps(tree)).validate()


def test_a_security_linter_finds_nothing_but_missing_digests() -> None:
    command = [str(Path(sys.executable).with_name("compose-lint")), "check", "--format", "json", str(FILE)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    assert {finding["rule_id"] for finding in told["findings"]} <= {"CL-0019"}


def test_nothing_is_published_beyond_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if service.get("ports")}
    assert published == {
        "airflow-apiserver": ["127.0.0.1:8080:8080"],
        "seaweedfs": ["127.0.0.1:8333:8333"],
        "sharing": ["127.0.0.1:8765:8765"],
        "portal": ["127.0.0.1:8770:8770"],
    }
    assert not [name for name, service in SERVICES.items() if service.get("network_mode")]


def test_of_the_store_s_servers_only_s3_listens_beyond_its_container() -> None:
    """What is behind them is tried by tests/integration/test_store_doors.py."""
    said = SERVICES["seaweedfs"]["command"]
    assert {"-disableHttp", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3.ip.bind=0.0.0.0"} <= set(said)
    assert [flag for flag in said if "0.0.0.0" in flag] == ["-s3.ip.bind=0.0.0.0"]
    assert {"filer", "iam", "webdav", "sftp", "mq.broker"} & {flag.strip("-") for flag in said} == {"filer"}


def test_a_value_that_begins_with_a_dash_is_no_option() -> None:
    """`--password "$X"` reads the password `-x` as an option; `--password="$X"` takes every value."""
    commands = " ".join(str(service.get("command", "")) for service in SERVICES.values())
    assert '="$' in commands
    assert re.findall(r"--?[\w-]+ +\"?\$", commands) == []


def test_no_secret_stands_in_the_file() -> None:
    raw = RAW["services"] | {"x": {"environment": RAW["x-environment"]}}
    literal = [
        (name, key)
        for name, service in raw.items()
        for key, value in (service.get("environment") or {}).items()
        if SECRET.search(key) and key not in NO_SECRET and "${" not in value
    ]
    assert literal == []


@pytest.mark.parametrize("name", sorted(variables(RAW)))
def test_every_variable_is_asked_for_with_a_remedy_and_explained(name: str) -> None:
    example = assigned(".env.example")
    assert name in example, f"add {name} to .env.example"
    if SECRET.search(name):
        assert example[name] == "", f"{name} must have no value in .env.example"
    optional = {
        "LIENTHONG_ADMIN", "LIENTHONG_PATCH_FILES", "LIENTHONG_SHARING_PROXY", "LIENTHONG_WORKER_CPUS",
        "LIENTHONG_WORKER_MEMORY", "LIENTHONG_NOTICES_MAIL", "LIENTHONG_NOTICES_WEBHOOK", "LIENTHONG_NOTICES_TO",
        "LIENTHONG_JSON_LOGS", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
    }  # fmt: skip
    assert variables(RAW)[name] == {":-" if name in optional | {"TRIAL_PASSWORD"} else ":?"}


def test_the_example_holds_nothing_else() -> None:
    assert set(assigned(".env.example")) == set(variables(RAW))


def test_the_examples_know_every_source_and_every_recipient() -> None:
    servers = [server.name for contract in load_contracts(ROOT / "schemas").values() for server in contract.servers]
    variables = {f"AIRFLOW_CONN_{server.upper().replace('-', '_')}" for server in servers}
    assert variables == set(assigned("environment/sources.env.example"))
    recipients = {agreement.recipient for agreement in load_agreements(ROOT / "schemas").values()}
    assert {reader_variable(recipient) for recipient in recipients} == set(assigned("environment/readers.env.example"))


def test_all_parts_of_airflow_have_one_image_and_one_environment() -> None:
    scheduler = SERVICES["airflow-scheduler"]
    for name in AIRFLOW:
        service = SERVICES[name]
        assert service["image"] == scheduler["image"]
        assert service["environment"].items() >= scheduler["environment"].items(), name
    assert scheduler["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert scheduler["environment"]["LAKE_URI"].startswith("s3://")
    assert SERVICES["airflow-worker"]["deploy"]["replicas"] == 2


def test_the_registries_and_the_ministries_credentials_are_each_known_to_one_service() -> None:
    files = {name: service["env_file"] for name, service in SERVICES.items() if service.get("env_file")}
    assert files == {
        "airflow-worker": ["environment/sources.env"],
        "store-identities": ["environment/readers.env"],
    }
    assert [name for name, s in SERVICES.items() if "sources" in s["networks"] and not s.get("profiles")] == [
        "airflow-worker"
    ]


def test_keys_are_where_they_are_used_and_nowhere_else() -> None:
    """The pseudonyms' in the workers; the one that signs the ledger's checkpoints in none, as no DAG signs."""
    having = {key: {n for n, s in SERVICES.items() if key in (s.get("environment") or {})} for key in KEYS}
    assert having == {"LIENTHONG_PSEUDONYM_KEY": {"airflow-worker"}, "LIENTHONG_SIGNING_KEY": set()}


@pytest.mark.parametrize("name", ["sharing", "portal"])
def test_the_servers_for_others_have_keys_of_their_own_at_the_store(name: str) -> None:
    stated = RAW["services"][name]["environment"]
    assert f"LIENTHONG_{name.upper()}_ACCESS_KEY" in stated["AWS_ACCESS_KEY_ID"]
    assert f"LIENTHONG_{name.upper()}_SECRET_KEY" in stated["AWS_SECRET_ACCESS_KEY"]
    assert {n for n, s in SERVICES.items() if set(SERVER_KEYS) & set(s.get("environment") or {})} == {
        "store-identities"
    }
    of_airflow = {variable for variable in SERVICES[name]["environment"] if variable.startswith("AIRFLOW_")}
    assert of_airflow == {"AIRFLOW__LOGGING__JSON_LOGS"}, "its switch of logs, which our servers follow, and no secret"


def test_images_are_pinned_to_a_release() -> None:
    for service in SERVICES.values():
        assert re.search(r":\d+\.\d+", service["image"]), service["image"]
    assert "FROM apache/airflow:slim-3.3.2-python3.11" in (ROOT / "Dockerfile").read_text()
    assert "apache-airflow==3.3.2\n" in (ROOT / "requirements.txt").read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened_and_bounded(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] not in ("root", "0", "0:0")
    assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"])
    assert not service.get("privileged")


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_every_server_tells_its_health_and_starts_again(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]["test"]


def test_nothing_starts_before_what_it_needs() -> None:
    for name, service in SERVICES.items():
        for other, how in (service.get("depends_on") or {}).items():
            expected = "service_healthy" if other in LONG_RUNNING else "service_completed_successfully"
            assert how["condition"] == expected, f"{name} -> {other}"


def test_state_is_kept_in_named_volumes_or_nowhere() -> None:
    kept = set()
    for service in SERVICES.values():
        for mount in service.get("volumes") or []:
            source = mount["source"] if isinstance(mount, dict) else mount.split(":")[0]
            kept.add(source)
    assert kept == {*RAW["volumes"], "/srv/drops", "/var/lib/lienthong/tmp"}


def test_the_metadata_the_broker_and_the_store_have_no_way_out() -> None:
    assert RAW["networks"]["inside"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == SERVICES["valkey"]["networks"] == ["inside"]


def test_secrets_cannot_be_committed_nor_built_in() -> None:
    for name in (".env", "environment/sources.env", "environment/readers.env"):
        ignored = subprocess.run([needed("Git"), "check-ignore", "-q", name], cwd=ROOT, check=False)
        assert ignored.returncode == 0, f"add {name} to .gitignore"
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"


def test_interpolation() -> None:
    assert interpolate("${A}-${B:-b}-${C:?do}-$$D", {"A": "a", "C": "c"}) == "a-b-c-$D"
    with pytest.raises(SettingMissing, match="C is not set: make one"):
        interpolate("${C:?make one}", {"C": ""})
