"""All or nothing (invariant 3): SIGKILL at any instant, run again, and nobody can tell."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.lake.run_log import log_tables
from include.lake.storage.lake import Lake
from tests.forking import Forked
from tests.integration.lake import publish_worker
from tests.repeats import repeats
from tests.unit.lake.staging import PERSON, stage, staged_paths

ROWS = repeats(20_000, 60_000)
ROUNDS = repeats(2, 4)
KILLS = 2


def open_lake(folder: Path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "scratch")})


def stage_run(lake: Lake, number: int) -> None:
    """Run 1 has every row; run 2 changes a fifth, drops some, adds some, and rejects some of both."""
    ids = range(ROWS) if number == 1 else range(ROWS // 50, ROWS + ROWS // 20)
    names = [f"name {n}" if number == 1 or n % 5 else f"changed {n}" for n in ids]
    rows = pa.table({"personal_id": [f"{n:09d}" for n in ids], "full_name": names, "age": pa.array(ids, pa.int64())})
    staged = staged_paths(lake, PERSON, f"r{number}")
    stage(lake, PERSON, f"r{number}", [], rejected=range(7, len(rows), 31), superseded=range(8, len(rows), 977))
    pq.write_table(rows, staged.extract)
    pq.write_table(rows.append_column("_row", pa.array(range(len(rows)), pa.int64())), staged.conformed)


def start(folder: Path, number: int, merge_rows: int) -> Forked:
    """A worker that has imported everything and waits for the word."""
    worker = Forked(
        f"{publish_worker.__name__}:main", str(folder / "lake"), str(folder / "scratch"), number, merge_rows
    )
    assert worker.stdout.readline() == "ready\n"
    return worker


def complete(folder: Path, number: int, merge_rows: int) -> float:
    """Run to the end; gives the seconds it took."""
    worker = start(folder, number, merge_rows)
    began = time.perf_counter()
    assert (worker.communicate("go\n"), worker.wait()) == ("done\n", 0)
    return time.perf_counter() - began


def kill_after(folder: Path, number: int, merge_rows: int, seconds: float) -> None:
    worker = start(folder, number, merge_rows)
    worker.stdin.write("go\n")
    worker.stdin.flush()
    time.sleep(seconds)
    worker.kill()


def rows(lake: Lake, uri: str, *names: str) -> pa.Table:
    found = lake.table(uri).to_pyarrow_table().select(list(names))
    return found.sort_by([(name, "ascending") for name in names[:2]])


def published(lake: Lake) -> pa.Table:
    uri = lake.registry_table("population", "citizen")
    return rows(lake, uri, "personal_id", "full_name", "age", "_run_id")


def rejected(lake: Lake) -> pa.Table:
    return rows(lake, lake.rejected_table("population", "citizen"), "_run_id", "_row", "_status", "personal_id", "_key")


@pytest.mark.slow
@pytest.mark.parametrize("merge_rows", [400_000, 0], ids=["merged", "moved"])
def test_a_run_killed_at_any_instant_leaves_no_trace_once_it_is_repeated(tmp_path, merge_rows):
    base, calm = tmp_path / "base", tmp_path / "calm"
    stage_run(open_lake(base), 1)
    complete(base, 1, merge_rows)
    stage_run(open_lake(base), 2)
    before = published(open_lake(base))
    shutil.copytree(base, calm)
    seconds = complete(calm, 2, merge_rows)
    after, kept = published(open_lake(calm)), rejected(open_lake(calm))
    assert after != before

    chance = random.Random(20260101)
    halfway = 0
    for number in range(ROUNDS):
        folder = tmp_path / f"round{number}"
        shutil.copytree(base, folder)
        lake = open_lake(folder)
        for _ in range(KILLS):
            kill_after(folder, 2, merge_rows, chance.uniform(0, seconds))
            seen = published(lake)
            assert seen in (before, after), "a reader saw half a run"
            halfway += seen == before
        complete(folder, 2, merge_rows)
        assert published(lake) == after
        assert rejected(lake) == kept
        assert replayed(lake) == after.num_rows
        runs = log_tables.read(lake, "runs")["run_id"].to_pylist()
        assert sorted(runs) == ["r1", "r2"]
        shutil.rmtree(folder)
    assert halfway > 0, "no kill came before the commit: nothing was tested"


def replayed(lake: Lake) -> int:
    """Number of keys that somebody knows who only follows the change feed."""
    table = lake.table(lake.registry_table("population", "citizen"))
    feed = pa.table(table.load_cdf(starting_version=0, columns=["personal_id", "_change_type"]).read_all())
    kinds = feed["_change_type"].to_pylist()
    return sum(k in ("insert", "update_postimage") for k in kinds) - sum(
        k in ("delete", "update_preimage") for k in kinds
    )


@pytest.mark.slow
def test_a_first_run_killed_at_any_instant(tmp_path):
    base, calm = tmp_path / "base", tmp_path / "calm"
    stage_run(open_lake(base), 1)
    shutil.copytree(base, calm)
    seconds = complete(calm, 1, 0)
    after = published(open_lake(calm))
    chance = random.Random(7)
    for number in range(repeats(2, 3)):
        folder = tmp_path / f"round{number}"
        shutil.copytree(base, folder)
        lake = open_lake(folder)
        kill_after(folder, 1, 0, chance.uniform(0, seconds))
        if lake.is_table("registry", "population", "citizen"):
            assert published(lake) == after
        complete(folder, 1, 0)
        assert published(lake) == after
        assert rejected(lake) == rejected(open_lake(calm))
