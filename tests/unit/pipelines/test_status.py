"""What `lienthong status` tells of a registry on several servers: late, never, ended, let go; and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from include.cli import app
from include.cli.status import show_status
from include.console import output
from include.contracts.reading.load import load_contract
from include.contracts.yaml_files import Problem
from include.lake.storage.lake import Lake
from include.pipelines.checks import check_schemas
from include.pipelines.context import PipelineContext
from include.pipelines.status import RegistryStatus, status_of
from tests.ascii_tables import SCHEMAS
from tests.provincial import LIVE, NEVER, NOW, SERVERS, SPENT, At, at, make_provinces, write_contract

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> At:
    return make_provinces(tmp_path_factory.mktemp("provinces"))


@pytest.fixture(scope="module")
def status(context: At) -> RegistryStatus:
    return status_of(context, [context.contract("land")])[0]


@pytest.mark.parametrize(
    ("server", "is_late", "is_read", "is_listed", "missed", "verdict"),
    [
        ("land-01", False, True, True, 0, "unchanged"),
        ("land-38", True, True, True, 1, "published"),
        (NEVER, True, True, True, 0, "failed"),
        ("land-51", False, False, True, 1, "published"),
        ("land-66", False, False, False, 1, "published"),
    ],
)
def test_each_server_as_it_stands(
    status: RegistryStatus, server: str, is_late: bool, is_read: bool, is_listed: bool, missed: int, verdict: str
) -> None:
    found = next(one for one in status.servers if one.facts.name == server)
    parcel = next(one for one in found.slices if one.table == "parcel")
    assert (found.is_late, found.facts.is_read, found.facts.is_listed) == (is_late, is_read, is_listed)
    assert parcel.rows == LIVE.get(server, 0)
    assert parcel.missed == missed
    assert parcel.verdict == verdict
    assert found.facts.areas == ((server[-2:],) if is_listed else ())
    assert (found.delivered_at is None) == (server == NEVER)


def test_the_line_counts_the_servers_that_are_read(status: RegistryStatus) -> None:
    assert status.delivered
    said = status.delivered.text
    assert said.english == "1 of 3 servers, missing: land-38 (late, 2 days old), land-48 (failed, never delivered)"
    assert said.vietnamese.startswith("1/3 máy chủ nguồn, còn thiếu: land-38")


def test_rows_of_all_servers_are_those_of_the_published_table(context: At, status: RegistryStatus) -> None:
    published = context.lake.table(context.lake.registry_table("land", "parcel")).to_pyarrow_table()
    assert sum(one.rows for one in status.slices if one.table == "parcel") == published.num_rows == sum(LIVE.values())


def test_what_delivered_unchanged_is_not_old(status: RegistryStatus) -> None:
    first = next(one for one in status.servers if one.facts.name == "land-01")
    assert first.delivered_at == NOW
    book = next(one for one in first.slices if one.table == "book")
    assert book.snapshot_at
    assert book.snapshot_at < NOW


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("ended", "no longer in the contract", "never !", "d !", "is late")),
        ("vi", ("đã dừng", "không còn trong hợp đồng", "chưa có !", "ngày !", "quá hạn")),
    ],
)
@pytest.mark.parametrize("width", [200, 80, 70])
def test_one_screen_in_both_languages(
    status: RegistryStatus, monkeypatch: pytest.MonkeyPatch, language: str, words: tuple[str, ...], width: int
) -> None:
    monkeypatch.setenv("LC_ALL", {"vi": "vi_VN.UTF-8", "en": "C.UTF-8"}[language])
    monkeypatch.setattr(output, "_width", width)
    with output.capture() as shown:
        show_status(status)
    lines = shown.get()
    assert all(word in " ".join(lines.split()) for word in (*words, *SERVERS)), lines
    assert len(lines.splitlines()) < 40
    assert not any(value in lines for value in SPENT)


@pytest.mark.parametrize(("delivered", "code"), [(33, 0), (34, 1), (100, 1)])
def test_exit_status_is_the_contracts_bound(context: At, delivered: float, code: int) -> None:
    folder = context.schemas.parent
    write_contract(folder, *(name for name in SERVERS if name != "land-66"), ended="land-51", delivered=delivered)
    try:
        status = status_of(context, [load_contract(context.contract_path("land"))])[0]
    finally:
        write_contract(folder, *(name for name in SERVERS if name != "land-66"), ended="land-51")
    assert status.is_enough == (code == 0)


def test_the_command(context: At) -> None:
    environ = {**os.environ, **context.environ, "SCHEMAS_DIR": str(context.schemas), "LC_ALL": "C.UTF-8"}
    ran = subprocess.run(
        [sys.executable, "-m", "include.cli", "status", "land", "--json"],
        env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = json.loads(ran.stdout)["registries"][0]
    assert ran.returncode == 1, "the real clock is far on: all are late"
    assert [one["server"] for one in told["servers"]] == list(SERVERS)
    assert not told["servers"][-1]["is_in_contract"]


@pytest.mark.parametrize("as_json", [["--json"], []])
def test_a_contract_with_mistakes_is_told_and_none_of_the_others_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_json: list[str]
) -> None:
    """The older tests have no contract with mistakes beside those that can be read."""
    write_contract(tmp_path, "land-01")
    context = at(tmp_path, NOW)
    broken = context.contract_path("land").with_name("population.odcs.yaml")
    broken.write_text("id: [", encoding="utf-8")
    monkeypatch.setattr(PipelineContext, "from_environment", lambda: context)
    done = CliRunner().invoke(app, ["status", *as_json])
    assert done.exit_code == 1
    if not as_json:
        assert f"{broken}:" in done.stderr
        return
    told = json.loads(done.stdout)
    assert [one["registry"] for one in told["registries"]] == ["land"]
    checked = [one for one in check_schemas(context.schemas).to_dict()["problems"] if one["path"] == str(broken)]
    assert told["problems"] == checked
    assert checked


@pytest.mark.parametrize("level", ["error", "warning"])
def test_only_an_error_changes_the_exit_status(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    problem = Problem(Path("a.odcs.yaml"), 1, "", "m", "r", level)  # type: ignore[arg-type]
    context = SimpleNamespace(readable=({}, [problem]))
    monkeypatch.setattr(PipelineContext, "from_environment", lambda: context)
    monkeypatch.setattr("include.pipelines.status.status_of", lambda *_: ())
    assert CliRunner().invoke(app, ["status", "--json"]).exit_code == (level == "error")


def test_a_registry_on_one_server_has_tables_only(tmp_path: Path) -> None:
    write_contract(tmp_path, "land-01")
    context = at(tmp_path, NOW)
    status = status_of(context, [context.contract("land")])[0]
    assert [one.table for one in status.tables] == ["parcel", "book"]
    assert not status.servers
    assert status.is_enough
    assert all(one.is_late and one.verdict == "" for one in status.tables)


@pytest.mark.parametrize("is_connected", [False, True])
def test_nothing_is_expected_of_a_registry_without_connection_and_run(tmp_path: Path, is_connected: bool) -> None:
    """Contracts of systems that are not here stand in the folder too: no sync of theirs is late."""
    environ = {"AIRFLOW_CONN_DOSSIERS_38": "sqlite:///dossiers.sqlite"} if is_connected else {}
    context = PipelineContext(Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp"), SCHEMAS, environ)
    (found,) = status_of(context, [context.contract("dossiers")])
    assert (found.is_in_use, found.is_enough) == (is_connected, not is_connected)
