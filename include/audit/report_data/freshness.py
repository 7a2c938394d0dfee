"""Freshness of a table against its contract's schedule, by missed scheduled runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter  # type: ignore[import-untyped]

from include.contracts.model import Sla

SCHEDULE_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_ENOUGH = 1000


@dataclass(frozen=True, slots=True)
class Freshness:
    """Freshness of one table.

    `last_good_at`: start of the last run that published or found nothing changed. `missed`: scheduled runs since
    then whose deadline has passed. `took_too_long`: that run itself exceeded its deadline.
    """

    last_good_at: datetime | None
    next_deadline: datetime | None
    missed: int
    took_too_long: bool

    @property
    def is_fresh(self) -> bool:
        """Whether the table meets its schedule."""
        return self.last_good_at is not None and self.missed == 0

    @property
    def score(self) -> float | None:
        """100 / (1 + missed): 100, 50, 33.3, 25 ... None if no run was ever good."""
        return None if self.last_good_at is None else 100 / (1 + self.missed)


NEVER = Freshness(None, None, 0, False)


def freshness(sla: Sla, *, last_good_at: datetime | None, seconds: float, at: datetime) -> Freshness:
    """Freshness of a table at the instant `at`, by its contract's schedule (cron, Hà Nội time) and deadline."""
    if last_good_at is None:
        return NEVER
    due = croniter(sla.schedule, last_good_at.astimezone(SCHEDULE_ZONE))
    missed = 0
    scheduled: datetime = due.get_next(datetime)
    while scheduled + sla.deadline < at and missed < _ENOUGH:
        missed += 1
        scheduled = due.get_next(datetime)
    late = timedelta(seconds=seconds) > sla.deadline
    return Freshness(last_good_at, (scheduled + sla.deadline).astimezone(UTC), missed, late)
