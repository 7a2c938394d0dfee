"""What the report is made of: definitions and recorded values, and which of them may be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from include.indicators.definitions import Indicator, Period
from include.indicators.values import ShownIndicator

Definitions = Mapping[str, Indicator]


@dataclass(frozen=True, slots=True)
class ReportInputs:
    """Definitions, the period's values and those of the period before, names of agencies.

    `now` are the editions that this run's computation stands for, `failed` the ids of indicators without one, because
    they could not be computed. `before` and `earlier` are the newest editions, whatever they cover: of the period
    before, and of the quarters before this period by code, for the indicators that are drawn.
    """

    definitions: Definitions
    now: Mapping[str, ShownIndicator]
    failed: tuple[str, ...]
    before: Mapping[str, ShownIndicator]
    earlier: Mapping[str, Mapping[str, ShownIndicator]]
    agencies: Mapping[str, str]

    def comparable_before(self, name: str) -> ShownIndicator | None:
        """The edition of the period before; None if there is none that may be compared."""
        before = self.before.get(name)
        return before if before and self.now[name].stored.is_comparable_to(before.stored) else None

    def course(self, name: str, period: Period) -> dict[str, ShownIndicator | None]:
        """The editions of an indicator by quarter, oldest first, the period's own last.

        It begins with the first that may be compared with the period's; None where a quarter has none.
        """
        now = self.now[name]
        found = {code: one for code, one in self.earlier[name].items() if now.stored.is_comparable_to(one.stored)}
        quarters, quarter, left = [period.code], period, len(found)
        while left:
            quarter = quarter.previous()
            quarters.append(quarter.code)
            left -= quarter.code in found
        return {code: found.get(code) for code in quarters[:0:-1]} | {period.code: now}

    def agency(self, code: str) -> str:
        """An agency's name with its code."""
        name = self.agencies.get(code)
        return f"{name} ({code})" if name else code
