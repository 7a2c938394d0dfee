"""Working days: Mondays to Fridays without days off, and days worked instead.

Source: Labour Code 45/2019/QH14, Articles 111(3) and 112.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from include.contracts.words import day_of

HOLIDAYS = Path("reference") / "holidays.csv"
_SATURDAY = 5
_EVERY_YEAR = ((1, 1), (4, 30), (5, 1), (9, 2))
"""Month and day of the days off that are the same each year (Labour Code 45/2019/QH14, Article 112)."""
_TET = ((1, 15), (3, 1))  # first day on which days off of Tết may be, and the first after


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Mondays to Fridays without the days off, and days worked instead of one.

    Days off are those of every year, with the working day after one on a week-end (Article 111(3)), and those that the
    Government announces for each year, which the list `reference/holidays.csv` has.
    """

    off: frozenset[date] = frozenset()
    instead: frozenset[date] = frozenset()

    @classmethod
    def load(cls, schemas: Path) -> WorkingDays:
        """The working days by the code list of a schemas folder; without the list, by the days of every year."""
        path = schemas / HOLIDAYS
        if not path.is_file():
            return cls()
        with path.open(encoding="utf-8", newline="") as file:
            return cls.of((row["code"], row["kind"]) for row in csv.DictReader(file))

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str]]) -> WorkingDays:
        """The working days by the rows of the code list, each a day and its kind: `nghi` off, `lam_bu` worked."""
        days = [(date.fromisoformat(day), kind) for day, kind in rows]
        off, instead = (frozenset(day for day, of in days if of == kind) for kind in ("nghi", "lam_bu"))
        return cls(off, instead)

    def is_announced(self, year: int) -> bool:
        """Whether the list has the days off of Tết of that year, and the second one of National Day."""
        first, after = (date(year, *day) for day in _TET)
        beside = {date(year, 9, 1), date(year, 9, 3)}
        return any(first <= day < after for day in self.off) and not beside.isdisjoint(self.off)

    def is_working(self, day: date) -> bool:
        """Whether offices work on that day."""
        is_off = day in self.off or day in _every_year(day.year)
        return day in self.instead or (day.weekday() < _SATURDAY and not is_off)

    def due_on(self, asked_at: datetime, days: int) -> date:
        """The last day for what must be done within so many working days of an instant, counted from the next day."""
        day, left = day_of(asked_at), days
        while left:
            day += timedelta(days=1)
            left -= self.is_working(day)
        return day

    def numbered(self) -> Iterator[tuple[date, int, int]]:
        """Each day of the years whose announced days off the list has: the day, its span, its number.

        A span is a row of such years without one that is not announced. In a span, the difference of two days' numbers
        is how many working days lie after the one, up to the other.
        """
        span, number, before = 0, 0, 0
        for year in sorted({day.year for day in self.off}):
            if not self.is_announced(year):
                continue
            span += year != before + 1
            before, day = year, date(year, 1, 1)
            while day.year == year:
                number += self.is_working(day)
                yield day, span, number
                day += timedelta(days=1)


def _every_year(year: int) -> frozenset[date]:
    """The days off that are the same each year, and the working days after those on a week-end."""
    found: set[date] = {date(year, *day) for day in _EVERY_YEAR}
    for lost in sorted(day for day in found if day.weekday() >= _SATURDAY):
        instead = lost
        while instead in found or instead.weekday() >= _SATURDAY:
            instead += timedelta(days=1)
        found.add(instead)
    return frozenset(found)
