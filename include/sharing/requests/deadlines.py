"""The day on which a request must be answered.

Decree 194/2025/NĐ-CP, Article 40(3), amends Article 35(3) of Decree 47/2020/NĐ-CP: within two working days of receiving
a request. Days count from the next day on and end at midnight in Việt Nam (Civil Code 91/2015/QH13, Articles 147, 148).
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from include.contracts.words import day_of
from include.contracts.yaml_files import Problem
from include.vietnam import HOLIDAYS, WorkingDays

DAYS_TO_ANSWER = 2
_LAST_QUARTER = 10


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


def is_late(due_on: date, at: datetime) -> bool:
    """Whether the last day is over at that instant."""
    return day_of(at) > due_on


def is_last_day(due_on: date, at: datetime) -> bool:
    """Whether the last day has come at that instant."""
    return day_of(at) >= due_on
