"""What rules see beside a run: the published rows that it leaves as they are."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from include.contracts.model import ExtractPolicy, Rule
from include.lake.publishing.published_context import Conformed, published_context_of
from include.lake.storage.lake import Lake
from include.quality.expectations.assessment import assess
from include.quality.split.row_outcomes import conform_and_split
from tests.unit.lake.staging import PERSON, gone_keys, run, stage

UNIQUE = Rule("u", "citizen", ("full_name",), "unique", "set", "error", "uniqueness", "")
COUNT = Rule("n", "citizen", (), "rowCount", "table", "error", "completeness", "")
ADULTS = Rule("s", "citizen", (), "sql", "table", "error", "validity", "", violation="age < 18")
GIVEN = Rule("g", "citizen", ("age",), "required", "row", "error", "completeness", "", violation="age IS NULL")
ROWS = [("a", "An", 1), ("b", "Bình", 2), ("c", "Chi", 3), ("d", "Dũng", 4)]


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def found(lake: Lake, *rules: Rule, mode="incremental", failing="false") -> list[dict] | None:
    """Beside a run that brings `b` anew and a stranger with Chi's name, after which `d` is gone.

    `failing`: the condition for a received row to break a row rule.
    """
    run(lake, PERSON, 1, ROWS)
    staged = stage(lake, PERSON, "r2", [("b", "Bính", 2), ("e", "Chi", 5)])
    gone = gone_keys(lake, PERSON, "r2", [("d",)]) if mode == "incremental" else None
    conformed = Conformed(staged.conformed, failing)
    uri = published_context_of(lake, replace(PERSON, rules=rules), conformed, mode=mode, gone=gone)
    return None if uri is None else sorted(pq.read_table(uri).to_pylist(), key=repr)


def test_unique_rules_see_the_rows_they_could_clash_with(lake):
    assert found(lake, UNIQUE) == [{"full_name": "Chi"}]


def test_rules_over_the_table_see_every_row_that_stays(lake):
    assert found(lake, ADULTS) == [{"age": 1}, {"age": 3}]


def test_a_count_of_rows_needs_no_column(lake):
    assert len(found(lake, COUNT)) == 2


def test_both_kinds_of_rule(lake):
    assert found(lake, UNIQUE, ADULTS) == [{"age": 1, "full_name": None}, {"age": 3, "full_name": "Chi"}]


@pytest.mark.parametrize("mode", ["incremental", "backfill", "replay"])
def test_a_row_whose_new_version_fails_stays(lake, mode):
    assert {"age": 2} in found(lake, ADULTS, mode=mode, failing="age = 2")
    assert {"age": 2} not in found(lake, ADULTS, mode=mode, failing="age = 5")
    staged = stage(lake, PERSON, "r3", [("b", "Bính", None), ("e", "Bình", 5)])
    conformed = Conformed(staged.conformed, "age IS NULL")
    uri = published_context_of(lake, replace(PERSON, rules=(UNIQUE,)), conformed, mode=mode, gone=None)
    assert pq.read_table(uri).to_pylist() == [{"full_name": "Bình"}], "the name that is published"


def test_a_row_of_which_one_version_passes_does_not_stay(lake):
    run(lake, PERSON, 1, ROWS)
    staged = stage(lake, PERSON, "r2", [("a", "Ân", -1), ("a", "Ấn", 2), ("b", "Bính", -1)])
    table, conformed = replace(PERSON, rules=(ADULTS,)), Conformed(staged.conformed, "age < 0")
    full = published_context_of(lake, table, conformed, mode="full", gone=None)
    assert pq.read_table(full).to_pylist() == [{"age": 2}]
    part = published_context_of(lake, table, conformed, mode="incremental", gone=None)
    assert pq.read_table(part).to_pydict() == {"age": [2, 3, 4]}


def test_in_a_full_run_only_rows_stay_whose_new_version_fails(lake):
    assert found(lake, UNIQUE, mode="full", failing="age IN (2, 5)") == [{"full_name": "Bình"}]
    assert found(lake, UNIQUE, ADULTS, mode="full", failing="age = 2") == [{"age": 2, "full_name": "Bình"}]
    assert len(found(lake, COUNT, mode="full", failing="age = 2")) == 1
    assert found(lake, UNIQUE, mode="full", failing="age = 5") is None, "a stranger has no published version"


def test_in_a_full_run_that_does_not_reconcile_what_was_not_received_stays(lake):
    run(lake, PERSON, 1, ROWS)
    staged = stage(lake, PERSON, "r2", [("b", "Bính", 2), ("e", "Chi", 5)])
    table = replace(PERSON, rules=(UNIQUE,), extract=ExtractPolicy(deletes="none"))
    uri = published_context_of(lake, table, Conformed(staged.conformed, "false"), mode="full", gone=None)
    assert pq.read_table(uri).to_pylist() == [{"full_name": "Chi"}]


def test_a_full_run_in_which_no_row_fails_does_not_read_what_is_published(lake, monkeypatch):
    run(lake, PERSON, 1, ROWS)
    staged = stage(lake, PERSON, "r2", [("b", "Bính", 2)])
    monkeypatch.setattr(Lake, "table", None)
    for rules, failing in (((UNIQUE, ADULTS), "age = 7"), ((UNIQUE,), "false"), ((), "age = 2")):
        table, conformed = replace(PERSON, rules=rules), Conformed(staged.conformed, failing)
        assert published_context_of(lake, table, conformed, mode="full", gone=None) is None
    keyless = replace(PERSON, columns=tuple(replace(c, primary_key_position=None) for c in PERSON.columns))
    conformed = Conformed(staged.conformed, "age = 2")
    assert published_context_of(lake, replace(keyless, rules=(UNIQUE,)), conformed, mode="full", gone=None) is None


def test_where_there_is_nothing_to_see(lake):
    assert found(lake) is None
    other = replace(PERSON, name="other", rules=(UNIQUE,))
    assert published_context_of(lake, other, Conformed("x", "false"), mode="incremental", gone=None) is None


@pytest.mark.parametrize("mode", ["full", "incremental"])
def test_a_newcomer_cannot_take_the_value_of_a_row_that_is_retained(lake, mode):
    """An's new version has no age, so that An stays; a stranger comes with An's name. Both evaluations see it."""
    run(lake, PERSON, 1, ROWS)
    table = replace(PERSON, rules=(GIVEN, UNIQUE, COUNT))
    staged = stage(lake, PERSON, "r2", [("a", "Ân", None), ("b", "Bình", 2), ("e", "An", 5), ("f", "Phúc", 6)])
    split = conform_and_split(
        table, staged.extract, lake=lake, run_id="r2", schemas_dir=Path(),
        published_context=partial(published_context_of, lake, table, mode=mode, gone=None),
    )  # fmt: skip
    faults = pq.read_table(split.staged.faults).to_pylist()
    assert sorted((f["_row"], f["_reasons"][0]["rule_id"]) for f in faults) == [(0, "g"), (2, "u")]
    assert split.count("n").violations == {"full": 3, "incremental": 5}[mode], "retained rows are counted"
    assessment = assess(table, split, lake=lake, run_id="r2", schemas_dir=Path())
    assert assessment.counts == {count.rule_id: count.violations for count in split.counts}
