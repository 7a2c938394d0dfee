"""The five-word index: what each rule takes, what nothing measures, and that no rule can raise it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.audit.report_data.quality_index import (
    FRESHNESS,
    OF_DIMENSION,
    WORDS,
    Counted,
    Index,
    mean_index,
    table_index,
)
from include.contracts.model import Bound
from tests.repeats import repeats


def counted(dimension: str, violations: int, rows: int = 100, *, scope: str = "row", metric: str = "sql",
            bound: Bound | None = None) -> Counted:  # fmt: skip
    return Counted(f"r.t.{dimension}-{violations}", dimension, metric, scope, rows, violations, bound)


def index(*counts: Counted, freshness: float | None = 100.0) -> Index:
    return table_index(counts, freshness=freshness)


@pytest.mark.parametrize("dimension", OF_DIMENSION)
def test_a_rule_takes_the_share_of_rows_that_break_it_from_the_word_of_its_dimension(dimension: str) -> None:
    words = index(counted(dimension, 7)).words
    assert words[OF_DIMENSION[dimension]] == pytest.approx(93)
    assert all(value in (100, None) for word, value in words.items() if word != OF_DIMENSION[dimension])


def test_two_rules_add_up_and_the_floor_is_zero() -> None:
    assert index(counted("accuracy", 30), counted("accuracy", 5, 50)).words["accuracy"] == pytest.approx(60)
    assert index(counted("accuracy", 90), counted("accuracy", 80)).words["accuracy"] == 0


def test_a_word_that_nothing_measures_has_no_figure_and_does_not_count() -> None:
    made = index(counted("accuracy", 10))
    assert made.words["consistency"] is None
    assert made.overall == pytest.approx((90 + 100) / 2)
    assert index(freshness=None).overall is None


def test_staleness_is_deducted_from_timeliness_and_what_costs_most_comes_first() -> None:
    made = index(counted("uniqueness", 2), counted("timeliness", 10), freshness=50.0)
    assert made.words["cleanliness"] == pytest.approx(98)
    assert made.words["timeliness"] == pytest.approx(40)
    assert [(d.source, d.points) for d in made.deductions] == [
        (FRESHNESS, pytest.approx(50)),
        ("r.t.timeliness-10", pytest.approx(10)),
        ("r.t.uniqueness-2", pytest.approx(2)),
    ]


@pytest.mark.parametrize(
    ("bound", "metric", "violations", "figure"),
    [
        (Bound("<=", 25, "percent"), "invalidValues", 20, 100),
        (Bound("<=", 25, "percent"), "invalidValues", 30, 70),
        (Bound(">=", 95, "percent"), "sql", 96, 100),
        (Bound(">=", 95, "percent"), "sql", 90, 90),
        (Bound(">=", 1), "rowCount", 100, 100),
        (Bound(">=", 500), "rowCount", 100, 0),
    ],
)
def test_a_rule_over_the_whole_table_takes_only_outside_its_bound(
    bound: Bound, metric: str, violations: int, figure: float
) -> None:
    made = index(counted("coverage", violations, scope="table", metric=metric, bound=bound))
    assert made.words["completeness"] == pytest.approx(figure)


@settings(max_examples=repeats(40, 200))
@given(st.lists(st.tuples(st.sampled_from(sorted(OF_DIMENSION)), st.integers(0, 100)), max_size=8), st.integers(0, 100))
def test_the_figures_stay_between_0_and_100_and_no_rule_raises_them(rules: list[tuple[str, int]], more: int) -> None:
    counts = [counted(dimension, violations) for dimension, violations in rules]
    before, after = index(*counts), index(*counts, counted("accuracy", more))
    for made in (before, after):
        assert all(value is None or 0 <= value <= 100 for value in made.words.values())
    if before.words["accuracy"] is not None:
        assert (after.words["accuracy"] or 0) <= before.words["accuracy"] + 1e-9


def test_tables_and_registries_count_the_same_each() -> None:
    small, large = index(counted("accuracy", 1, 2)), index(counted("accuracy", 0, 10_000))
    together = mean_index([small, large])
    assert together.words["accuracy"] == pytest.approx(75)
    assert together.words["consistency"] is None
    assert not math.isnan(together.overall or 0)
    assert mean_index([]).words == dict.fromkeys(WORDS)
