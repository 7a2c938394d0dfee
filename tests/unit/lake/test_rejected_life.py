"""The life of rejected rows: open until a later run brings the key again, or finds it gone."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.contracts.model import ExtractPolicy
from include.lake.rejected import close as rejections
from include.lake.rejected.open_rejections import live_rejected_files, open_rejections_of
from include.lake.rejected.repeats import only_repeats_open_rejections
from include.lake.storage import commit_retry
from include.lake.storage.lake import Lake
from tests.unit.lake.rejecting import append, close, commit, kept, lives, sync
from tests.unit.lake.staging import PERSON, START, column, contract_table, stage

AN, BINH, CHI, DUNG = ("a", "An", 1), ("b", "Bình", 2), ("c", "Chi", 3), ("d", "Dũng", 4)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def opened(lake: Lake, table=PERSON) -> list[tuple[str, int]]:
    with open_rejections_of(lake, table) as rows:
        return rows.connection.execute("SELECT _run_id, _row FROM opened ORDER BY ALL").fetchall()


def test_a_row_is_open_once_its_run_has_committed(lake):
    staged = append(lake, PERSON, 1, [AN, BINH, BINH], rejected=[0], superseded=[2])
    assert lives(lake, PERSON) == [("r1", 0, "open", None), ("r1", 2, None, None)]
    assert opened(lake) == []
    commit(lake, PERSON, 1, staged)
    assert opened(lake) == [("r1", 0)]


def test_a_full_run_leaves_none_of_the_earlier_rows_open(lake):
    sync(lake, PERSON, 1, [AN, BINH, CHI, (None, "?", 0), DUNG], rejected=[0, 1, 2, 3])
    assert sync(lake, PERSON, 2, [AN, BINH, DUNG], rejected=[0]) == {"superseded": 3, "withdrawn": 1}
    assert lives(lake, PERSON) == [
        ("r1", 0, "superseded", "r2"),
        ("r1", 1, "superseded", "r2"),
        ("r1", 2, "withdrawn", "r2"),
        ("r1", 3, "superseded", "r2"),
        ("r2", 0, "open", None),
    ]
    assert opened(lake) == [("r2", 0)]
    closed = kept(lake, PERSON)[0]
    assert closed["_closed_at"] == START + timedelta(days=2)
    assert closed["full_name"] == "An"
    assert closed["_reasons"][0]["rule_id"] == "population.citizen.age.required"


def test_an_increment_closes_what_came_again_and_what_is_gone(lake):
    sync(lake, PERSON, 1, [AN, BINH, CHI, DUNG], rejected=[0, 1, 2])
    gone = lake.path("staging", "gone.parquet")
    lake.make_folder(lake.path("staging"))
    pq.write_table(pa.table({"personal_id": ["b"]}), gone)
    assert sync(lake, PERSON, 2, [AN], mode="incremental", gone=gone) == {"superseded": 1, "withdrawn": 1}
    assert [life for _, _, life, _ in lives(lake, PERSON)] == ["superseded", "withdrawn", "open"]


def test_a_row_without_a_readable_key_is_kept_open_once(lake):
    nobody, other = (None, "?", 0), (None, "?", 1)
    sync(lake, PERSON, 1, [AN, nobody, other], rejected=[1, 2])
    assert sync(lake, PERSON, 2, [nobody], mode="incremental", rejected=[0]) == {"superseded": 1}
    assert opened(lake) == [("r1", 2), ("r2", 0)]


def test_how_long_a_key_has_been_rejected_without_a_break(lake):
    for day in (1, 2, 3):
        sync(lake, PERSON, day, [AN, BINH], rejected=[0] if day != 2 else [0, 1])
    since = {(r["_run_id"], r["personal_id"]): (r["_since"] - START).days for r in kept(lake, PERSON)}
    assert since == {("r1", "a"): 1, ("r2", "a"): 1, ("r2", "b"): 2, ("r3", "a"): 1}
    sync(lake, PERSON, 4, [AN, BINH])
    sync(lake, PERSON, 5, [AN, BINH], rejected=[0])
    assert (kept(lake, PERSON)[-1]["_since"] - START).days == 5


@pytest.mark.parametrize("deletes", ["none", "soft", "reconcile"])
def test_a_key_of_another_contract_is_not_the_lack_of_one(lake, deletes):
    """As where today's key cannot be made of what was received: absent is superseded only where absent rows leave."""
    by_name = contract_table(column("personal_id"), column("full_name", key=1), column("age", "BIGINT"))
    sync(lake, by_name, 1, [AN, BINH], rejected=[0])
    sync(lake, replace(PERSON, extract=ExtractPolicy(deletes=deletes)), 2, [BINH])
    assert [life for _, _, life, _ in lives(lake, PERSON)] == ["superseded" if deletes == "reconcile" else "open"]


def test_a_repeated_close_changes_nothing(lake):
    sync(lake, PERSON, 1, [AN, BINH], rejected=[0])
    staged = append(lake, PERSON, 2, [AN, BINH], rejected=[1])
    commit(lake, PERSON, 2, staged)
    uri = lake.rejected_table("population", "citizen")
    assert close(lake, PERSON, 2, staged) == {"superseded": 1}
    version = lake.table(uri).version()
    assert close(lake, PERSON, 2, staged) == {"superseded": 1}
    assert lake.table(uri).version() == version


def test_a_late_close_leaves_the_rows_of_later_runs_alone(lake, monkeypatch):
    monkeypatch.setattr(rejections, "finish_closing", lambda *_, **__: None)
    sync(lake, PERSON, 1, [AN, BINH, CHI], rejected=[0, 1, 2])
    second = append(lake, PERSON, 2, [AN, BINH], mode="incremental", rejected=[0])
    commit(lake, PERSON, 2, second, mode="incremental")
    sync(lake, PERSON, 3, [AN], mode="incremental", rejected=[0])
    assert opened(lake) == [("r1", 1), ("r1", 2), ("r3", 0)]
    assert close(lake, PERSON, 2, second, mode="incremental") == {"superseded": 1}
    assert opened(lake) == [("r1", 2), ("r3", 0)]


def test_what_a_killed_run_did_not_close_the_next_one_closes_in_its_name(lake):
    sync(lake, PERSON, 1, [AN, BINH], rejected=[0, 1])
    killed = append(lake, PERSON, 2, [AN], mode="incremental")
    commit(lake, PERSON, 2, killed, mode="incremental")
    assert opened(lake) == [("r1", 0), ("r1", 1)]
    sync(lake, PERSON, 3, [CHI], mode="incremental")
    assert lives(lake, PERSON) == [("r1", 0, "superseded", "r2"), ("r1", 1, "open", None)]


def test_a_row_rejected_again_as_it_was_is_no_news(lake):
    sync(lake, PERSON, 1, [AN, BINH], rejected=[0])
    stories = [
        ([AN], [0], True),  # the same row, rejected again
        ([AN], [], False),  # mended
        ([CHI], [], True),  # nothing to do with what is open
        ([CHI], [0], False),  # another row is rejected
        ([AN, CHI], [0, 1], False),
    ]
    for rows, rejected, nothing_new in stories:
        staged = stage(lake, PERSON, "r2", rows, rejected=rejected)
        said = only_repeats_open_rejections(
            lake, PERSON, run_id="r2", mode="incremental", staged=staged, extract_uri=staged.extract
        )
        assert said == nothing_new, (rows, rejected)
    assert opened(lake) == [("r1", 0)]


def test_rows_of_a_run_that_can_never_commit_go(lake):
    sync(lake, PERSON, 1, [AN, BINH], rejected=[0])
    append(lake, PERSON, 2, [AN, BINH, CHI], rejected=[1, 2])  # killed
    third = append(lake, PERSON, 3, [AN, BINH], rejected=[1])
    commit(lake, PERSON, 3, third)
    under_way = append(lake, PERSON, 9, [AN], rejected=[0])  # began upon the commit of the third, and is slow
    close(lake, PERSON, 3, third)
    assert [(run, row) for run, row, _, _ in lives(lake, PERSON)] == [("r1", 0), ("r3", 1), ("r9", 0)]
    commit(lake, PERSON, 9, under_way)
    close(lake, PERSON, 9, under_way)
    assert opened(lake) == [("r9", 0)]


def test_a_run_that_did_not_commit_takes_its_rows_back(lake):
    sync(lake, PERSON, 1, [AN, BINH], rejected=[0])
    overtaken = append(lake, PERSON, 2, [AN, BINH], rejected=[1])
    assert close(lake, PERSON, 2, overtaken) == {}
    assert lives(lake, PERSON) == [("r1", 0, "open", None)]


def test_only_files_with_open_rows_are_read_and_only_those_that_change_are_written(lake):
    for day in range(1, 5):
        sync(lake, PERSON, day, [(str(day), "An", 1)], mode="full" if day == 1 else "incremental", rejected=[0])
    uri = lake.rejected_table("population", "citizen")
    before = {file.uri for file in live_rejected_files(lake.table(uri))}
    sync(lake, PERSON, 5, [("2", "An", 1)], mode="incremental")
    after = live_rejected_files(lake.table(uri))
    assert len(before - {file.uri for file in after}) == 1
    assert sorted(file.run_id for file in after if file.may_be_open) == ["r1", "r3", "r4"]


def test_two_closes_at_once(lake):
    sync(lake, PERSON, 1, [(str(n), "An", 1) for n in range(20)], rejected=range(20))
    runs = {n: append(lake, PERSON, n, [(str(n), "An", 1)], mode="incremental") for n in range(2, 6)}
    for number, staged in runs.items():
        commit(lake, PERSON, number, staged, mode="incremental")
    threads = [
        threading.Thread(target=close, args=(lake, PERSON, number, staged), kwargs={"mode": "incremental"})
        for number, staged in runs.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(row, by) for _, row, life, by in lives(lake, PERSON) if life == "superseded"] == [
        (n, f"r{n}") for n in range(2, 6)
    ]
    assert len(lives(lake, PERSON)) == 20


def test_a_lost_race_is_run_again(lake, monkeypatch):
    sync(lake, PERSON, 1, [AN, BINH], rejected=[0])
    staged = append(lake, PERSON, 2, [AN], mode="incremental")
    commit(lake, PERSON, 2, staged, mode="incremental")
    calm, raced = rejections.commit_rewrites, []

    def hurried(*arguments):
        if not raced:
            with monkeypatch.context() as elsewhere:  # a writer on another machine, which holds no lock of this one
                elsewhere.setattr(commit_retry, "locked_table", lambda *_: nullcontext())
                raced.append(append(lake, PERSON, 3, [CHI], mode="incremental", rejected=[0]))
        calm(*arguments)

    monkeypatch.setattr(rejections, "commit_rewrites", hurried)
    assert close(lake, PERSON, 2, staged, mode="incremental") == {"superseded": 1}
    assert lives(lake, PERSON) == [("r1", 0, "superseded", "r2"), ("r3", 0, "open", None)]


def test_a_key_of_several_columns_and_types(lake):
    day = column("day", "DATE", key=2)
    table = contract_table(day, column("number", "BIGINT", key=1), column("a/b~", "DECIMAL(5,2)", key=3), name="pairs")
    rows = [("2026-01-01", 1, "1.50"), ("2026-01-02", 1, "1.50"), (None, 2, "2.00")]
    sync(lake, table, 1, [*rows, ("2026-01-05", 5, "5")], rejected=[0, 1, 2])
    assert sync(lake, table, 2, [rows[0], rows[2]], mode="incremental", rejected=[1]) == {"superseded": 2}
    assert opened(lake, table) == [("r1", 1), ("r2", 1)]


def test_a_table_without_a_key_begins_anew_with_each_run(lake):
    table = contract_table(column("v"), name="keyless")
    sync(lake, table, 1, [("x",), ("y",)], rejected=[0])
    assert sync(lake, table, 2, [("x",)], rejected=[0]) == {"superseded": 1}


def test_a_run_id_of_airflow(lake, monkeypatch):
    odd = "scheduled__2026-01-01T00:00:00+00:00 'x'"
    monkeypatch.setattr("tests.unit.lake.rejecting.run_name", lambda n: f"{odd}{n}")
    sync(lake, PERSON, 1, [AN, BINH], rejected=[0])
    assert sync(lake, PERSON, 2, [AN, BINH]) == {"superseded": 1}
    assert lives(lake, PERSON) == [(f"{odd}1", 0, "superseded", f"{odd}2")]
