"""What each mode of a run does to the rows it was not given, and what becomes of the table's state."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from include.contracts.model import ExtractPolicy
from include.lake.delta.commit_metadata import greater_cursor, last_commit
from include.lake.publishing.publication import publish
from include.lake.storage.errors import LakeOutdated
from include.lake.storage.lake import Lake
from include.lake.upsert.change_set import preview
from tests.unit.lake.staging import PERSON, START, column, content, contract_table, gone_keys, run, stage

WAYS = pytest.mark.parametrize("merge_rows", [400_000, 0], ids=["merged", "moved"])
AN, BINH, CHI = ("a", "An", 1), ("b", "Bình", 2), ("c", "Chi", 3)
# By its age a person's row is newer or older.
BY_AGE = replace(PERSON, extract=ExtractPolicy(cursor=("age",)))
SOFT = replace(PERSON, extract=ExtractPolicy(deletes="soft", deleted_when="age < 0"))


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def said(lake: Lake, name: str) -> str:
    return last_commit(lake, PERSON).metadata.get(name, "")


def at(hour: int, **more: str) -> dict[str, str]:
    """What a run says that read the source at that hour, by its own clock."""
    return {"snapshot_at": (START + timedelta(hours=hour)).isoformat(), "table_digest": "t", **more}


def feed(lake: Lake, version: int) -> list[tuple]:
    delta = lake.table(lake.registry_table("population", "citizen"))
    changes = pa.table(delta.load_cdf(starting_version=version, ending_version=version).read_all())
    return sorted((r["_change_type"], r["personal_id"], r["full_name"]) for r in changes.to_pylist())


# Rows


@WAYS
def test_an_incremental_run_deletes_the_keys_that_are_gone_and_no_other(lake, merge_rows):
    run(lake, PERSON, 1, [AN, BINH, CHI])
    commit = run(
        lake, PERSON, 2, [("b", "Bính", 2)], mode="incremental", gone=[("c",), ("never",)], merge_rows=merge_rows
    )
    assert (commit.inserted, commit.updated, commit.deleted, commit.live_rows) == (0, 1, 1, 2)
    assert content(lake, PERSON) == [AN, ("b", "Bính", 2)]
    assert ("delete", "c", "Chi") in feed(lake, commit.version), "the change feed keeps the last values"


@WAYS
def test_a_key_that_was_received_is_not_gone(lake, merge_rows):
    run(lake, PERSON, 1, [AN, BINH])
    rows = [("a", "Ân", 1), ("b", "B?", None)]
    commit = run(lake, PERSON, 2, rows, mode="incremental", gone=[("a",), ("b",)], rejected=[1], merge_rows=merge_rows)
    assert (commit.updated, commit.deleted, commit.retained) == (1, 0, 1)
    assert content(lake, PERSON) == [("a", "Ân", 1), BINH]


@WAYS
@pytest.mark.parametrize("mode", ["backfill", "replay"])
def test_a_backfill_and_a_replay_delete_nothing_and_never_go_back(lake, mode, merge_rows):
    run(lake, BY_AGE, 1, [AN, ("b", "Bình", 7)])
    rows = [("b", "Bình of old", 2), ("c", "Chi", 3), ("a", "Ân", 1)]
    commit = run(lake, BY_AGE, 2, rows, mode=mode, merge_rows=merge_rows)
    assert (commit.inserted, commit.updated, commit.deleted, commit.live_rows) == (1, 1, 0, 3)
    assert content(lake, BY_AGE) == [("a", "Ân", 1), ("b", "Bình", 7), CHI]


@WAYS
@pytest.mark.parametrize("mode", ["full", "incremental", "backfill", "replay"])
def test_rows_that_the_source_calls_deleted_leave_and_never_come(lake, mode, merge_rows):
    run(lake, SOFT, 1, [AN, BINH, ("x", "Xuân", -1)])
    assert content(lake, SOFT) == [AN, BINH]
    rows = [AN, ("b", "Bình", -1), ("d", "Dũng", -1)]
    commit = run(lake, SOFT, 2, rows, mode=mode, merge_rows=merge_rows)
    assert (commit.inserted, commit.updated, commit.deleted, commit.live_rows) == (0, 0, 1, 1)
    assert content(lake, SOFT) == [AN]
    assert ("delete", "b", "Bình") in feed(lake, commit.version)


def test_a_rejected_row_does_not_keep_what_the_source_calls_deleted(lake):
    run(lake, SOFT, 1, [AN, BINH])
    for number, mode in enumerate(("full", "incremental"), start=2):
        commit = run(lake, SOFT, number, [AN, ("b", "Bình", -1), ("b", "B?", None)], rejected=[2], mode=mode)
        assert (commit.deleted, commit.retained) == (3 - number, 0)
    assert content(lake, SOFT) == [AN]


def test_a_replay_adds_to_a_table_without_a_key(lake):
    table = contract_table(column("v"), name="keyless")
    run(lake, table, 1, [("x",), ("y",)])
    commit = run(lake, table, 2, [("x",)], mode="replay")
    assert (commit.inserted, commit.deleted, commit.live_rows) == (1, 0, 3)
    assert content(lake, table) == [("x",), ("x",), ("y",)]


def test_preview_counts_what_an_increment_would_do(lake):
    run(lake, PERSON, 1, [AN, BINH, CHI])
    staged = stage(lake, PERSON, "r2", [("b", "Bính", 2), ("d", "Dũng", 4)])
    changes = preview(lake, PERSON, staged, mode="incremental", gone=gone_keys(lake, PERSON, "r2", [("a",)]))
    assert (changes.inserted, changes.updated, changes.deleted) == (1, 1, 1)
    assert (changes.live_before, changes.live_after) == (3, 3)


# State


def test_an_incremental_run_never_takes_the_cursor_back(lake):
    run(lake, PERSON, 1, [AN], metadata={"cursor": '["2026-01-10T00:00:00"]'})
    run(lake, PERSON, 2, [AN], mode="incremental", metadata={"cursor": '["2026-01-09T00:00:00"]'})
    assert said(lake, "cursor") == '["2026-01-10T00:00:00"]'
    run(lake, PERSON, 3, [AN], mode="incremental", metadata={"cursor": ""})
    assert said(lake, "cursor") == '["2026-01-10T00:00:00"]'
    run(lake, PERSON, 4, [AN], mode="incremental", metadata={"cursor": '["2026-01-11T00:00:00"]'})
    assert said(lake, "cursor") == '["2026-01-11T00:00:00"]'
    run(lake, PERSON, 5, [AN], metadata={"cursor": '["2026-01-05T00:00:00"]'})
    assert said(lake, "cursor") == '["2026-01-05T00:00:00"]', "a full run read everything: its cursor stands"


@pytest.mark.parametrize(
    ("one", "other", "greater"),
    [
        (["9"], ["10"], ["10"]),
        (["2026-01-01 00:00:00"], ["2026-01-01T00:00:00.5"], ["2026-01-01T00:00:00.5"]),
        (["2026-01-01T07:00:00+07:00"], ["2026-01-01T00:00:01Z"], ["2026-01-01T00:00:01Z"]),
        (["2026-01-01", "9"], ["2026-01-01", "10"], ["2026-01-01", "10"]),
        ([None, "9"], ["2026-01-01", "1"], ["2026-01-01", "1"]),
        (["b"], ["a"], ["b"]),
    ],
)
def test_cursors_compare_as_what_they_are(one, other, greater):
    texts = json.dumps(one), json.dumps(other)
    assert greater_cursor(*texts) == greater_cursor(*reversed(texts)) == json.dumps(greater)


@pytest.mark.parametrize("mode", ["backfill", "replay"])
def test_what_is_known_of_the_source_outlives_runs_that_do_not_follow_it(lake, mode):
    known = at(1, cursor='["5"]', extract_digest="d", source_columns="[]")
    run(lake, PERSON, 1, [AN], metadata=known)
    run(lake, PERSON, 2, [BINH], mode=mode, metadata=at(9, cursor='["9"]', extract_digest="x", source_columns="[1]"))
    assert {name: said(lake, name) for name in known} == known
    assert said(lake, "mode") == mode


@pytest.mark.parametrize("clock", [2, -9_600, 9_600])
def test_a_run_that_another_overtook_has_nothing_to_add_whatever_its_clock_says(lake, clock):
    run(lake, PERSON, 1, [AN], metadata=at(1, began_upon=""))
    run(lake, PERSON, 2, [BINH], mode="incremental", metadata=at(3, began_upon="r1"))
    late = run(lake, PERSON, 3, [("a", "of old", 1)], metadata=at(clock, began_upon="r1"))
    assert (late.is_new, late.overtaken_by, late.live_rows, late.version) == (False, "r2", 2, 1)
    assert content(lake, PERSON) == [AN, BINH]
    otherwise = at(clock, began_upon="r1", table_digest="other")
    assert run(lake, PERSON, 4, [AN], metadata=otherwise).is_new, "it means otherwise"
    assert run(lake, PERSON, 5, [AN], mode="replay", metadata=at(0)).is_new


# Older tests had one clock, which never ran backwards: the order of instants was that of the commits.
@pytest.mark.parametrize("clock", [-9_600, 9_600])
def test_the_next_run_publishes_what_is_new_whatever_the_clock_of_the_last_one_said(lake, clock):
    run(lake, PERSON, 1, [AN], metadata=at(clock, began_upon=""))
    assert run(lake, PERSON, 2, [BINH], mode="incremental", metadata=at(1, began_upon="r1")).is_new
    assert run(lake, PERSON, 3, [CHI], mode="replay", metadata=at(clock)).is_new
    assert said(lake, "read_by") == "r2", "a replay reads no source"
    assert run(lake, PERSON, 4, [AN], metadata=at(-clock, began_upon="r2")).is_new


def test_a_run_that_builds_on_a_cursor_that_was_taken_back_is_refused(lake):
    run(lake, PERSON, 1, [AN], metadata={"cursor": '["5"]'})
    follow = {"cursor": '["9"]', "since": '["7"]'}
    with pytest.raises(LakeOutdated, match="run this table again"):
        run(lake, PERSON, 2, [BINH], mode="incremental", metadata=follow)
    assert content(lake, PERSON) == [AN]
    assert run(lake, PERSON, 3, [BINH], mode="incremental", metadata={**follow, "since": '["5"]'}).inserted == 1


# Misuse


def test_modes_that_a_table_cannot_take_are_refused(lake):
    table = contract_table(column("v"), name="keyless")
    staged = stage(lake, table, "r1", [])
    for mode in ("incremental", "backfill"):
        with pytest.raises(ValueError, match="no primary key"):
            publish(lake, table, run_id="r1", at=datetime(2026, 1, 1), staged=staged, metadata={}, mode=mode)
    with pytest.raises(ValueError, match="deletes no keys by name"):
        run(lake, PERSON, 1, [AN], gone=[("a",)])
