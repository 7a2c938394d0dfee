"""When a run of linking must wait for a steward: figures in, findings out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from include.identity.linking.gate import Figures, judge
from include.identity.persons.golden_record import Tolerance
from include.identity.persons.stable_ids import Assigned

TABLES = ("insurance.member", "population.citizen")
BEFORE = Figures(TABLES, records=2_000, persons=1_000, candidates=3_000, largest=2)


def found(before=BEFORE, *, tables=TABLES, records=2_000, persons=1_000, candidates=3_000, largest=2, **changed):
    kinds = dict.fromkeys(("minted", "merged", "split", "retired", "moved"), 0) | changed
    assigned = Assigned("", "", records, persons, **kinds)
    figures = Figures(tables, records, persons, candidates, largest)
    return [finding.what for finding in judge(Tolerance(), assigned, figures, before)]


def test_a_quiet_run_passes():
    assert found(minted=300, merged=4, split=4) == []


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"merged": 21}, "merged"),
        ({"split": 21}, "split"),
        ({"retired": 51}, "retired"),
        ({"candidates": 4_501}, "candidates"),
        ({"candidates": 1_499}, "candidates"),
        ({"records": 2_201}, "meanRecords"),
        ({"largest": 41}, "largestPerson"),
    ],
)
def test_beyond_a_limit_it_waits(changed, what):
    assert found(**changed) == [what]


def test_a_few_changes_are_no_jump_however_small_the_register():
    assert found(replace(BEFORE, persons=100, records=200), records=200, persons=100, merged=19) == []


def test_the_first_run_has_nothing_to_jump_from_but_a_person_can_be_too_large():
    assert found(None, minted=1_000) == []
    assert found(None, largest=41) == ["largestPerson"]


def test_with_another_table_candidates_and_clusters_grow_and_that_is_no_finding():
    assert found(tables=(*TABLES, "finance.taxpayer"), records=4_000, candidates=9_000) == []
    assert found(tables=(*TABLES, "finance.taxpayer"), merged=21) == ["merged"]


def test_a_finding_names_figures_and_what_to_do():
    assigned = Assigned("", "", 2_000, 1_000, minted=0, merged=50, split=0, retired=0, moved=0)
    (finding,) = judge(Tolerance(), assigned, Figures(TABLES, 2_000, 1_000, 3_000, 2), BEFORE)
    assert (finding.measured, finding.allowed) == (5.0, "at most 0.5 % of persons")
    assert "50 persons would be merged" in finding.message
    assert "decline" in finding.message


def test_every_finding_says_the_same_in_vietnamese():
    assigned = Assigned("", "", 2_201, 1_000, minted=0, merged=50, split=40, retired=60, moved=0)
    findings = judge(Tolerance(), assigned, Figures(TABLES, 2_201, 1_000, 4_501, 41), BEFORE)
    said = {finding.what: finding.vietnamese for finding in findings}
    assert set(said) == {"largestPerson", "merged", "split", "retired", "candidates", "meanRecords"}
    assert said["merged"].startswith("50 người sẽ bị gộp (5,00 % của 1.000 người)")
    assert said["candidates"].startswith("4.501 cặp đã so sánh và giữ lại, lần trước là 3.000 (biến động 50,0 %)")
    assert said["meanRecords"].startswith("2,201 bản ghi trung bình của một người, lần trước là 2 ")
