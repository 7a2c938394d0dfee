"""Small counts are hidden from readers, and with them what would tell them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from include.indicators.computation import Figure
from include.indicators.values import StoredIndicator, shown


def stored(*counts: tuple[str, int, int]) -> StoredIndicator:
    members = [Figure("province", m, Decimal(n), Decimal(d), Decimal(100 * n) / d, "") for m, n, d in counts]
    total = Figure("", "", sum(f.numerator for f in members), sum(f.denominator for f in members), Decimal(1), "")
    at = datetime(2018, 4, 1, tzinfo=UTC)
    return StoredIndicator(
        "i", "calendar", "2018Q1", date(2018, 1, 1), date(2018, 4, 1), 1, "percent", 2, at, at, "r", "d", (), {},
        (total, *members),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ([("01", 10, 50), ("38", 20, 50)], set()),
        ([("01", 0, 50), ("38", 20, 50)], set()),  # none is not few
        ([("01", 4, 50), ("38", 20, 50), ("56", 9, 50)], {"01", "56"}),  # 4 alone would follow from the total
        ([("01", 4, 50), ("38", 1, 50), ("56", 9, 50)], {"01", "38", "56"}),  # 4 and 1 are 5 by the total
        ([("01", 1, 50), ("38", 1, 50), ("56", 100, 200)], {"01", "38", "56"}),  # both are 1 by the total
        ([("01", 100, 101), ("38", 20, 50), ("56", 9, 50)], {"01", "56"}),  # one person is left over
        ([("01", 0, 3), ("38", 20, 50), ("56", 9, 50)], {"01", "56"}),
    ],
)
def test_counts_below_the_minimum_are_hidden(counts, hidden):
    found = shown(stored(*counts), 5)
    assert {member for _, member in found.hidden} == hidden
    for figure in found.stored.of("province"):
        assert (figure.value is None) == (figure.member in hidden)


def test_an_indicator_without_a_minimum_hides_nothing():
    assert not shown(stored(("01", 1, 2), ("38", 1, 2)), 0).hidden
