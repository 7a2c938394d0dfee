"""Sums over slices: whatever ran in whatever order, the table's figures are the sums of its servers' newest."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.audit.report_data.figures import FIGURES, TREND_RUNS, RuleCount
from include.audit.report_data.freshness import Freshness, combined
from include.audit.report_data.overview import gather
from include.audit.report_data.report_inputs import QualityReportInputs
from include.audit.report_data.sums import summed_backlog, summed_counts, summed_trend
from include.audit.report_data.table_report import RunCounts
from include.audit.report_pages.attention import attention
from include.audit.report_words.words import LOCALES
from include.lake.rejected.backlog import OpenRule, RejectionBacklog
from include.lake.storage.lake import Lake
from tests.provincial import NOW, at, write_contract
from tests.unit.audit.runs_evidence import NIGHT, record_checks, record_run

RULES = ("a.required", "a.unreadable")


def run(number: int, live: int) -> RunCounts:
    return RunCounts(f"run-{number:03}", NIGHT, 1.0, number, "1.0.0", "sqlite", "", **dict.fromkeys(FIGURES, live))


def counts(run_id: str, live: int, broken: dict[str, int]) -> dict[str, RuleCount]:
    of = {"metric": "sql", "scope": "row", "severity": "error", "dimension": "conformity"}
    rows = {"rows": live + 1, "published_rows": live, "open_rows": 1}
    return {rule: RuleCount(run_id, "r", "t", rule, **of, **rows, violations=broken[rule]) for rule in broken}


courses = st.lists(  # by slice: the numbers of its runs, each with rows and violations
    st.dictionaries(
        st.integers(0, 80),
        st.tuples(st.integers(0, 50), st.dictionaries(st.sampled_from(RULES), st.integers(0, 3))),
        max_size=6,
    ),
    min_size=1,
    max_size=5,
)


@given(courses)
def test_the_last_point_is_the_sum_of_every_slices_newest_run(course) -> None:
    runs = [[run(number, live) for number, (live, _) in sorted(of.items())] for of in course]
    after = [
        {f"run-{n:03}": counts(f"run-{n:03}", live, broken) for n, (live, broken) in of.items() if broken}
        for of in course
    ]
    places = {one.run_id: one.version for of in runs for one in of}
    points = summed_trend(runs, after, {}, places)
    assert len(points) == min(len(places), TREND_RUNS)
    assert [point.run.run_id for point in points] == sorted(places)[-TREND_RUNS:]
    if not points:
        return
    assert points[-1].run.live_rows == sum(of[-1].live_rows for of in runs if of)
    newest = [
        next((a[one.run_id] for one in reversed(of) if one.run_id in a), {}) for of, a in zip(runs, after, strict=True)
    ]
    judged = [next(iter(found.values())) for found in newest if found]
    standing = points[-1].standing
    assert (standing.judged if standing else 0) == sum(row.published_rows + 1 for row in judged)
    summed = summed_counts(newest)
    assert {rule: row.violations for rule, row in summed.items()} == {
        rule: sum(found[rule].violations for found in newest if rule in found)
        for rule in {rule for found in newest for rule in found}
    }


backlogs = st.lists(st.dictionaries(st.sampled_from(RULES), st.integers(1, 9), min_size=1), min_size=1, max_size=4)


@given(backlogs)
def test_open_rows_of_a_rule_are_those_of_all_slices(parts: list[dict[str, int]]) -> None:
    def opened(rule: str, rows: int) -> OpenRule:
        return OpenRule(rule, "a", "", rows, NIGHT - timedelta(days=rows), (rows, 0, 0, 0, 0), (0,) * 30 + (rows,))

    made = [
        RejectionBacklog(opened("", sum(of.values())), tuple(opened(rule, rows) for rule, rows in of.items()))
        for of in parts
    ]
    found = summed_backlog(made)
    assert found
    assert found.total.rows == found.total.ages[0] == found.total.trend[-1] == sum(sum(of.values()) for of in parts)
    assert {rule.rule_id: rule.rows for rule in found.rules} == {
        rule: sum(of.get(rule, 0) for of in parts) for rule in {rule for of in parts for rule in of}
    }
    assert found.total.since == min(part.total.since for part in made if part.total.since)


@pytest.mark.parametrize(
    ("missed", "score", "is_fresh"),
    [
        ((0, 0), 100, True),
        ((0, 1), 75, False),
        ((0, None), 50, False),
        ((3, None), 12.5, False),
        ((None, None), None, False),
    ],
)
def test_freshness_of_servers_is_their_mean_and_one_that_never_came_is_0(missed, score, is_fresh) -> None:
    parts = [Freshness(None if m is None else NIGHT, None, m or 0, False) for m in missed]
    found = combined(parts)
    assert (found.score, found.is_fresh) == (score, is_fresh)


@pytest.mark.parametrize(
    ("verdicts", "gx_more", "told"),
    [
        (("published", "published"), 0, []),
        (("published", "held"), 0, ["@land-38: run n38 is held back and waits for a steward's decision"]),
        (("failed", "failed"), 0, [": the newest run failed on 2 of 2 servers: land-01, land-38"]),
        (
            ("failed", "declined"),
            0,
            [
                ": the newest run failed on 1 of 2 servers: land-01",
                "@land-38: run n38 was declined by someone; what was published before stands",
            ],
        ),
        (("published", "published"), 1, [".area.unreadable@land-38: the two independent evaluations disagree"]),
    ],
)
def test_what_needs_attention_of_several_servers(
    tmp_path: Path, verdicts: tuple[str, str], gx_more: int, told: list[str]
) -> None:
    write_contract(tmp_path, "land-01", "land-38")
    context = at(tmp_path, NOW)
    contract = context.contract("land")
    lake: Lake = context.lake
    for name, verdict in zip(("land-01", "land-38"), verdicts, strict=True):
        table = contract.table(f"parcel@{name}")
        good = record_run(lake, table, run_id=f"g{name[-2:]}", started_at=NOW)
        record_checks(lake, table, good, gx_more=gx_more if name == "land-38" else 0, unreadable=gx_more)
        if verdict != "published":
            record_run(lake, table, 1, run_id=f"n{name[-2:]}", verdict=verdict, refused_by="someone", started_at=NOW)
    found = gather(lake, {"land": contract}, at=NOW)
    about_parcels = [text for text in attention(found, QualityReportInputs(), LOCALES["en"]) if "parcel" in text]
    assert about_parcels == [f"land.parcel{text}" for text in told]
