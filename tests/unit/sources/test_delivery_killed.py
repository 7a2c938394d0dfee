"""What a killed extract of a drop leaves in the scratch folder goes with the next maintenance."""

from __future__ import annotations

import subprocess
import sys

from include.lake.delta.maintenance import clear_scratch
from tests.unit.sources.conftest import Drop

KILLED = """
import os, signal, sys
from pathlib import Path
import duckdb
from include.contracts.model import (Server)
from include.sources.access.connection import connect
from include.sources.landing.delivery_folder import open_files
from tests.extracts import VARIABLE, contract_of

folder, scratch = sys.argv[1:]
contract = contract_of("a.csv", ["A"], server=Server("source", "local"))
connection = connect(contract, {VARIABLE: folder})
with duckdb.connect() as duck, open_files(connection, contract.tables[0], contract, duck, Path(scratch)):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_copies_of_a_killed_extract_are_cleared(drop: Drop) -> None:
    drop.put("a.csv", "A\nbimat\n")
    scratch = drop.lake.scratch
    killed = subprocess.run([sys.executable, "-c", KILLED, drop.folder.as_uri(), str(scratch)], check=False)
    assert killed.returncode == -9
    assert [path.read_text() for path in scratch.rglob("*.csv")] == ["A\nbimat\n"]
    assert clear_scratch(drop.lake) == 1
    assert list(scratch.iterdir()) == []
