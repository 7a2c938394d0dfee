"""A difference that is not merged: which files are written anew, and how one commit tells it."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import CommitProperties, TableFeatures

from include.lake.delta.table_schema import CHECKPOINT_PROPERTY, CHECKPOINTS
from include.lake.file_patch import NotPatchable, Original
from include.lake.storage.errors import LakeConflict, LakeSchemaConflict
from include.lake.storage.lake import Lake
from include.lake.upsert import file_rewrite
from include.lake.upsert.cdf_commit import commit_with_feed
from include.lake.upsert.delta_merge import Writing
from tests.unit.lake.staging import PERSON, START, column, content, contract_table, run

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
    monkeypatch.setattr(file_rewrite, "patch", None)
    increment(lake, 2, [(key, "other", age) for key, _, age in ROWS[:6]])
    assert [row[1] for row in content(lake, PERSON)].count("other") == 6
    assert {change for change, *_ in feed(lake, 1)} == {"update_preimage", "update_postimage"}


def test_a_file_whose_rows_all_change_is_not_read(lake, monkeypatch):
    monkeypatch.setattr(file_rewrite, "patch", None)
    monkeypatch.setattr(file_rewrite, "published_rows", None)
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


def add_feature(delta):
    delta.alter.add_feature(TableFeatures.DeletionVectors, allow_protocol_versions_increase=True)


ASKED = {
    "deletionVectors": add_feature,
    "delta.constraints.grown": lambda delta: delta.alter.add_constraint({"grown": "age >= 0"}),
    "delta.appendOnly": lambda delta: delta.alter.set_table_properties({"delta.appendOnly": "true"}),
}


@pytest.mark.parametrize("what", ASKED)
def test_a_table_that_asks_more_of_its_writers_is_left_alone(lake, what):
    ASKED[what](lake.table(TABLE))
    before = content_of_log(lake)
    with pytest.raises(LakeSchemaConflict, match=f"{what}.*restore an earlier version"):
        increment(lake, 2, [("k3", "Ba", 3)])
    assert content_of_log(lake) == before


@pytest.mark.parametrize("mode", ["full", "replay"])
def test_a_table_without_a_key_is_left_alone_too(lake, mode):
    """The price of files that no other library writes: what it would hold rows to is not held here."""
    sums = contract_table(column("office"), column("sum", "BIGINT"), name="sums")
    run(lake, sums, 1, [("P1", 1)])
    table = lake.table("registry/population/sums")
    table.alter.add_constraint({"positive": "sum > 0"})
    before = table.version()
    with pytest.raises(LakeSchemaConflict, match=r"delta.constraints.positive.*restore an earlier version"):
        run(lake, sums, 2, [("P1", -1)], mode=mode)
    assert lake.table("registry/population/sums").version() == before


def content_of_log(lake) -> list[str]:
    return sorted(path.name for path in (Path(lake.path(TABLE)) / "_delta_log").iterdir())


@pytest.mark.parametrize("own", ["", "25"])
def test_a_long_log_gets_a_checkpoint_as_often_as_the_table_says(lake, own):
    if own:
        lake.table(TABLE).alter.set_table_properties({CHECKPOINT_PROPERTY: own})
    begun, every = lake.table(TABLE).version(), int(own or CHECKPOINTS[CHECKPOINT_PROPERTY])
    for version in range(begun + 1, every - 1):
        file_rewrite.empty_commit(lake.table(TABLE), CommitProperties(max_commit_retries=0))
        assert lake.table(TABLE).version() == version
    assert not any("checkpoint" in name for name in content_of_log(lake))
    assert increment(lake, 2, [("k3", "Ba", 3)]).version == every - 1
    assert f"{every - 1:020d}.checkpoint.parquet" in content_of_log(lake)
    assert increment(lake, 3, [("k3", "Bốn", 3)]).version == every
    assert ("k3", "Bốn", 3) in content(lake, PERSON)


def test_what_was_deleted_or_changed_is_in_no_live_file(lake):
    """Not even in a dictionary, which would keep what no row has, and grow from run to run."""
    few = [(key, f"name {age % 3}", age) for key, _, age in ROWS]
    run(lake, PERSON, 2, [*few[:-1], ("k19", "SECRET-A", 19)])
    increment(lake, 3, [], gone=[("k19",)])
    for number in range(4, 8):
        increment(lake, number, [("k1", f"SECRET-{number}", 1)])
    increment(lake, 8, [("k1", "name 1", 1)])
    for uri in lake.table(TABLE).file_uris():
        table = pq.read_table(uri, read_dictionary=["full_name"])
        assert not any("SECRET" in name for chunk in table["full_name"].chunks for name in chunk.dictionary.to_pylist())


def test_a_text_with_a_dictionary_is_decoded_with_it_row_group_by_row_group():
    """A few long texts of many rows are little; without their dictionary they would be all of the memory."""
    sink = pa.BufferOutputStream()
    rows = pa.table({"t": pa.array([None] * 5 + ["x" * 1000] * 5, pa.string())})
    with pq.ParquetWriter(sink, rows.schema, use_dictionary=True) as writer:
        writer.write_table(rows.slice(5))
    assert pa.types.is_dictionary(decoded(sink.getvalue()).type)
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, rows.schema, use_dictionary=False) as writer:
        writer.write_table(rows.slice(5))
    assert decoded(sink.getvalue()).type == pa.string()


def decoded(file: pa.Buffer) -> pa.ChunkedArray:
    reader = pa.BufferReader(file)
    original = Original.read_from(reader, rows=5)
    start, size = original.span(0)
    return original.read(0, ["t"], reader.read_at(size, start))["t"]


def test_more_than_memory_holds_is_left_to_the_engine_that_spills(lake, monkeypatch):
    monkeypatch.setattr(file_rewrite, "LARGEST_CHANGE", 3)
    monkeypatch.setattr(file_rewrite, "patch", None)
    increment(lake, 2, [("k3", "a longer name", 3)])
    assert ("k3", "a longer name", 3) in content(lake, PERSON)


FOOTERS = [
    b"",
    b"PAR1",
    b"PARE" * 5,
    *(b"PAR1" + fields + b"\x88\x13\0\0PAR1" for fields in (b"\x1a" * 5000, b"\x1c" * 5000)),
]


@pytest.mark.parametrize("content", FOOTERS, ids=range(5))
def test_a_footer_that_is_not_understood_is_left_to_others(content):
    with pytest.raises(NotPatchable):
        Original.read_from(pa.BufferReader(content), rows=1)


def test_a_number_that_is_none_is_found_by_readers_who_skip_by_bounds(lake):
    table = contract_table(column("k", key=1), column("x", "DOUBLE"), name="numbers")
    run(lake, table, 1, [(f"k{n}", float(n)) for n in range(20)])
    run(lake, table, 2, [("k3", float("nan"))], mode="incremental", merge_rows=0)
    (uri,) = lake.table("registry/population/numbers").file_uris()
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT k FROM '{uri}' WHERE x = 'nan'::DOUBLE").fetchall() == [("k3",)]
    (said,) = pa.table(lake.table("registry/population/numbers").get_add_actions(flatten=True)).to_pylist()
    assert said.get("max.x") is None


def test_a_column_that_is_called_as_the_engine_calls_places(lake):
    table = contract_table(column("k", key=1), column("File_Row_Number", "BIGINT"), name="odd")
    run(lake, table, 1, [(f"k{n:02}", n) for n in range(20)])
    run(lake, table, 2, [("k03", 300)], mode="incremental", gone=[("k05",)], merge_rows=0)
    assert content(lake, table) == [(f"k{n:02}", 300 if n == 3 else n) for n in range(20) if n != 5]
