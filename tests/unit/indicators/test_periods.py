"""Periods by each scheme, and numbers rounded half up."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from include.indicators.computation import rounded_half_up, value_of
from include.indicators.definitions import PeriodRefused, last_quarter, period_of, quarter_of


@pytest.mark.parametrize(
    ("code", "scheme", "start", "end"),
    [
        ("2018Q1", "calendar", date(2018, 1, 1), date(2018, 4, 1)),
        ("2018Q4", "calendar", date(2018, 10, 1), date(2019, 1, 1)),
        ("2018Q1", "decree-09", date(2017, 12, 15), date(2018, 3, 15)),
        ("2018Q4", "decree-09", date(2018, 9, 15), date(2018, 12, 15)),
        ("2018Q2", "as-of", date(2018, 4, 1), date(2018, 7, 1)),
        ("2016-10-31", "as-of", date(2016, 10, 1), date(2016, 11, 1)),
        ("2016-03-24", "as-of", date(2016, 1, 1), date(2016, 3, 25)),
    ],
)
def test_a_code_means_these_days(code, scheme, start, end):
    period = period_of(code, scheme)
    assert (period.start, period.end) == (start, end)


@pytest.mark.parametrize(
    ("code", "scheme", "before"),
    [
        ("2018Q1", "calendar", "2017Q4"),
        ("2018Q3", "decree-09", "2018Q2"),
        ("2018-03-24", "as-of", "2017Q4"),
    ],
)
def test_the_period_before(code, scheme, before):
    assert period_of(code, scheme).previous().code == before


@pytest.mark.parametrize(
    "code", ["2018", "2018Q5", "Q1", "2018-13-01", "2018q1", "", "20180331", "2018-W13-6", "٢٠١٨Q1", "0000Q1", "9999Q4"]
)
def test_what_is_no_period_is_refused_with_a_remedy(code):
    with pytest.raises(PeriodRefused, match="2018Q1"):
        period_of(code, "as-of")


def test_a_day_is_no_quarter():
    with pytest.raises(PeriodRefused, match="2018Q1"):
        period_of("2018-03-31", "calendar")


def test_a_period_is_over_at_midnight_in_viet_nam():
    assert period_of("2018Q1", "calendar").ends_at == datetime(2018, 3, 31, 17, 0, tzinfo=UTC)
    assert quarter_of(date(2018, 3, 31)) == "2018Q1"
    assert [last_quarter(date(2018, month, 1)) for month in (1, 3, 4, 12)] == ["2017Q4", "2017Q4", "2018Q1", "2018Q3"]


@pytest.mark.parametrize(
    ("numerator", "denominator", "digits", "value"),
    [
        (376, 1551, 2, "24.24"),
        (4396, 45374, 2, "9.69"),
        (991, 1545, 2, "64.14"),
        (4853, 31471, 2, "15.42"),
        (53, 73, 1, "72.6"),
        (31, 73, 0, "42"),
        (1, 8, 1, "12.5"),
        (1, 800, 2, "0.13"),  # 0.125: half up, where binary floats and half-even say 0.12
        (1005, 100000, 2, "1.01"),  # 1.005, which no binary float is
        (0, 5, 2, "0.00"),
    ],
)
def test_a_share_is_rounded_half_up(numerator, denominator, digits, value):
    found = value_of(Decimal(numerator), Decimal(denominator), is_share=True, digits=digits)
    assert str(found) == value


def test_a_share_of_nothing_is_no_number():
    assert value_of(Decimal(0), Decimal(0), is_share=True, digits=2) is None


def test_halves_go_away_from_zero():
    assert [rounded_half_up(Fraction(n, 2), 0) for n in (5, 3, -5, -3)] == [3, 2, -3, -2]
