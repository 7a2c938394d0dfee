"""Many processes write one table at once, and nothing is lost or doubled.

`python -m tests.integration.lake.test_many_writers 10 200` runs it with as many writers and commits as you like.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from include.lake.delta.commit_metadata import last_commit
from include.lake.delta.maintenance import maintain_table
from include.lake.storage.lake import Lake
from tests.forking import Forked
from tests.integration.lake import writer
from tests.once import begin
from tests.repeats import held_by
from tests.unit.lake.staging import PERSON, START, content, run

ORIGIN = ("origin", "first", 0)


def write_at_once(folder: Path, writers: int, commits: int) -> Lake:
    """Let the writers loose together; gives the lake when all are done."""
    lake = Lake.from_environment({"LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "scratch")})
    run(lake, PERSON, 0, [ORIGIN], metadata={"cursor": json.dumps([START.isoformat()])})
    worker = f"{writer.__name__}:main"
    started = [Forked(worker, lake.uri, str(lake.scratch), number, commits) for number in range(1, writers + 1)]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        assert (process.communicate(timeout=3600), process.wait()) == ("done\n", 0)
    return lake


def check_nothing_is_lost(lake: Lake, writers: int, commits: int) -> None:
    """Every row, every commit once, the feed, and a cursor that never went back."""
    expected = [ORIGIN]
    for number in range(1, writers + 1):
        expected += [(f"w{number}-{n}", "new", n) for n in range(commits)]
        expected.append((f"w{number}", "last", commits - 1))
    assert content(lake, PERSON) == sorted(expected, key=repr)
    delta = lake.table(lake.registry_table("population", "citizen"))
    made = [entry for entry in delta.history() if "lienthong.run_id" in entry]
    assert len(made) == len({entry["lienthong.run_id"] for entry in made}) == 1 + writers * commits
    cursors = [json.loads(entry["lienthong.cursor"]) for entry in reversed(made)]
    assert cursors == sorted(cursors)
    assert cursors[-1] == [(START + timedelta(seconds=commits - 1)).isoformat()]
    assert last_commit(lake, PERSON).live_rows == len(expected)
    kinds = pa.table(delta.load_cdf(starting_version=0, columns=["_change_type"]).read_all())["_change_type"]
    kinds = kinds.to_pylist()
    arrived = sum(kind in ("insert", "update_postimage") for kind in kinds)
    assert arrived - (len(kinds) - arrived) == len(expected)
    maintain_table(lake, "registry/population/citizen")
    assert content(lake, PERSON) == sorted(expected, key=repr)


@pytest.mark.slow
def test_writers_at_once_lose_nothing(tmp_path):
    check_nothing_is_lost(write_at_once(tmp_path, 4, 3), 4, 3)


@pytest.mark.slow
@held_by("integration/lake/test_many_writers.py::test_writers_at_once_lose_nothing")
def test_ten_writers_at_once_lose_nothing(tmp_path):
    check_nothing_is_lost(write_at_once(tmp_path, 10, 5), 10, 5)


if __name__ == "__main__":
    wanted = int(sys.argv[1]), int(sys.argv[2])
    end = begin()
    with tempfile.TemporaryDirectory() as home:
        began = time.perf_counter()
        written = write_at_once(Path(home), *wanted)
        seconds = time.perf_counter() - began
        check_nothing_is_lost(written, *wanted)
        print(f"{wanted[0]} writers x {wanted[1]} commits: 0 lost, {seconds:.0f} s")
    end()
