"""Maintenance makes the lake smaller and faster, and changes nothing that anybody reads."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from include.lake.delta import maintenance
from include.lake.delta.commit_metadata import last_commit
from include.lake.delta.maintenance import (
    Expired,
    clear_scratch,
    expire_landing,
    expire_staging,
    find_tables,
    maintain_table,
)
from include.lake.publishing import publication
from include.lake.run_log import log_tables
from include.lake.run_log.run_row import RunRow
from include.lake.storage.lake import Lake
from tests.repeats import held_by
from tests.unit.lake.staging import PERSON, content, run

ROWS = [(f"k{n}", f"name {n}", n) for n in range(20)]
TABLE = "registry/population/citizen"


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def files(lake: Lake) -> set[Path]:
    return {path for path in Path(lake.path(TABLE)).rglob("*.parquet") if "_delta_log" not in path.parts}


def test_all_tables_of_the_lake_are_found(lake):
    run(lake, PERSON, 1, ROWS)
    log_tables.append_run(
        lake, RunRow.from_dict({"run_id": "r1", "registry": "population", "table": "citizen", "verdict": "held"})
    )
    assert find_tables(lake) == ["audit/runs", TABLE]


def test_old_files_go_and_the_content_stays(lake):
    run(lake, PERSON, 1, ROWS)
    for number in range(2, 8):
        changed = [(key, f"{name} {number}" if n < number else name, n) for key, name, n in ROWS]
        run(lake, PERSON, number, changed, merge_rows=0 if number % 2 else 400_000)
    orphan = Path(lake.path(TABLE)) / "part-of-a-killed-run.parquet"
    orphan.write_bytes(b"half")
    before, state = content(lake, PERSON), last_commit(lake, PERSON)
    figures = maintain_table(lake, TABLE, retention=timedelta(0))
    assert figures.files_vacuumed > 6
    assert figures.table == TABLE
    assert not orphan.exists()
    assert content(lake, PERSON) == before
    assert last_commit(lake, PERSON) == state, "the run's state is found behind the maintenance commits"
    live = {Path(uri) for uri in lake.table(lake.path(TABLE)).file_uris()}
    assert files(lake) == live
    assert run(lake, PERSON, 9, ROWS).updated == 7


def days_ago(days: float) -> float:
    return (datetime.now(UTC) - timedelta(days=days)).timestamp()


def aged(lake: Lake, days: float) -> None:
    """Make every data file of the table look as old as that."""
    for path in files(lake):
        os.utime(path, (days_ago(days), days_ago(days)))


@pytest.mark.parametrize("removed_days_ago", [29, 31])
def test_what_a_reader_of_the_last_30_days_needs_stays(lake, monkeypatch, removed_days_ago):
    """Even behind a checkpoint, which forgets removed files, and though the files themselves are older."""
    run(lake, PERSON, 1, ROWS)
    for module in ("delta.data_files", "upsert.cdf_commit"):
        monkeypatch.setattr(f"include.lake.{module}.now", lambda: int(days_ago(removed_days_ago) * 1000))
    run(lake, PERSON, 2, ROWS[:10], merge_rows=0)
    lake.table(lake.path(TABLE)).create_checkpoint()
    aged(lake, 400)
    maintain_table(lake, TABLE)
    old = lake.table(lake.path(TABLE), version=0)
    if removed_days_ago < 30:
        assert old.to_pyarrow_table().num_rows == 20
    assert all(Path(uri).exists() for uri in old.file_uris()) == (removed_days_ago < 30)
    assert len(content(lake, PERSON)) == 10


def test_files_that_a_run_is_writing_stay(lake):
    run(lake, PERSON, 1, ROWS)
    fresh = Path(lake.path(TABLE)) / "part-of-a-run-under-way.parquet"
    fresh.write_bytes(b"half")
    maintain_table(lake, TABLE)
    assert fresh.exists()


def test_the_change_feed_is_kept_as_long_as_the_versions(lake):
    run(lake, PERSON, 1, ROWS)
    run(lake, PERSON, 2, [("k0", "other", 0), *ROWS[1:]])
    (change,) = (Path(lake.path(TABLE)) / "_change_data").iterdir()
    for days, stays in ((29, True), (31, False)):
        os.utime(change, (days_ago(days), days_ago(days)))
        maintain_table(lake, TABLE)
        assert change.exists() == stays


def small_runs(lake: Lake, number: int) -> int:
    """How many files so many runs leave."""
    run(lake, PERSON, 0, [])
    for n in range(1, number + 1):
        run(lake, PERSON, n, [(f"k{n}", "x", n)], mode="incremental")
    assert len(content(lake, PERSON)) == number
    return len(lake.table(lake.path(TABLE)).file_uris())


def test_small_runs_leave_fewer_files_than_are_many(lake, monkeypatch):
    assert publication._MANY_FILES == 48
    monkeypatch.setattr(publication, "_MANY_FILES", 4)
    assert small_runs(lake, 6) < 4


@held_by("unit/lake/test_maintain.py::test_small_runs_leave_fewer_files_than_are_many")
def test_many_small_runs_leave_few_files(lake):
    assert small_runs(lake, 60) < 48


def test_small_files_are_joined(lake):
    for number in range(1, 6):
        run(lake, PERSON, number, ROWS[: number * 3])
    figures = maintain_table(lake, TABLE)
    assert figures.files_after <= figures.files_before
    table_feed = pa.table(lake.table(lake.path(TABLE)).load_cdf(starting_version=0).read_all())
    assert table_feed.num_rows == 15, "joining files is no change of data"


def test_a_small_file_with_as_many_rows_as_a_file_should_hold_stays(lake, monkeypatch):
    for number in range(1, 6):
        run(lake, PERSON, number, [(f"k{number}-{n}", "x", n) for n in range(10)], mode="incremental")
    before = files(lake)
    monkeypatch.setattr(maintenance, "FILE_ROWS", 20)
    maintain_table(lake, TABLE)
    assert files(lake) == before
    monkeypatch.setattr(maintenance, "FILE_ROWS", 30)
    assert maintain_table(lake, TABLE).files_after == 1


def test_nothing_to_do_leaves_no_trace(lake):
    run(lake, PERSON, 1, ROWS)
    figures = maintain_table(lake, TABLE)
    assert (figures.version, figures.files_vacuumed) == (0, 0)


def test_what_was_landed_expires(lake):
    for run_id in ("old", "new"):
        folder = lake.landing_path("population", "citizen", run_id)
        lake.write_text(f"{folder}/extract.parquet", "12345")
    aged = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    os.utime(lake.landing_path("population", "citizen", "old") + "/extract.parquet", (aged, aged))
    at = datetime.now(UTC)
    assert expire_landing(lake, "population", at=at, retention=timedelta(days=36500)) == Expired()
    retention = at - datetime(2026, 2, 1, tzinfo=UTC)
    assert expire_landing(lake, "population", at=at, retention=retention) == Expired(1, 5)
    assert [uri.rpartition("=")[2] for uri in lake.list(lake.path("landing/population/citizen"))] == ["new"]
    assert expire_landing(lake, "nobody", at=at, retention=retention) == Expired()


def test_work_folders_of_killed_runs_expire(lake):
    lake.write_text(lake.staging_path("population", "citizen", "r1") + "/conformed.parquet", "x")
    at = datetime.now(UTC)
    assert expire_staging(lake, at=at) == Expired()
    assert expire_staging(lake, at=at + timedelta(days=8)) == Expired(1, 1)


@pytest.mark.parametrize("kind", ["duckdb", "drop"])
def test_folders_of_processes_that_are_gone_are_cleared_from_scratch(lake, kind):
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    (lake.scratch / f"{kind}-{int(gone.stdout)}-abc").mkdir(parents=True)
    mine = lake.scratch / f"{kind}-{os.getpid()}-abc"
    mine.mkdir()
    assert clear_scratch(lake) == 1
    assert list(lake.scratch.iterdir()) == [mine]
