"""A folder that refuses, a disk that is full, a scratch folder that is full: a clear error, and nothing half done."""

from __future__ import annotations

import pyarrow as pa
import pytest

from include.lake.storage.errors import LakeUnreachable
from include.lake.storage.lake import Lake
from tests import forking
from tests.integration.lake import faulty_worker
from tests.repeats import held_by
from tests.unit.lake.staging import PERSON, content, run, stage, staged_paths

pytestmark = pytest.mark.slow
NAME = "Nguyễn Thị Bí Mật"
STEPS = ["publish", "move", "rejected", "evidence", "note"]
ROWS = [(f"k{n:06d}", f"{NAME} {n * 7919 % 1000003}", n) for n in range(20_000)]


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def stage_many(lake: Lake, run_id: str) -> None:
    """As `stage`, but quick for many rows."""
    import pyarrow.parquet as pq

    staged = staged_paths(lake, PERSON, run_id)
    stage(lake, PERSON, run_id, [], rejected=range(0, len(ROWS), 2))
    columns = {c.name: [row[i] for row in ROWS] for i, c in enumerate(PERSON.columns)}
    pq.write_table(pa.table(columns), staged.extract)
    pq.write_table(pa.table({**columns, "_row": list(range(len(ROWS)))}), staged.conformed)


def attempt(lake: Lake, step: str, fault: str) -> str:
    """Do steps of run r2 in a process that suffers the fault; gives what it printed: each error's class and text."""
    done = forking.run(f"{faulty_worker.__name__}:main", lake.uri, str(lake.scratch), step, fault)
    assert NAME not in done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("step", STEPS)
def test_a_full_disk(lake, step):
    run(lake, PERSON, 1, [("a", "An", 1)])
    stage_many(lake, "r2")
    before = content(lake, PERSON)
    assert attempt(lake, step, "full").startswith("LakeFull: while ")
    assert content(lake, PERSON) == before
    faulty_worker.act(step, lake)


def test_folders_that_must_not_be_written(lake):
    """Every step in one process: none of them leaves anything, and each can be done later."""
    run(lake, PERSON, 1, [("a", "An", 1)])
    stage_many(lake, "r2")
    before = content(lake, PERSON)
    told = attempt(lake, " ".join(STEPS), "denied").splitlines()
    assert [line.split(" while ")[0] for line in told if line.startswith(("Lake", "done"))] == ["LakeDenied:"] * 5
    assert content(lake, PERSON) == before
    for step in STEPS:
        faulty_worker.act(step, lake)
    assert content(lake, PERSON) != before


@held_by("integration/lake/test_faults.py::test_folders_that_must_not_be_written")
@pytest.mark.parametrize("step", STEPS)
def test_a_folder_that_must_not_be_written(lake, step):
    run(lake, PERSON, 1, [("a", "An", 1)])
    stage_many(lake, "r2")
    before = content(lake, PERSON)
    assert attempt(lake, step, "denied").startswith("LakeDenied: while ")
    assert content(lake, PERSON) == before
    faulty_worker.act(step, lake)


def test_a_lake_below_a_file(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    lake = Lake.from_environment({"LAKE_URI": str(tmp_path / "file" / "lake"), "LIENTHONG_TMP": str(tmp_path / "s")})
    with pytest.raises(LakeUnreachable, match="check LAKE_URI"):
        lake.write_text(lake.path("x"), "x")
