"""The zone people/: a commit per run and table, none without a difference, and a change feed of what changed."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.lake.people import index as people
from include.lake.people.index import extend, people_table, record_id, upsert_people
from include.lake.people.tables import INDEX
from include.lake.storage.errors import LakeConflict
from include.lake.storage.lake import Lake
from include.lake.upsert import table_upsert


@pytest.fixture
def lake(tmp_path):
    (tmp_path / "lake").mkdir()
    return Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")


def index(lake, **who):
    uri = f"{lake.uri}/index.parquet"
    rows = [{"record_id": record, "person_id": person, "since_run": "r"} for record, person in who.items()]
    pq.write_table(pa.Table.from_pylist(rows, INDEX), uri)
    return uri


def content(lake):
    rows = lake.table(people_table(lake, "index")).to_pyarrow_table().to_pylist()
    return {row["record_id"]: row["person_id"] for row in rows}


def feed(lake, version):
    changes = lake.table(people_table(lake, "index")).load_cdf(starting_version=version, ending_version=version)
    rows = pa.table(changes.read_all()).to_pylist()
    return sorted((row["_change_type"], row["record_id"], row["person_id"]) for row in rows)


def test_the_difference_is_one_commit_and_the_change_feed_holds_it_and_no_more(lake):
    assert upsert_people(lake, "index", index(lake, a="p", b="q", c="q"), run_id="r1").inserted == 3
    done = upsert_people(lake, "index", index(lake, a="p", b="p", d="s"), run_id="r2")
    assert (done.version, done.inserted, done.updated, done.deleted) == (1, 1, 1, 1)
    assert content(lake) == {"a": "p", "b": "p", "d": "s"}
    assert feed(lake, 1) == [
        ("delete", "c", "q"), ("insert", "d", "s"), ("update_postimage", "b", "p"), ("update_preimage", "b", "q"),
    ]  # fmt: skip


def test_without_a_difference_there_is_no_commit(lake):
    upsert_people(lake, "index", index(lake, a="p"), run_id="r1")
    done = upsert_people(lake, "index", index(lake, a="p"), run_id="r2")
    assert (done.is_new, done.version, lake.table(people_table(lake, "index")).version()) == (False, 0, 0)


def test_a_run_commits_once(lake):
    upsert_people(lake, "index", index(lake, a="p"), run_id="r1")
    assert not upsert_people(lake, "index", index(lake, a="other"), run_id="r1").is_new
    assert content(lake) == {"a": "p"}
    events = pa.table({name: ["x"] for name in ("event_id",)})
    assert extend(lake, "events", events, run_id="r1").is_new
    assert not extend(lake, "events", events, run_id="r1").is_new


def test_a_difference_too_large_to_merge_gives_the_same_content(lake, monkeypatch):
    monkeypatch.setattr(table_upsert, "MERGE_ROWS", 1)
    upsert_people(lake, "index", index(lake, a="p", b="q"), run_id="r1")
    upsert_people(lake, "index", index(lake, a="s", c="q"), run_id="r2")
    assert content(lake) == {"a": "s", "c": "q"}


def test_a_new_column_is_taken_over(lake):
    upsert_people(lake, "index", index(lake, a="p"), run_id="r1")
    uri = f"{lake.uri}/wide.parquet"
    pq.write_table(pq.read_table(index(lake, a="p")).append_column("more", pa.array(["x"])), uri)
    assert upsert_people(lake, "index", uri, run_id="r2").is_new
    assert "more" in lake.table(people_table(lake, "index")).to_pyarrow_table().column_names


def test_a_lost_race_is_run_again_against_what_is_there_now(lake, monkeypatch):
    upsert_people(lake, "index", index(lake, a="p"), run_id="r1")
    whole, races = people.upsert, []

    def overtaken(connection, current, key, properties):
        if not races:
            races.append(lake.table(people_table(lake, "index")).optimize.compact())
            current.alter.set_table_properties({"delta.logRetentionDuration": "interval 31 days"})
            raise LakeConflict("another writer was first")
        return whole(connection, current, key, properties)

    monkeypatch.setattr(people, "upsert", overtaken)
    done = upsert_people(lake, "index", index(lake, a="q"), run_id="r2", after="r1")
    assert (done.version, done.updated, len(races)) == (2, 1, 1)
    assert content(lake) == {"a": "q"}


def test_what_was_made_of_an_older_state_is_refused(lake):
    upsert_people(lake, "index", index(lake, a="p"), run_id="r1", after="")
    upsert_people(lake, "index", index(lake, a="q"), run_id="r2", after="r1")
    with pytest.raises(LakeConflict, match="another run has committed"):
        upsert_people(lake, "index", index(lake, a="s"), run_id="r3", after="r1")
    assert not upsert_people(lake, "index", index(lake, a="s"), run_id="r2", after="r1").is_new
    assert content(lake) == {"a": "q"}


def test_an_append_that_lost_a_race_says_so(lake):
    rows = pa.table({"event_id": ["x"]})
    extend(lake, "events", rows, run_id="r1")
    stale = lake.table(people_table(lake, "events"))
    extend(lake, "events", rows, run_id="r2")
    assert lake.table(people_table(lake, "events")).version() == stale.version() + 1


@pytest.mark.parametrize(
    "key",
    [
        ["001"],
        ['a"b', "c\\d"],
        ["Đặng/Thị", ""],
        ["tab\t", "line\n", "\x01\x1f\x7f", "\\u001f"],
        ["\U0001f600", "e\u0301"],
        [None],
    ],
)
def test_the_id_of_a_record_is_that_which_linking_writes_in_sql(key):
    with duckdb.connect() as connection:
        written = connection.execute("SELECT 'r.t:' || to_json($key::VARCHAR[])::VARCHAR", {"key": key}).fetchall()
    assert record_id("r.t", key) == written[0][0]
