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


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: None,
        lambda folder: folder.mkdir(),
        lambda folder: (folder / "land.odcs.yaml").mkdir(parents=True),
        lambda folder: (folder.mkdir(), (folder / "land.odcs.yaml").write_bytes(b"\xff\xfe id: land")),
        lambda folder: (folder.mkdir(), (folder / "land.odcs.yaml").write_text("id: [land", encoding="utf-8")),
        lambda folder: (folder.mkdir(), (folder / "land.odcs.yaml").symlink_to("nowhere")),
    ],
    ids=["no folder", "an empty folder", "a folder", "not UTF-8", "not YAML", "a dangling link"],
)
def test_no_mistake_of_a_contract_keeps_the_processes_from_starting(
    spoil: Callable[[Path], object], tmp_path: Path
) -> None:
    """`dags/check_contracts.py` tells it, which it cannot in a process that ended."""
    spoil(tmp_path / "registries")
    environ = os.environ | {"PYTHONPATH": str(ROOT), "SCHEMAS_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", "import plugins.processes.dag_modules"],
        cwd=ROOT, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_tasks_are_forked_from_does_not_look_for_pyspark_which_would_end_it(tmp_path: Path) -> None:
    """It has no main module, which PySpark 4 takes for a run of its own tests."""
    (tmp_path / "pyspark").mkdir()
    (tmp_path / "pyspark" / "__init__.py").write_text("import sys; sys.exit(0)\n", encoding="utf-8")
    program = f"from importlib import import_module; [import_module(name) for name in {PRELOADED}]; print('still here')"
    environ = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout.endswith("still here\n"), done.stderr
