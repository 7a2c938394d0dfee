"""Working days, and the day on which a request must be answered.

Decree 194/2025/NĐ-CP, Article 40(3), amends Article 35(3) of Decree 47/2020/NĐ-CP: within two working days of receiving
a request. Days count from the next day on and end at midnight in Việt Nam (Civil Code 91/2015/QH13, Articles 147, 148).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from include.sharing.agreements import HANOI

DAYS_TO_ANSWER = 2
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Mondays to Fridays without the days off, and days worked instead of one: `reference/holidays.csv`."""

    off: frozenset[date] = frozenset()
    instead: frozenset[date] = frozenset()

    @classmethod
    def load(cls, schemas: Path) -> WorkingDays:
        """The working days by the code list of a schemas folder; without the list, Mondays to Fridays."""
        path = schemas / "reference" / "holidays.csv"
        if not path.is_file():
            return cls()
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(date.fromisoformat(row["code"]), row["kind"]) for row in csv.DictReader(file)]
        off = frozenset(day for day, kind in rows if kind == "nghi")
        return cls(off, frozenset(day for day, kind in rows if kind == "lam_bu"))

    def is_working(self, day: date) -> bool:
        """Whether offices work on that day."""
        return day in self.instead or (day.weekday() < _SATURDAY and day not in self.off)

    def due_on(self, asked_at: datetime) -> date:
        """The last day for the answer to what came in at that instant."""
        day, left = asked_at.astimezone(HANOI).date(), DAYS_TO_ANSWER
        while left:
            day += timedelta(days=1)
            left -= self.is_working(day)
        return day


def is_late(due_on: date, at: datetime) -> bool:
    """Whether the last day is over at that instant."""
    return at.astimezone(HANOI).date() > due_on


def is_last_day(due_on: date, at: datetime) -> bool:
    """Whether the last day has come at that instant."""
    return at.astimezone(HANOI).date() >= due_on
