"""What rules see beside an increment: the published rows that it leaves as they are."""

from __future__ import annotations

from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from include.contracts.model import Rule
from include.lake.beside import beside
from include.lake.root import Lake
from tests.unit.lake.staging import PERSON, gone_keys, run, stage

UNIQUE = Rule("u", "citizen", ("full_name",), "unique", "set", "error", "uniqueness", "")
COUNT = Rule("n", "citizen", (), "rowCount", "table", "error", "completeness", "")
ADULTS = Rule("s", "citizen", (), "sql", "table", "error", "validity", "", violation="age < 18")
ROWS = [("a", "An", 1), ("b", "Bình", 2), ("c", "Chi", 3), ("d", "Dũng", 4)]


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def found(lake: Lake, *rules: Rule, mode="incremental") -> list[dict] | None:
    """Beside an increment that brings `b` anew and a stranger with Chi's name, after which `d` is gone."""
    table = replace(PERSON, rules=rules)
    run(lake, PERSON, 1, ROWS)
    staged = stage(lake, PERSON, "r2", [("b", "Bính", 2), ("e", "Chi", 5)])
    gone = gone_keys(lake, PERSON, "r2", [("d",)])
    uri = beside(lake, table, staged.conformed, mode=mode, gone=gone)
    return None if uri is None else sorted(pq.read_table(uri).to_pylist(), key=repr)


def test_unique_rules_see_the_rows_they_could_clash_with(lake):
    assert found(lake, UNIQUE) == [{"full_name": "Chi"}]


def test_rules_over_the_table_see_every_row_that_stays(lake):
    assert found(lake, ADULTS) == [{"age": 1}, {"age": 3}]


def test_a_count_of_rows_needs_no_column(lake):
    assert len(found(lake, COUNT)) == 2


def test_both_kinds_of_rule(lake):
    assert found(lake, UNIQUE, ADULTS) == [{"age": 1, "full_name": None}, {"age": 3, "full_name": "Chi"}]


def test_where_there_is_nothing_to_see(lake):
    assert found(lake) is None
    assert found(lake, UNIQUE, mode="full") is None
    other = replace(PERSON, name="other", rules=(UNIQUE,))
    assert beside(lake, other, "x", mode="incremental", gone=None) is None
