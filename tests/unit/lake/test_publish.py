"""What a run does to a published table. `a`, `b`, `c`... are keys; a table goes in, a table comes out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from include.lake.delta.commit_metadata import last_commit
from include.lake.publishing import publication
from include.lake.publishing.publication import publish
from include.lake.storage.errors import LakeKeyBroken
from include.lake.storage.lake import Lake
from include.lake.upsert.change_set import preview
from tests.repeats import held_by
from tests.unit.lake.staging import PERSON, START, column, content, contract_table, run, stage

WAYS = pytest.mark.parametrize("merge_rows", [400_000, 0], ids=["merged", "moved"])
AN, BINH, CHI = ("a", "An", 1), ("b", "Bình", 2), ("c", "Chi", 3)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def published(lake: Lake, table=PERSON):
    return lake.table(lake.registry_table(table.registry, table.name))


def rows(lake: Lake, table=PERSON) -> dict[str, dict]:
    found = pa.table(published(lake, table).to_pyarrow_table()).to_pylist()
    return {row["personal_id"]: row for row in found}


def feed(lake: Lake, version: int) -> list[tuple]:
    """The change feed of one version: (what, key, name)."""
    changes = pa.table(published(lake).load_cdf(starting_version=version, ending_version=version).read_all())
    return sorted((r["_change_type"], r["personal_id"], r["full_name"]) for r in changes.to_pylist())


def test_the_first_run_makes_the_table_in_one_commit(lake):
    commit = run(lake, PERSON, 1, [AN, BINH, CHI], rejected=[2], warned=[1])
    assert (commit.version, commit.inserted, commit.live_rows, commit.is_new) == (0, 2, 2, True)
    assert content(lake, PERSON) == [AN, BINH]
    assert rows(lake)["a"] == {
        "personal_id": "a",
        "full_name": "An",
        "age": 1,
        "_run_id": "r1",
        "_warnings": None,
    }
    assert rows(lake)["b"]["_warnings"] == ["w1"]
    entry = published(lake).history()[0]
    assert entry["lienthong.run_id"] == "r1"
    assert entry["lienthong.extract_digest"] == "d1"
    assert published(lake).metadata().configuration["delta.enableChangeDataFeed"] == "true"


@WAYS
def test_only_what_changed_is_written(lake, merge_rows):
    run(lake, PERSON, 1, [AN, BINH, CHI])
    commit = run(lake, PERSON, 2, [AN, ("b", "Bính", 2), ("d", "Dũng", 4)], merge_rows=merge_rows)
    assert (commit.inserted, commit.updated, commit.deleted, commit.live_rows) == (1, 1, 1, 3)
    found = rows(lake)
    assert {key: row["_run_id"] for key, row in found.items()} == {"a": "r1", "b": "r2", "d": "r2"}
    assert content(lake, PERSON) == [AN, ("b", "Bính", 2), ("d", "Dũng", 4)]


def test_the_change_feed_of_a_merge_tells_before_and_after(lake):
    run(lake, PERSON, 1, [AN, BINH, CHI])
    commit = run(lake, PERSON, 2, [AN, ("b", "Bính", 2), ("d", "Dũng", 4)])
    assert feed(lake, commit.version) == [
        ("delete", "c", "Chi"),
        ("insert", "d", "Dũng"),
        ("update_postimage", "b", "Bính"),
        ("update_preimage", "b", "Bình"),
    ]


def test_the_change_feed_of_a_large_difference_is_told_by_the_same_commit(lake):
    run(lake, PERSON, 1, [AN, BINH, CHI])
    commit = run(lake, PERSON, 2, [AN, ("b", "Bính", 2), ("d", "Dũng", 4)], merge_rows=0)
    assert commit.version == 1
    assert feed(lake, 1) == [
        ("delete", "c", "Chi"),
        ("insert", "d", "Dũng"),
        ("update_postimage", "b", "Bính"),
        ("update_preimage", "b", "Bình"),
    ]
    assert last_commit(lake, PERSON).version == 1


@WAYS
def test_a_key_whose_new_row_is_rejected_keeps_its_last_accepted_version(lake, merge_rows):
    run(lake, PERSON, 1, [AN, BINH, CHI])
    commit = run(lake, PERSON, 2, [AN, ("b", "B?", None)], rejected=[1], merge_rows=merge_rows)
    assert (commit.updated, commit.deleted, commit.retained, commit.live_rows) == (0, 1, 1, 2)
    assert content(lake, PERSON) == [AN, BINH]
    assert rows(lake)["b"]["_run_id"] == "r1"


@WAYS
def test_a_superseded_row_does_not_keep_its_key_from_changing(lake, merge_rows):
    run(lake, PERSON, 1, [AN])
    commit = run(lake, PERSON, 2, [("a", "old", 1), ("a", "new", 1)], superseded=[0], merge_rows=merge_rows)
    assert (commit.updated, commit.retained) == (1, 0)
    assert content(lake, PERSON) == [("a", "new", 1)]


@WAYS
def test_a_row_that_comes_back_is_new(lake, merge_rows):
    run(lake, PERSON, 1, [AN, BINH])
    run(lake, PERSON, 2, [AN], merge_rows=merge_rows)
    assert content(lake, PERSON) == [AN]
    commit = run(lake, PERSON, 3, [AN, BINH], merge_rows=merge_rows)
    assert (commit.inserted, commit.updated, commit.live_rows) == (1, 0, 2)
    assert content(lake, PERSON) == [AN, BINH]


def test_a_warning_that_goes_away_is_a_change(lake):
    run(lake, PERSON, 1, [AN, BINH], warned=[0])
    commit = run(lake, PERSON, 2, [AN, BINH], warned=[1])
    assert commit.updated == 2
    assert [rows(lake)[key]["_warnings"] for key in "ab"] == [None, ["w1"]]


def test_a_run_that_changes_nothing_is_noted_without_touching_the_data(lake):
    run(lake, PERSON, 1, [AN, BINH])
    files = published(lake).file_uris()
    commit = run(lake, PERSON, 2, [BINH, AN])
    assert commit.version == 1
    assert published(lake).file_uris() == files
    assert feed(lake, 1) == []
    state = last_commit(lake, PERSON)
    assert (state.run_id, state.version, state.live_rows) == ("r2", 1, 2)
    assert state.metadata["extract_digest"] == "d2"


@WAYS
def test_a_run_commits_once(lake, merge_rows):
    run(lake, PERSON, 1, [AN, BINH])
    first = run(lake, PERSON, 2, [AN, ("b", "Bính", 2)], merge_rows=merge_rows)
    version = published(lake).version()
    again = run(lake, PERSON, 2, [AN], merge_rows=merge_rows)
    assert (first.is_new, again.is_new) == (True, False)
    assert (again.version, again.updated, again.live_rows) == (first.version, 1, 2)
    assert published(lake).version() == version
    assert content(lake, PERSON) == [AN, ("b", "Bính", 2)]


def test_an_empty_extract_makes_an_empty_table_and_can_grow(lake):
    assert run(lake, PERSON, 1, []).live_rows == 0
    assert content(lake, PERSON) == []
    assert run(lake, PERSON, 2, [AN], merge_rows=0).inserted == 1
    assert run(lake, PERSON, 3, []).deleted == 1
    assert content(lake, PERSON) == []


def test_an_incremental_run_leaves_the_keys_it_does_not_hold(lake):
    run(lake, PERSON, 1, [AN, BINH, CHI])
    staged = stage(lake, PERSON, "r2", [("b", "Bính", 2), ("c", None, 3), ("d", "Dũng", 4)], rejected=[1])
    commit = publish(lake, PERSON, run_id="r2", at=START, staged=staged, metadata={}, mode="incremental")
    assert (commit.inserted, commit.updated, commit.deleted, commit.retained, commit.live_rows) == (1, 1, 0, 1, 4)
    assert content(lake, PERSON) == [AN, ("b", "Bính", 2), CHI, ("d", "Dũng", 4)]


def test_a_key_of_several_columns(lake):
    table = contract_table(column("b", "DATE", key=2), column("a", "BIGINT", key=1), column("v"), name="pairs")
    day, other = date(2026, 1, 1), date(2026, 1, 2)
    run(lake, table, 1, [(day, 1, "x"), (other, 1, "y")])
    commit = run(lake, table, 2, [(day, 1, "x"), (other, 2, "y")])
    assert (commit.inserted, commit.updated, commit.deleted) == (1, 0, 1)


def test_types_arrive_as_the_contract_says(lake):
    table = contract_table(
        column("k", "BIGINT", key=1),
        column("amount", "DECIMAL(18,2)"),
        column("day", "DATE"),
        column("instant", "TIMESTAMPTZ"),
        column("local", "TIMESTAMP"),
        column("yes", "BOOLEAN"),
        column("small", "SMALLINT"),
        name="typed",
    )
    instant, local = datetime(2026, 1, 1, 7, tzinfo=UTC), datetime(2026, 1, 1, 14)
    row = (1, Decimal("1234.50"), date(2026, 1, 1), instant, local, True, 7)
    run(lake, table, 1, [row, (2, None, None, None, None, None, None)])
    for merge_rows in (400_000, 0):
        run(lake, table, 2 + merge_rows, [row, (2, *row[1:])], merge_rows=merge_rows)
        assert content(lake, table) == [row, (2, *row[1:])]
    kinds = {f.name: str(getattr(f.type, "type", f.type)) for f in published(lake, table).schema().fields}
    assert kinds == {
        "k": "long",
        "amount": "decimal(18,2)",
        "day": "date",
        "instant": "timestamp",
        "local": "timestamp_ntz",
        "yes": "boolean",
        "small": "short",
        "_run_id": "string",
        "_warnings": kinds["_warnings"],
    }


def test_names_are_quoted_and_comments_travel(lake):
    table = contract_table(
        column('ke"y', key=1),
        column("select", description="Chosen."),
        column("run_id"),
        column("Tên đầy đủ"),
        name="odd",
    )
    run(lake, table, 1, [("a", "1", "x", "An")])
    run(lake, table, 2, [("a", "2", "x", "An"), ("b", "3", "y", None)])
    run(lake, table, 3, [("a", "2", "x", "Ân"), ("b", "4", "y", None)], merge_rows=0)
    assert content(lake, table) == [("a", "2", "x", "Ân"), ("b", "4", "y", None)]
    comments = {f.name: f.metadata.get("comment") for f in published(lake, table).schema().fields}
    assert comments["select"] == "Chosen."


def test_preview_counts_without_touching_the_table(lake):
    staged = stage(lake, PERSON, "r1", [AN, BINH])
    assert preview(lake, PERSON, staged).inserted == 2
    assert not lake.is_table(lake.registry_table("population", "citizen"))
    run(lake, PERSON, 1, [AN, BINH])
    staged = stage(lake, PERSON, "r2", [("a", "Ân", 1), ("c", "Chi", 3), ("b", "", 0)], rejected=[2])
    changes = preview(lake, PERSON, staged)
    assert (changes.inserted, changes.updated, changes.deleted, changes.retained) == (1, 1, 0, 1)
    assert (changes.live_before, changes.live_after) == (2, 3)
    assert published(lake).version() == 0


def test_a_difference_is_found_anew_when_table_or_staged_rows_changed(lake):
    run(lake, PERSON, 1, [AN])
    staged = stage(lake, PERSON, "r2", [AN, BINH])
    assert preview(lake, PERSON, staged).inserted == 1
    run(lake, PERSON, 3, [AN, BINH])
    assert preview(lake, PERSON, staged).inserted == 0
    staged = stage(lake, PERSON, "r2", [AN, BINH, CHI])
    assert preview(lake, PERSON, staged).inserted == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "megabytes", [6, pytest.param(42, marks=held_by("unit/lake/test_publish.py::test_cells_of_40_megabytes"))]
)
def test_cells_of_40_megabytes(lake, megabytes):
    huge = "Ừ" * (megabytes * 1024**2 // 3)
    run(lake, PERSON, 1, [AN, ("b", huge, 2)])
    assert run(lake, PERSON, 2, [AN, ("b", huge, 2)]).updated == 0
    assert run(lake, PERSON, 3, [AN, ("b", huge + "!", 2)]).updated == 1
    assert run(lake, PERSON, 4, [AN, ("b", huge, 2)], merge_rows=0).updated == 1
    assert rows(lake)["b"]["full_name"] == huge


# Keys


@pytest.mark.parametrize("bad", [[AN, AN], [AN, (None, "x", 1)]], ids=["same key twice", "no key"])
def test_accepted_rows_that_break_the_key_are_not_published(lake, bad):
    with pytest.raises(LakeKeyBroken, match="nothing was published") as caught:
        run(lake, PERSON, 1, bad)
    assert "An" not in str(caught.value)
    assert not lake.is_table("registry", "population", "citizen")


# Without a key


def test_a_table_without_a_key_is_replaced_as_a_whole(lake):
    table = contract_table(column("v"), name="keyless")
    run(lake, table, 1, [("x",), ("x",), ("y",)])
    same = run(lake, table, 2, [("y",), ("x",), ("x",)])
    assert (same.inserted, same.live_rows) == (0, 3)
    commit = run(lake, table, 3, [("x",), ("z",), ("z",)])
    assert (commit.inserted, commit.deleted, commit.live_rows) == (3, 3, 3)
    assert content(lake, table) == [("x",), ("z",), ("z",)]
    with pytest.raises(ValueError, match="no primary key"):
        publish(
            lake, table, run_id="r4", at=START, staged=stage(lake, table, "r4", []), metadata={}, mode="incremental"
        )


# Somebody else at the same table


def test_a_commit_that_came_between_is_noticed_and_the_difference_found_anew(lake, monkeypatch, tmp_path):
    """The other run is made on another machine: it has its own scratch folder, and so does not wait."""
    run(lake, PERSON, 1, [AN, BINH])
    elsewhere = Lake.from_environment({"LAKE_URI": lake.uri, "LIENTHONG_TMP": str(tmp_path / "elsewhere")})
    find = publication.find_changes

    def find_while_another_run_commits(*arguments, **options):
        changes = find(*arguments, **options)
        monkeypatch.setattr(publication, "find_changes", find)
        run(elsewhere, PERSON, 3, [AN])
        return changes

    monkeypatch.setattr(publication, "find_changes", find_while_another_run_commits)
    commit = run(lake, PERSON, 2, [AN, BINH])
    assert (commit.version, commit.inserted) == (2, 1), "found empty at first, but run 3 had deleted a row meanwhile"
    assert content(lake, PERSON) == [AN, BINH]
