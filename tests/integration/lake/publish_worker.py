"""One run of one table in a process of its own, so that a test can kill it at any instant."""

from __future__ import annotations

import sys
from datetime import timedelta

from include.lake.publishing.publication import publish
from include.lake.rejected.append import append_rejected
from include.lake.run_log import log_tables
from include.lake.run_log.run_row import RunRow
from include.lake.storage.lake import Lake
from tests.unit.lake.staging import PERSON, START, merging, staged_paths


def main(uri: str, scratch: str, number: int, merge_rows: int) -> None:
    """Do what a pipeline does between the gate and the end of a run."""
    lake = Lake.from_environment({"LAKE_URI": uri, "LIENTHONG_TMP": scratch})
    run_id, at = f"r{number}", START + timedelta(days=number)
    staged = staged_paths(lake, PERSON, run_id)
    print("ready", flush=True)
    sys.stdin.readline()
    append_rejected(lake, PERSON, run_id=run_id, at=at, staged=staged, extract_uri=staged.extract)
    with merging(merge_rows):
        commit = publish(lake, PERSON, run_id=run_id, at=at, staged=staged, metadata={})
    facts = {"run_id": run_id, "registry": PERSON.registry, "table": PERSON.name, "verdict": "published"}
    log_tables.append_run(lake, RunRow.from_dict({**facts, "version": commit.version, "started_at": at}))
    print("done", flush=True)
