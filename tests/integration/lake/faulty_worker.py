"""Steps of run r2, in a process that has run out of disk or may not write. Prints each error's class and text."""

from __future__ import annotations

import os
import resource
import tempfile
from pathlib import Path

from include.lake.publishing.publication import publish
from include.lake.rejected.append import append_rejected
from include.lake.run_log import log_tables
from include.lake.run_log.run_row import RunRow
from include.lake.storage.errors import LakeError
from include.lake.storage.lake import Lake
from tests.unit.lake.staging import PERSON, START, merging, run, staged_paths

NOBODY = 65534


def suffer(fault: str, lake: Lake) -> None:
    """Files may hold 2 kB, or the lake belongs to somebody else. Being root, become nobody first."""
    if fault == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
    if fault == "denied":
        lake.scratch.chmod(0o777)
        if os.geteuid() == 0:
            meet_every_module(lake)
            for folder in [Path(lake.uri), *Path(lake.uri).parents][:4]:
                folder.chmod(0o755)
            os.seteuid(NOBODY)
        else:
            allow(lake, 0o555)


def meet_every_module(lake: Lake) -> None:
    """Load what is loaded late, while root's files can still be read."""
    with tempfile.TemporaryDirectory() as folder:
        other = Lake.from_environment({"LAKE_URI": folder, "LIENTHONG_TMP": str(lake.scratch)})
        for number in range(3):
            run(other, PERSON, number, [("a", "An", number)], merge_rows=number % 2)


def allow(lake: Lake, mode: int) -> None:
    """Give every folder of the lake that mode."""
    for folder in [lake.uri, *(str(path) for path in Path(lake.uri).rglob("*") if path.is_dir())]:
        Path(folder).chmod(mode)


def act(step: str, lake: Lake) -> None:
    """What a pipeline does in that step."""
    staged = staged_paths(lake, PERSON, "r2")
    if step in ("publish", "move"):
        with merging(400_000 if step == "publish" else 0):
            publish(lake, PERSON, run_id="r2", at=START, staged=staged, metadata={})
    elif step == "rejected":
        append_rejected(lake, PERSON, run_id="r2", at=START, staged=staged, extract_uri=staged.extract)
    elif step == "evidence":
        facts = {"run_id": "r2", "registry": "population", "table": "citizen", "verdict": "held"}
        log_tables.append_run(lake, RunRow.from_dict({**facts, "findings": ["x" * 5_000]}))
    else:
        lake.write_text(lake.path("staging/note.json"), "x" * 5_000)


def main(uri: str, scratch: str, steps: str, fault: str) -> None:
    """Suffer the fault, do the steps, tell of each how it went."""
    lake = Lake.from_environment({"LAKE_URI": uri, "LIENTHONG_TMP": scratch})
    suffer(fault, lake)
    try:
        for step in steps.split():
            try:
                act(step, lake)
                print("done")
            except LakeError as error:
                print(f"{type(error).__name__}: {error}")
    finally:
        # What watches the process writes its own files when it ends.
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if fault == "denied" and os.getuid() != 0:
            allow(lake, 0o755)
