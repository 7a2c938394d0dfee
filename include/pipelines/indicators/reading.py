"""What is known of indicators: their definitions, and their recorded values as readers may see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from include.contracts.yaml_files import files_of
from include.indicators.definitions import Indicator, readable_indicators
from include.indicators.values import ShownIndicator, latest_editions, shown, stored_editions
from include.pipelines.context import PipelineContext
from include.pipelines.errors import no_values_escape


@dataclass(frozen=True, slots=True)
class IndicatorListed:
    """An indicator and the periods for which it has values, oldest first."""

    indicator: Indicator
    periods: tuple[str, ...]


def list_indicators(context: PipelineContext) -> tuple[tuple[IndicatorListed, ...], tuple[str, ...]]:
    """Every indicator that can be read, with its periods; and the files of those that cannot."""
    with no_values_escape("listing indicators"):
        found, problems = readable_indicators(context.schemas)
        periods: dict[str, dict[str, None]] = {}
        for one in stored_editions(context.lake):
            periods.setdefault(one.indicator, {})[one.period] = None
        listed = [IndicatorListed(found[name], tuple(periods.get(name, ()))) for name in found]
        return tuple(listed), files_of(problems)


@dataclass(frozen=True, slots=True)
class IndicatorCourse:
    """An indicator with the newest edition of each of its periods, oldest first, as readers may see them."""

    indicator: Indicator
    periods: tuple[ShownIndicator, ...]

    @property
    def newest(self) -> ShownIndicator | None:
        """The last period that has values."""
        return self.periods[-1] if self.periods else None

    def of_member(self, dimension: str, member: str) -> tuple[Decimal, ...]:
        """The values that a member had (both empty for the total) by the newest's definition, oldest first."""
        figures = [
            figure
            for one in self.periods
            if one.stored.definition_digest == self.periods[-1].stored.definition_digest
            for figure in one.stored.of(dimension)
            if figure.member == member
        ]
        return tuple(figure.value for figure in figures if figure.value is not None)


def indicator_courses(context: PipelineContext, name: str = "") -> tuple[IndicatorCourse, ...]:
    """The course of every indicator over its periods, or of the one named (none if there is no such indicator)."""
    with no_values_escape("reading indicators"):
        definitions = readable_indicators(context.schemas)[0]
        found: dict[str, dict[str, ShownIndicator]] = {one: {} for one in definitions if name in ("", one)}
        for stored in stored_editions(context.lake, indicator=name):
            if stored.indicator in found:
                cell = definitions[stored.indicator].minimum_cell
                found[stored.indicator][stored.period] = shown(stored, cell)
        return tuple(IndicatorCourse(definitions[one], tuple(periods.values())) for one, periods in found.items())


def values_shown(
    context: PipelineContext, period: str, indicators: Sequence[str] = (), *, every_edition: bool = False
) -> tuple[ShownIndicator, ...]:
    """The recorded values of a period as readers may see them: the newest edition of each, or every edition."""
    with no_values_escape("reading indicators"):
        definitions = readable_indicators(context.schemas)[0]
        if every_edition:
            stored = stored_editions(context.lake, period=period)
        else:
            stored = tuple(latest_editions(context.lake, period).values())
        return tuple(
            shown(one, definitions[one.indicator].minimum_cell)
            for one in stored
            if one.indicator in definitions and (not indicators or one.indicator in indicators)
        )
