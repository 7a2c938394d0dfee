"""Figures as readers may see them: without the numbers that were suppressed, so that nobody is found behind one.

What is suppressed was decided when the figures were counted (include/indicators/computation/suppressing.py). It does
not protect against who knows one of the hidden counts, nor against two indicators of the same persons, or two editions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    """The edition without the numbers that tell of few; without any, if it was counted under a lower minimum.

    What else a higher minimum hides is known when the indicator is computed again.
    """
    is_outdated = minimum_cell > stored.minimum_cell
    figures = tuple(_without_numbers(one) if one.is_suppressed or is_outdated else one for one in stored.figures)
    hidden = [one for one in stored.figures if one.is_suppressed or (is_outdated and not one.reason)]
    return ShownIndicator(replace(stored, figures=figures), frozenset((one.dimension, one.member) for one in hidden))


def _without_numbers(figure: Figure) -> Figure:
    return replace(figure, numerator=None, denominator=None, value=None)
