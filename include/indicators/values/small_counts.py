"""Figures as readers may see them: small counts hidden, so that nobody is found behind a number.

Where a numerator or denominator is from 1 to below the indicator's `minimumCell`, neither it nor the value is shown. If
that hides one member of a dimension, the next smallest is hidden too, because the total would tell it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from include.indicators.computation import Figure
from include.indicators.values.values_table import StoredFigure, StoredIndicator


@dataclass(frozen=True, slots=True)
class ShownIndicator:
    """An edition whose small counts are hidden: `hidden` are the (dimension, member) without numbers."""

    stored: StoredIndicator
    hidden: frozenset[tuple[str, str]]

    @property
    def total(self) -> StoredFigure:
        """The figure over everything counted."""
        return self.stored.total

    def is_hidden(self, figure: StoredFigure) -> bool:
        """Whether the figure's numbers may not be shown."""
        return (figure.dimension, figure.member) in self.hidden


def shown(stored: StoredIndicator, minimum_cell: int) -> ShownIndicator:
    """The edition without the numbers that tell of fewer than `minimum_cell` things."""
    hidden: set[tuple[str, str]] = set()
    for dimension in sorted({figure.dimension for figure in stored.figures}):
        figures = stored.of(dimension)
        small = {figure.member for figure in figures if is_small_count(figure, minimum_cell)}
        if dimension and len(small) == 1 and (second := _next_smallest(figures, small)) is not None:
            small.add(second)
        hidden |= {(dimension, member) for member in small}
    figures = tuple(
        replace(figure, numerator=None, denominator=None, value=None)
        if (figure.dimension, figure.member) in hidden
        else figure
        for figure in stored.figures
    )
    return ShownIndicator(replace(stored, figures=figures), frozenset(hidden))


def is_small_count(figure: StoredFigure | Figure, minimum_cell: int) -> bool:
    """Whether the figure's numerator or denominator is from 1 to below `minimum_cell`."""
    counts = [figure.numerator, figure.denominator]
    return any(count is not None and 0 < abs(count) < minimum_cell for count in counts)


def _next_smallest(figures: Sequence[StoredFigure], small: set[str]) -> str | None:
    others = [figure for figure in figures if figure.member not in small and figure.numerator]
    return min(others, key=lambda figure: (figure.numerator or Decimal(0), figure.member)).member if others else None
