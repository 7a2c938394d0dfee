"""Invariant 8: parsing the DAG folder opens no connection, and takes under two seconds in all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARSE = """
import json, sys, time
began = time.process_time()
from pathlib import Path
import airflow.sdk
from airflow.dag_processing.dagbag import DagBag
imported = time.process_time() - began

opened, is_watching = [], False
FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "socket.bind", "sqlite3.connect", "subprocess.Popen", "os.system")

def watch(event, arguments):
    if is_watching and event in FORBIDDEN:
        opened.append(event)
    if is_watching and event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        opened.append(f"open for writing: {arguments[0]}")

sys.addaudithook(watch)
is_watching, began = True, time.process_time()
bag = DagBag(sys.argv[1])
seconds, is_watching = time.process_time() - began, False
said = {"opened": opened, "seconds": seconds, "imported": imported, "has_pandas": "pandas" in sys.modules}
print(json.dumps({**said, "dags": sorted(bag.dags), "errors": bag.import_errors}))
"""


def parse(folder: Path, tmp_path: Path) -> dict:
    """Read a DAG folder in a fresh interpreter that was told no secret and watches what is opened."""
    secrets = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_CONN_")}
    settings = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-c", PARSE, str(folder)]
    done = subprocess.run(command, env=secrets | settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def readings(tmp_path_factory) -> list[dict]:
    return [parse(ROOT / "dags", tmp_path_factory.mktemp("airflow")) for _ in range(3)]


@pytest.fixture(scope="module")
def parsed(readings) -> dict:
    return readings[0]


def test_the_folder_can_be_read_without_any_connection_set(parsed):
    assert parsed["errors"] == {}
    assert "sync_population" in parsed["dags"]


def test_nothing_is_opened(parsed):
    assert parsed["opened"] == []


def test_it_takes_under_two_seconds(readings):
    # Processor time of this process, of the best of three: what another process does to the machine is not the folder's
    # fault. On a machine so slow, or so busy, that importing Airflow alone takes longer than a second, that is the
    # measure.
    assert min(read["seconds"] / max(2, 2 * read["imported"]) for read in readings) < 1


def test_pandas_is_not_imported(parsed):
    # A quarter of a second for every process that reads contracts. DuckDB and pyarrow import it in passing: to read a
    # parameter of a query, to make an array of a list.
    assert not parsed["has_pandas"]


def test_the_watch_sees_a_dag_that_asks_the_database(tmp_path):
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "curious.py").write_text(
        "import sqlite3\nfrom airflow.sdk import DAG\nsqlite3.connect(':memory:')\nwith DAG('curious'):\n    pass\n"
    )
    assert parse(folder, tmp_path)["opened"] == ["sqlite3.connect"]
