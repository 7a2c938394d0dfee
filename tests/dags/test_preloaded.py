"""What a process of Airflow has loaded before it forks is there, and is all that its children need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

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
