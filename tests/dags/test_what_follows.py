"""What follows a publication, in DAG runs that Airflow itself carries out: the figures are those of the commands."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.audit.report_data.figures import open_run_log
from include.pipelines import PipelineContext
from include.pipelines.rejected import replay
from include.pipelines.sync import sync_registry
from tests.dags.conftest import ROOT
from tests.integration.test_rejected_targets import CONTRACT, LETTER, LETTERS, OFFICE, OFFICES, REFERENCE
from tests.repeats import held_by

pytestmark = pytest.mark.slow
_RUN = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
file, dag_id, conf, result = sys.argv[1:]
run = DagBag(file).dags[dag_id].test(run_conf=json.loads(conf))
states = {ti.task_id + (f"[{ti.map_index}]" if ti.map_index >= 0 else ""): ti.state for ti in run.get_task_instances()}
open(result, "w").write(json.dumps({**states, "": run.state}))
"""
Carried = Callable[..., dict[str, str]]


@pytest.fixture(scope="module")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("airflow")
    environ = {**os.environ, "AIRFLOW_HOME": str(home)}
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(command, env=environ, check=True, capture_output=True)
    return home


@pytest.fixture
def carried_out(airflow_home: Path, tmp_path: Path) -> Carried:
    """Carry out a DAG run over a context's lake; the states of its tasks, and its own by the empty name."""

    def run(context: PipelineContext, file: str, dag_id: str, **conf: Any) -> dict[str, str]:
        result = tmp_path / "states.json"
        place = {"AIRFLOW_HOME": str(airflow_home), "PYTHONPATH": str(ROOT), "SCHEMAS_DIR": str(context.schemas)}
        place["AIRFLOW__CORE__DAGS_FOLDER"] = str(ROOT / "dags")
        done = subprocess.run(
            [sys.executable, "-c", _RUN, str(ROOT / "dags" / file), dag_id, json.dumps(conf), str(result)],
            env={**os.environ, **context.environ, **place}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.exists(), done.stderr[-2000:]
        return dict(json.loads(result.read_text()))

    return run


def place(folder: Path, *, together: bool) -> PipelineContext:
    """Offices and letters that refer to them, `together` in one registry or each in its own."""
    (folder / "schemas" / "registries").mkdir(parents=True)
    letter = LETTER.rstrip() + REFERENCE.rstrip()
    office = CONTRACT % {"id": "offices", "table": "office", "columns": OFFICE}
    other = CONTRACT % {"id": "letters", "table": "letter", "columns": letter}
    if together:
        contracts = {"offices": office + other[other.index("  - name") :].replace("offices.office.", "office.")}
    else:
        contracts = {"offices": office, "letters": other}
    for name, text in contracts.items():
        (folder / "schemas" / "registries" / f"{name}.odcs.yaml").write_text(text)
    with sqlite3.connect(folder / "source.db") as source:
        source.execute("CREATE TABLE office (code TEXT, no INTEGER, staff INTEGER)")
        source.executemany("INSERT INTO office VALUES (?, ?, ?)", OFFICES)
        source.execute("CREATE TABLE letter (id INTEGER, office_code TEXT, office_no INTEGER)")
        source.executemany("INSERT INTO letter VALUES (?, ?, ?)", LETTERS)
    context = at(folder)
    for name in contracts:
        assert sync_registry(name, run_id="first", context=context).verdict == "published"
    return context


def at(folder: Path) -> PipelineContext:
    return PipelineContext.from_environment(
        {
            "LAKE_URI": str(folder / "lake"),
            "SCHEMAS_DIR": str(folder / "schemas"),
            "LIENTHONG_TMP": str(folder / "tmp"),
            "AIRFLOW_CONN_SOURCE_DB": f"sqlite:///{folder}/source.db",
        }
    )


def references(context: PipelineContext) -> dict[str, tuple[int, int]]:
    """Of each kind of reference that leads nowhere: how many do, and of how many."""
    with open_run_log(context.lake) as log:
        return {row.metric: (row.violations, row.rows) for row in log.relationships()}


def failing(folder: Path) -> PipelineContext:
    """One registry with ten letters more, whose table of offices is not there any more."""
    context = place(folder, together=True)
    assert references(context) == {"relationship": (2, 7), "rejectedTarget": (3, 7)}
    with sqlite3.connect(folder / "source.db") as source:
        source.execute("DROP TABLE office")
        source.executemany("INSERT INTO letter VALUES (?, 'nowhere', 1)", [(100 + n,) for n in range(10)])
    return context


def test_a_table_that_failed_keeps_no_figure_of_the_others_as_it_was(tmp_path: Path) -> None:
    context = failing(tmp_path)
    verdicts = {one.table: one.verdict for one in sync_registry("offices", run_id="r2", context=context).tables}
    assert verdicts == {"office": "failed", "letter": "published"}
    assert references(context) == {"relationship": (12, 17), "rejectedTarget": (3, 17)}


@held_by("dags/test_what_follows.py::test_a_table_that_failed_keeps_no_figure_of_the_others_as_it_was")
def test_nor_does_it_by_airflow(carried_out: Carried, tmp_path: Path) -> None:
    context = failing(tmp_path)
    states = carried_out(context, "sync_registries.py", "sync_offices")
    assert {states[f"sync_table.{name}"] for name in ("extract[0]", "publish[1]")} == {"failed", "success"}
    assert states["follow_relationships"] == "success"
    assert states[""] == "failed", "a run of which a table failed"
    assert references(context) == {"relationship": (12, 17), "rejectedTarget": (3, 17)}


def mended(folder: Path) -> PipelineContext:
    """Offices that a rule refused, in a registry whose contract allows them now."""
    context = place(folder, together=False)
    path = context.contract_path("offices")
    path.write_text(path.read_text().replace("minimum: 0", "minimum: -9"))
    return at(folder)


def test_a_replay_counts_anew_what_led_to_the_rows_that_it_published(tmp_path: Path) -> None:
    context = mended(tmp_path)
    assert replay(context, "offices", run_id="r2").verdict == "published"
    assert references(context) == {"relationship": (2, 7), "rejectedTarget": (0, 7)}


@held_by("dags/test_what_follows.py::test_a_replay_counts_anew_what_led_to_the_rows_that_it_published")
def test_a_replay_by_airflow_does_so_too(carried_out: Carried, tmp_path: Path) -> None:
    context = mended(tmp_path)
    states = carried_out(context, "replay_rejected.py", "replay_rejected", registry="offices")
    assert (states["replay_offices.publish[0]"], states[""]) == ("success", "success")
    assert references(context) == {"relationship": (2, 7), "rejectedTarget": (0, 7)}
