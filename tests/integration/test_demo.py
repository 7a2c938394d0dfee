"""`lienthong demo` as a newcomer meets it; then nothing is left running."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from deltalake import DeltaTable

from include.contracts.reading.load import load_contracts
from include.embedded.demo.country import PERSONS, SEED, start_sources, stop_sources
from include.embedded.demo.stack import SERVERS, running
from include.embedded.servers.processes import stop
from include.embedded.site import Site
from include.simulator import inhabited_provinces

pytestmark = [pytest.mark.slow, pytest.mark.live_scheduler]

ROOT = Path(__file__).parents[2]
SIMULATED = ("business", "documents", "finance", "insurance", "population", "procedures", "programme")
TABLES = [(name, table.name) for name in SIMULATED for table in load_contracts(ROOT / "schemas")[name].tables]
PROVINCES = inhabited_provinces(persons=PERSONS, seed=SEED)
LAND = ("parcel", "certificate", "ownership")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Its own `var/`; a demo that was cut off leaves its servers to whoever cut it off."""
    made = Site(ROOT, tmp_path_factory.mktemp("demo") / "var")
    yield made
    stop(made, SERVERS, seconds=3)


def demo(site: Site) -> str:
    private = ("LAKE_URI", "SCHEMAS_DIR", "AIRFLOW_HOME", "LIENTHONG_TMP")
    env = {name: value for name, value in os.environ.items() if name not in private}
    env = {name: value for name, value in env.items() if not name.startswith("AIRFLOW_CONN_")}
    done = subprocess.run(
        [sys.executable, "-m", "include.cli", "demo"],
        env={**env, "LIENTHONG_VAR": str(site.var)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=1500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def first(site: Site) -> str:
    return demo(site)


def test_every_table_is_in_the_lake_and_in_the_table_at_the_end(site: Site, first: str) -> None:
    for registry, table in TABLES:
        assert DeltaTable(f"{site.lake_uri}/registry/{registry}/{table}").version() == 0
        assert f"{registry}.{table}: published" in first
        assert f" {table} " in first.partition("What happened")[2]
    assert len(PROVINCES) == 6
    for table in LAND:
        rows = DeltaTable(f"{site.lake_uri}/registry/land/{table}")
        assert {part["_server"] for part in rows.partitions()} == {f"land-{code}" for code in PROVINCES}
        for code in PROVINCES:
            assert f"land.{table}@land-{code}: published" in first
            assert f" {table}@land-{code} " in first.partition("What happened")[2]
    for server in ("dossiers-38", "dossiers-central"):
        assert f"dossiers.dossier@{server}: published" in first
    assert "Most frequent reasons" in first
    assert "report_quality: success" in first


def test_it_says_what_to_do_next(first: str) -> None:
    steps = first.partition("\nNext\n")[2]
    assert "make up\n" in steps
    assert "http://127.0.0.1:" in steps
    assert "from deltalake import DeltaTable" in steps
    assert "lienthong sync NAME" in steps


def test_the_commands_of_the_readme_work_in_another_shell(site: Site, first: str) -> None:
    """Nothing is exported there: lake, sources and the key of the pseudonyms are found."""
    by_hand = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Use it by hand")[2]
    block = re.findall(r"```console\n(.*?)```", by_hand, re.DOTALL)[0]
    commands = "\n".join(line.removeprefix("$ ") for line in block.splitlines())
    assert "lienthong sync population" in commands
    shell = {"PATH": "/usr/bin:/bin", "HOME": str(site.var), "LIENTHONG_VAR": str(site.var)}
    start_sources(site)
    try:
        done = run(["bash", "-euc", f"{commands}\nlienthong share"], shell)
    finally:
        stop_sources(site)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "population: unchanged" in done.stdout
    assert "no mistakes" in done.stdout
    assert "citizens_for_land: mae, in force" in done.stdout
    elsewhere = run(
        ["bash", "-c", ".venv/bin/lienthong sync population"], {**shell, "LAKE_URI": str(site.var / "other")}
    )
    assert elsewhere.returncode == 1, "another lake gets nothing of the simulated country"
    assert "AIRFLOW_CONN_POPULATION" in elsewhere.stderr


def run(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


def test_nothing_is_left_running(site: Site, first: str) -> None:
    assert running(site) == []
    mine = str(site.var)
    left = [p for p in psutil.process_iter(["cmdline"]) if mine in " ".join(p.info["cmdline"] or [])]
    assert left == []
