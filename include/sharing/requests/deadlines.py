"""Working days, and the day on which a request must be answered.

Decree 194/2025/NĐ-CP, Article 40(3), amends Article 35(3) of Decree 47/2020/NĐ-CP: within two working days of receiving
a request. Days count from the next day on and end at midnight in Việt Nam (Civil Code 91/2015/QH13, Articles 147, 148).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from include.contracts.yaml_files import Problem
from include.sharing.agreements import HANOI

DAYS_TO_ANSWER = 2
HOLIDAYS = Path("reference") / "holidays.csv"
_SATURDAY = 5
_EVERY_YEAR = ((1, 1), (4, 30), (5, 1), (9, 2))
"""Month and day of the days off that are the same each year (Labour Code 45/2019/QH14, Article 112)."""
_LAST_QUARTER = 10
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
            rows = [(date.fromisoformat(row["code"]), row["kind"]) for row in csv.DictReader(file)]
        off = frozenset(day for day, kind in rows if kind == "nghi")
        return cls(off, frozenset(day for day, kind in rows if kind == "lam_bu"))

    def is_announced(self, year: int) -> bool:
        """Whether the list has the days off of Tết of that year, and the second one of National Day."""
        first, after = (date(year, *day) for day in _TET)
        beside = {date(year, 9, 1), date(year, 9, 3)}
        return any(first <= day < after for day in self.off) and not beside.isdisjoint(self.off)

    def is_working(self, day: date) -> bool:
        """Whether offices work on that day."""
        is_off = day in self.off or day in _every_year(day.year)
        return day in self.instead or (day.weekday() < _SATURDAY and not is_off)

    def due_on(self, asked_at: datetime) -> date:
        """The last day for the answer to what came in at that instant."""
        day, left = asked_at.astimezone(HANOI).date(), DAYS_TO_ANSWER
        while left:
            day += timedelta(days=1)
            left -= self.is_working(day)
        return day


def holiday_problems(schemas: Path, today: date) -> list[Problem]:
    """Warnings of years whose announced days off the list lacks: this year, and in its last quarter the next one."""
    if not (schemas / HOLIDAYS).is_file():
        return []
    days = WorkingDays.load(schemas)
    years = (today.year, today.year + 1) if today.month >= _LAST_QUARTER else (today.year,)
    return [
        Problem(
            schemas / HOLIDAYS, 0, "", f"the days off of Tết and National Day {year} are not in the list",
            "add them when the Government has announced them: until then, last days to answer may be too early",
            "warning",
        )
        for year in years
        if not days.is_announced(year)
    ]  # fmt: skip


def _every_year(year: int) -> frozenset[date]:
    """The days off that are the same each year, and the working days after those on a week-end."""
    found: set[date] = {date(year, *day) for day in _EVERY_YEAR}
    for lost in sorted(day for day in found if day.weekday() >= _SATURDAY):
        instead = lost
        while instead in found or instead.weekday() >= _SATURDAY:
            instead += timedelta(days=1)
        found.add(instead)
    return frozenset(found)


def is_late(due_on: date, at: datetime) -> bool:
    """Whether the last day is over at that instant."""
    return at.astimezone(HANOI).date() > due_on


def is_last_day(due_on: date, at: datetime) -> bool:
    """Whether the last day has come at that instant."""
    return at.astimezone(HANOI).date() >= due_on
