"""Reporting periods: quarters by one of two rules, and the state as of a day.

Days are Vietnamese days. Source: Decree 09/2019/NĐ-CP, Article 12 (data of a quarterly report run from the 15th day of
the month before the quarter to the 14th day of its last month); calendar quarters as in Decision 766/QĐ-TTg (2022).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, get_args

from include.contracts.words import HANOI

Scheme = Literal["calendar", "decree-09", "as-of"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
_QUARTER = re.compile(r"([12][0-9]{3})Q([1-4])")
_DAY = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}")
_REMEDY = "write a quarter such as 2018Q1, or a day such as 2018-03-31 for the state as of its end"


class PeriodRefused(ValueError):
    """A text that is no period, or none of the scheme."""


@dataclass(frozen=True, slots=True)
class Period:
    """A period by a scheme: the days from `start` to before `end`. `code` is `2018Q1`, or a day (state as of it)."""

    code: str
    scheme: Scheme
    start: date
    end: date

    @property
    def ends_at(self) -> datetime:
        """The instant at which it is over, in UTC."""
        return datetime(self.end.year, self.end.month, self.end.day, tzinfo=HANOI).astimezone(UTC)

    def previous(self) -> Period:
        """The quarter before; of a day the end of the calendar quarter before."""
        matched = _QUARTER.fullmatch(self.code)
        if matched is None:
            return period_of(quarter_of(self.start - timedelta(days=1)), self.scheme)
        year, number = int(matched[1]), int(matched[2])
        return period_of(f"{year}Q{number - 1}" if number > 1 else f"{year - 1}Q4", self.scheme)


def period_of(code: str, scheme: Scheme) -> Period:
    """The period that a code means in a scheme.

    Raises:
        PeriodRefused: it is none.
    """
    if matched := _QUARTER.fullmatch(code):
        year, number = int(matched[1]), int(matched[2])
        start, end = _first(year, number), _first(year + number // 4, number % 4 + 1)
        if scheme == "decree-09":
            start, end = _fifteenth_before(start), _fifteenth_before(end)
        return Period(code, scheme, start, end)
    try:
        day = date.fromisoformat(code if _DAY.fullmatch(code) else "")
    except ValueError:
        raise PeriodRefused(f"`{code}` is no period: {_REMEDY}") from None
    if scheme != "as-of":
        raise PeriodRefused(f"the scheme `{scheme}` has quarters, not the day {code}: write e.g. {quarter_of(day)}")
    return Period(code, scheme, _first(day.year, (day.month + 2) // 3), day + timedelta(days=1))


def quarter_of(day: date) -> str:
    """The calendar quarter of a day."""
    return f"{day.year}Q{(day.month + 2) // 3}"


def last_quarter(day: date) -> str:
    """The last calendar quarter that was over on a day."""
    return quarter_of(_first(day.year, (day.month + 2) // 3) - timedelta(days=1))


def _first(year: int, quarter: int) -> date:
    return date(year, 3 * quarter - 2, 1)


def _fifteenth_before(first: date) -> date:
    return (first - timedelta(days=1)).replace(day=15)
