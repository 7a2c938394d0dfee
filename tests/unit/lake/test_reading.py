"""A published table as a view: every column of its schema, every row of its newest version."""

from __future__ import annotations

import pytest

from include.lake.delta.sql_views import view
from include.lake.rejected.append import append_rejected
from include.lake.storage.errors import LakeTableMissing
from include.lake.storage.lake import Lake
from tests.unit.lake.staging import PERSON, START, column, contract_table, run, stage


@pytest.fixture
def lake(tmp_path) -> Lake:
    # A folder that looks like a partition is none.
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "age=7" / "lake"), "LIENTHONG_TMP": str(tmp_path / "s")})


@pytest.fixture
def connection(lake):
    with lake.connect(memory_limit="200MB") as open_connection:
        yield open_connection


def test_a_column_that_no_file_has_yet_is_there(lake, connection):
    run(lake, PERSON, 1, [("a", "An", 1)])
    run(lake, contract_table(*PERSON.columns, column("born", "DATE")), 2, [("a", "An", 1, None)])
    view(lake, connection, "person", lake.registry_table("population", "citizen"))
    assert connection.execute("SELECT personal_id, age, born FROM person").fetchall() == [("a", 1, None)]
    assert ("born", "DATE") in [row[:2] for row in connection.execute("DESCRIBE person").fetchall()]


def test_a_table_without_rows(lake, connection):
    run(lake, PERSON, 1, [])
    view(lake, connection, "person", lake.registry_table("population", "citizen"))
    assert connection.execute("SELECT count(*), max(_run_id) FROM person").fetchall() == [(0, None)]


def test_one_run_of_the_rejected_rows(lake, connection):
    runs = ["scheduled__2026-01-01T00:00:00+00:00", "r2"]
    for run_id in runs:
        staged = stage(lake, PERSON, run_id, [("a", run_id, 1)], rejected=[0])
        append_rejected(lake, PERSON, run_id=run_id, at=START, staged=staged, extract_uri=staged.extract)
        run(lake, PERSON, 1, [])
    view(lake, connection, "rejected", lake.rejected_table("population", "citizen"), _run_id=runs[-1])
    assert connection.execute("SELECT _run_id, full_name FROM rejected").fetchall() == [("r2", "r2")]


def test_a_table_that_is_not_there(lake, connection):
    with pytest.raises(LakeTableMissing):
        view(lake, connection, "x", lake.registry_table("population", "nobody"))
