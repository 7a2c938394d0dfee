"""A difference that is not merged: which files are written anew, and how one commit tells it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, TableFeatures

from include.lake import rewrite
from include.lake.commit import commit_with_feed
from include.lake.errors import LakeConflict, LakeSchemaConflict
from include.lake.root import Lake
from include.lake.write import Writing
from tests.unit.lake.staging import PERSON, START, content, run

TABLE = "registry/population/citizen"
ROWS = [(f"k{n}", f"name {n}", n) for n in range(20)]


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})
    run(lake, PERSON, 1, ROWS)
    return lake


def increment(lake, number, rows, **options):
    return run(lake, PERSON, number, rows, mode="incremental", merge_rows=0, **options)


def files(lake) -> list[str]:
    return [Path(uri).name for uri in lake.table(TABLE).file_uris()]


def feed(lake, version) -> list[tuple]:
    changes = pa.table(lake.table(TABLE).load_cdf(starting_version=version, ending_version=version).read_all())
    return sorted((r["_change_type"], r["personal_id"], r["full_name"], r["_warnings"]) for r in changes.to_pylist())


def test_a_file_is_changed_where_its_rows_are(lake):
    (before,) = files(lake)
    commit = increment(lake, 2, [("k3", "Ba", 3), ("k7", "name 7", 70), ("new", "Mới", 1)], gone=[("k5",)])
    assert (commit.updated, commit.inserted, commit.deleted, commit.live_rows) == (2, 1, 1, 20)
    changed = {"k3": ("k3", "Ba", 3), "k7": ("k7", "name 7", 70), "new": ("new", "Mới", 1)}
    expected = {row[0]: row for row in ROWS if row[0] != "k5"} | changed
    assert content(lake, PERSON) == sorted(expected.values(), key=repr)
    assert before not in files(lake)
    assert len(files(lake)) == 2, "the file as it is now, and one for what is new"


def test_the_log_bounds_a_changed_file_as_it_is_now(lake):
    increment(lake, 2, [("k19", "zzz", -5)], gone=[("k0",)])
    (said,) = pa.table(lake.table(TABLE).get_add_actions(flatten=True)).to_pylist()
    assert (said["num_records"], said["min.age"], said["max.age"]) == (19, -5, 18)
    assert (said["min.full_name"], said["max.full_name"], said["null_count.age"]) == ("name 1", "zzz", 0)
    assert (said["min.personal_id"], said["min._run_id"], said["max._run_id"]) == ("k1", "r1", "r2")


def test_a_row_that_its_file_cannot_hold_moves_and_is_still_told_as_an_update(lake):
    """No row of the file has a warning, so the file has no column for one."""
    increment(lake, 2, [("k1", "name 1", 10), ("k2", "name 2", 20)], warned=[1])
    assert feed(lake, 1) == [
        ("update_postimage", "k1", "name 1", None),
        ("update_postimage", "k2", "name 2", ["w1"]),
        ("update_preimage", "k1", "name 1", None),
        ("update_preimage", "k2", "name 2", None),
    ]
    assert len(files(lake)) == 2
    warned = pa.table(lake.table(TABLE).to_pyarrow_table()).to_pylist()
    assert {row["personal_id"]: row["age"] for row in warned if row["_warnings"]} == {"k2": 20}
    assert len(warned) == 20


def test_of_a_file_of_which_much_changes_the_rest_is_written_anew(lake, monkeypatch):
    monkeypatch.setattr(rewrite, "patch", None)
    increment(lake, 2, [(key, "other", age) for key, _, age in ROWS[:6]])
    assert [row[1] for row in content(lake, PERSON)].count("other") == 6
    assert {change for change, *_ in feed(lake, 1)} == {"update_preimage", "update_postimage"}


def test_a_file_whose_rows_all_change_is_not_read(lake, monkeypatch):
    monkeypatch.setattr(rewrite, "patch", None)
    monkeypatch.setattr(rewrite, "published_rows", None)
    increment(lake, 2, [(key, "other", age) for key, _, age in ROWS])
    assert {row[1] for row in content(lake, PERSON)} == {"other"}
    assert len(feed(lake, 1)) == 40


def test_a_version_that_another_has_made_is_a_conflict(lake):
    current = lake.table(TABLE)
    said = CommitProperties(custom_metadata={"lienthong.run_id": "r9"})
    writing = Writing(lake, PERSON, None, None, "r9", START, lambda: said)
    assert commit_with_feed(writing, current, [], [], []) == 1
    with pytest.raises(LakeConflict, match="run this table again"):
        commit_with_feed(writing, lake.table(TABLE, version=0), [], [], [])
    log = Path(lake.path(TABLE)) / "_delta_log" / f"{1:020d}.json"
    assert json.loads(log.read_text())["commitInfo"]["lienthong.run_id"] == "r9"


def test_a_table_that_asks_more_of_its_writers_is_left_alone(lake):
    lake.table(TABLE).alter.add_feature(TableFeatures.DeletionVectors, allow_protocol_versions_increase=True)
    before = content_of_log(lake)
    with pytest.raises(LakeSchemaConflict, match=r"deletionVectors.*restore an earlier version"):
        increment(lake, 2, [("k3", "Ba", 3)])
    assert content_of_log(lake) == before


def content_of_log(lake) -> list[str]:
    return sorted(path.name for path in (Path(lake.path(TABLE)) / "_delta_log").iterdir())


def test_a_long_log_gets_a_checkpoint(lake):
    for version in range(1, 99):
        rewrite.note(lake.table(TABLE), CommitProperties(max_commit_retries=0))
        assert lake.table(TABLE).version() == version
    assert not any("checkpoint" in name for name in content_of_log(lake))
    assert increment(lake, 2, [("k3", "Ba", 3)]).version == 99
    assert f"{99:020d}.checkpoint.parquet" in content_of_log(lake)
    assert increment(lake, 3, [("k3", "Bốn", 3)]).version == 100
    assert ("k3", "Bốn", 3) in content(lake, PERSON)
