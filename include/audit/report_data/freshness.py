"""Freshness of a table against its contract's schedule, by missed scheduled runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from croniter import croniter  # type: ignore[import-untyped]

from include.contracts.model import Sla
from include.contracts.words import HANOI

_ENOUGH = 1000


@dataclass(frozen=True, slots=True)
class Freshness:
    """Freshness of one table.

    `last_good_at`: start of the last run that published or found nothing changed. `missed`: scheduled runs since
    then whose deadline has passed. `took_too_long`: that run itself exceeded its deadline.

    Of a table that several servers deliver, `parts` are their freshness; the fields are those of the worst.
    """

    last_good_at: datetime | None
    next_deadline: datetime | None
    missed: int
    took_too_long: bool
    parts: tuple[Freshness, ...] = ()

    @property
    def is_fresh(self) -> bool:
        """Whether the table meets its schedule."""
        if self.parts:
            return all(part.is_fresh for part in self.parts)
        return self.last_good_at is not None and self.missed == 0

    @property
    def score(self) -> float | None:
        """100 / (1 + missed): 100, 50, 33.3, 25 ... None if no run was ever good.

        Of several servers the mean of theirs, 0 for one that never delivered.
        """
        if self.parts and self.last_good_at is not None:
            return sum(part.score or 0.0 for part in self.parts) / len(self.parts)
        return None if self.last_good_at is None else 100 / (1 + self.missed)


NEVER = Freshness(None, None, 0, False)


def freshness_of(sla: Sla, *, last_good_at: datetime | None, seconds: float, at: datetime) -> Freshness:
    """Freshness of a table at the instant `at`, by its contract's schedule (cron, Hà Nội time) and deadline."""
    if last_good_at is None:
        return NEVER
    due = croniter(sla.schedule, last_good_at.astimezone(HANOI))
    missed = 0
    scheduled: datetime = due.get_next(datetime)
    while scheduled + sla.deadline < at and missed < _ENOUGH:
        missed += 1
        scheduled = due.get_next(datetime)
    late = timedelta(seconds=seconds) > sla.deadline
    return Freshness(last_good_at, (scheduled + sla.deadline).astimezone(UTC), missed, late)


def combined(parts: Sequence[Freshness]) -> Freshness:
    """Freshness of a table of which each of several servers delivers a part."""
    good = [part.last_good_at for part in parts if part.last_good_at]
    due = [part.next_deadline for part in parts if part.next_deadline]
    missed = max((part.missed for part in parts), default=0)
    late = any(part.took_too_long for part in parts)
    return Freshness(min(good, default=None), min(due, default=None), missed, late, tuple(parts))
