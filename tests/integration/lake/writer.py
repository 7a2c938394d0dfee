"""One of many writers of one table: its own small increments, one commit each, in a process of its own."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

from include.lake.storage.lake import Lake
from tests.unit.lake.staging import PERSON, START, run


def main(uri: str, scratch: str, writer: int, commits: int) -> None:
    """Each commit brings a new person and counts its own last one up."""
    lake = Lake.from_environment({"LAKE_URI": uri, "LIENTHONG_TMP": scratch})
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(commits):
        rows = [(f"w{writer}-{number}", "new", number), (f"w{writer}", "last", number)]
        cursor = json.dumps([(START + timedelta(seconds=number)).isoformat()])
        commit = run(lake, PERSON, writer * 1000 + number, rows, mode="incremental", metadata={"cursor": cursor})
        assert commit.is_new
    print("done", flush=True)
