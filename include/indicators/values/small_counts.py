"""Figures as readers may see them: small counts hidden, so that nobody is found behind a number.

Where a numerator or denominator, or what lies between them, is from 1 to below the indicator's `minimumCell`, neither
it nor the value is shown. Because the total tells the sum of what is hidden of a dimension, the next smallest members
are hidden too, until that sum is at least twice the cell. It does not protect against who
knows one of the hidden counts, nor against two indicators of the same persons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from include.indicators.computation import Figure
from include.indicators.values.values_table import StoredIndicator


@dataclass(frozen=True, slots=True)
class ShownIndicator:
    """An edition whose small counts are hidden: `hidden` are the (dimension, member) without numbers."""

    stored: StoredIndicator
    hidden: frozenset[tuple[str, str]]

    @property
    def total(self) -> Figure:
        """The figure over everything counted."""
        return self.stored.total

    def is_hidden(self, figure: Figure) -> bool:
        """Whether the figure's numbers may not be shown."""
        return (figure.dimension, figure.member) in self.hidden


def shown(stored: StoredIndicator, minimum_cell: int) -> ShownIndicator:
    """The edition without the numbers that tell of fewer than `minimum_cell` things."""
    hidden: set[tuple[str, str]] = set()
    for dimension in sorted({figure.dimension for figure in stored.figures}):
        figures = stored.of(dimension)
        small = {figure.member for figure in figures if is_small_count(figure, minimum_cell)}
        while dimension and small and _sum_tells(figures, small, minimum_cell):
            if (following := _next_smallest(figures, small)) is None:
                break
            small.add(following)
        hidden |= {(dimension, member) for member in small}
    figures = tuple(
        replace(figure, numerator=None, denominator=None, value=None)
        if (figure.dimension, figure.member) in hidden
        else figure
        for figure in stored.figures
    )
    return ShownIndicator(replace(stored, figures=figures), frozenset(hidden))


def is_small_count(figure: Figure, minimum_cell: int) -> bool:
    """Whether the figure's numerator or denominator, or their difference, is from 1 to below `minimum_cell`."""
    return any(_is_small(count, minimum_cell) for count in _counts(figure))


def _counts(figure: Figure) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    counted, out_of = figure.numerator, figure.denominator
    return counted, out_of, None if counted is None or out_of is None else out_of - counted


def _is_small(count: Decimal | None, minimum_cell: int) -> bool:
    return count is not None and 0 < abs(count) < minimum_cell


def _sum_tells(figures: Sequence[Figure], small: set[str], minimum_cell: int) -> bool:
    """Whether the sum of what is hidden, which total and shown members tell, is too small to hide a small count."""
    hidden = [_counts(figure) for figure in figures if figure.member in small]
    sums = [
        sum(count for count in counts if count is not None)
        for counts in zip(*hidden, strict=True)
        if any(_is_small(count, minimum_cell) for count in counts)
    ]
    return len(hidden) == 1 or any(total < 2 * minimum_cell for total in sums)


def _next_smallest(figures: Sequence[Figure], small: set[str]) -> str | None:
    others = [figure for figure in figures if figure.member not in small and figure.numerator]
    return min(others, key=lambda figure: (figure.numerator or Decimal(0), figure.member)).member if others else None
