"""Cells of a table of counts and sums: groups of rows with equal group values, and the totals over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product as combinations_of

from include.known_error import KnownError

TOTAL, UNKNOWN = "_T", "_U"
"""Codes of SDMX for the total over a column and for no value."""

Key = tuple[str, ...]
"""Group values of a cell, in the order of the group columns; TOTAL for a column that is summed over."""


class StatisticsRefused(KnownError, ValueError):
    """Counts and sums that cannot be published; the message says why, and holds no value of a row."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a group of rows comes to; the last three have a figure for each summed column.

    `largest`: the largest and second largest contribution, as absolute values; `absolute`: the sum of the absolute
    values; `least`: the smallest value.
    """

    count: int
    sums: tuple[Decimal, ...] = ()
    absolute: tuple[Decimal, ...] = ()
    largest: tuple[tuple[Decimal, Decimal], ...] = ()
    least: tuple[Decimal, ...] = ()

    def joined(self, other: Cell) -> Cell:
        """Both cells as one."""
        return Cell(
            self.count + other.count,
            tuple(a + b for a, b in zip(self.sums, other.sums, strict=True)),
            tuple(a + b for a, b in zip(self.absolute, other.absolute, strict=True)),
            tuple(two_largest(a, b) for a, b in zip(self.largest, other.largest, strict=True)),
            tuple(min(a, b) for a, b in zip(self.least, other.least, strict=True)),
        )


def margins(cells: Mapping[Key, Cell]) -> dict[Key, Cell]:
    """The totals over every set of group columns, by group values with TOTAL for each column that is summed over."""
    found: dict[Key, Cell] = {}
    for key, cell in cells.items():
        for total in margins_of(key):
            found[total] = found[total].joined(cell) if total in found else cell
    return found


def margins_of(key: Key) -> list[Key]:
    """The totals in which a cell is contained."""
    return [total for total in combinations_of(*((value, TOTAL) for value in key)) if total != key]


def two_largest(first: Sequence[Decimal], second: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """The largest and second largest of the absolute values in both."""
    one, two, *_ = sorted([*map(Decimal, first), *map(Decimal, second), Decimal(0), Decimal(0)], reverse=True)
    return one, two
