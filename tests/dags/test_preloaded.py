"""What a process of Airflow has loaded before it forks is there, and is all that its children need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from include.contracts.reading import contract_paths
from include.embedded.servers.airflow import PRELOADED
from tests.dags.conftest import ROOT


@pytest.mark.parametrize("name", PRELOADED)
def test_it_is_there(name: str) -> None:
    """Airflow passes over what it cannot import."""
    assert find_spec(name)


READ_BY_A_FORK = """
import json, runpy, sys
from pathlib import Path
import airflow.sdk
import plugins.processes.dag_modules
from include.contracts.reading import load

def ours():
    return {name for name in sys.modules if name.partition(".")[0] in ("include", "plugins")}

known, before = dict(load._LOADED), ours()
for file in Path("dags").glob("*.py"):
    runpy.run_path(str(file))
again = [path.name for path, read in load._LOADED.items() if read is not known.get(path)]
print(json.dumps({"read": [path.name for path in known], "again": again, "imported": sorted(ours() - before)}))
"""


def test_a_look_at_the_dag_files_imports_nothing_of_ours_and_reads_no_contract_again() -> None:
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", READ_BY_A_FORK], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert sorted(found["read"]) == sorted(path.name for path in contract_paths(ROOT / "schemas").values())
    assert found["again"] == []
    assert found["imported"] == []


SPOILED: dict[str, Callable[[Path], object]] = {
    "no folder": lambda folder: None,
    "an empty folder": lambda folder: folder.mkdir(),
    "a folder": lambda folder: (folder / "land.odcs.yaml").mkdir(parents=True),
    "not UTF-8": lambda folder: (folder.mkdir(), (folder / "land.odcs.yaml").write_bytes(b"\xff\xfe id: land")),
    "not YAML": lambda folder: (folder.mkdir(), (folder / "land.odcs.yaml").write_text("id: [land", encoding="utf-8")),
    "a dangling link": lambda folder: (folder.mkdir(), (folder / "land.odcs.yaml").symlink_to("nowhere")),
}
STARTED = """
import json, os, sys, traceback
import airflow.sdk
import include.contracts.reading, include.sharing.agreements, include.telemetry

assert not [name for name in sys.modules if name.partition(".")[0] == "plugins"]
ended = {}
for folder in sys.argv[1:]:
    if not (child := os.fork()):
        os.environ["SCHEMAS_DIR"] = folder
        try:
            import plugins.processes.dag_modules
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    ended[os.path.basename(folder)] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(json.dumps(ended))
"""


def test_no_mistake_of_a_contract_keeps_the_processes_from_starting(tmp_path: Path) -> None:
    """`dags/check_contracts.py` tells it, which it cannot in a process that ended.

    Each is forked from one that has loaded what reads no contract: to load that takes seconds.
    """
    for name, spoil in SPOILED.items():
        (tmp_path / name).mkdir()
        spoil(tmp_path / name / "registries")
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", STARTED, *(str(tmp_path / name) for name in SPOILED)],
        cwd=ROOT, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == dict.fromkeys(SPOILED, 0), done.stderr


def test_what_tasks_are_forked_from_does_not_look_for_pyspark_which_would_end_it(tmp_path: Path) -> None:
    """It has no main module, which PySpark 4 takes for a run of its own tests."""
    (tmp_path / "pyspark").mkdir()
    (tmp_path / "pyspark" / "__init__.py").write_text("import sys; sys.exit(0)\n", encoding="utf-8")
    program = (
        f"from importlib import import_module; [import_module(name) for name in {PRELOADED}]; "
        "from include.vietnam.macro_expansion import _macros; print(_macros.cache_info()); print('still here')"
    )
    environ = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout.endswith("still here\n"), done.stderr
    assert "currsize=1" in done.stdout, "the macros are known, which every task that publishes asks for"
