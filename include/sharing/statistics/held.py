"""Held figures: what a product's cells count for from version to version, so that no two versions tell of few persons.

Versions are compared by those who have both. So a held count moves in whole steps of the minimum: it follows the source
to less than one step, and any two versions of any cell or total, which is a sum of held counts, differ by a multiple of
the minimum. A count that is shown is never from 1 to below the minimum. What is suppressed stays so, and its held count
may only grow: whatever table looked possible in the first version, with the same growth looks possible in every later
one, so later versions narrow nothing down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from include.disclosure_control import Cell, Key, Pattern, choose, is_sensitive
from include.sharing.agreements import Statistics


@dataclass(frozen=True, slots=True)
class Figures:
    """Held count and sums of a cell. `rows`: how many rows the sums were taken of; None where it was not noted."""

    count: int
    sums: tuple[Decimal, ...] = ()
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """The held figures of all cells that have rows, and what of them is suppressed.

    `earlier`: of cells with sums, the figures that were shown with other counts.
    """

    cells: Mapping[Key, Figures] = field(default_factory=dict)
    pattern: Pattern = field(default_factory=Pattern)
    earlier: Mapping[Key, Mapping[int, Figures]] = field(default_factory=dict)


def advance(former: Held | None, cells: Mapping[Key, Cell], rule: Statistics) -> Held:
    """The figures to hold now that the source has these cells; without former ones, the figures of the cells."""
    if former is None:
        return Held({key: _taken(cell.count, cell) for key, cell in cells.items()}, choose(cells, rule))
    none = (Decimal(0),) * len(rule.sums)
    held: dict[Key, Figures] = {}
    earlier: dict[Key, Mapping[int, Figures]] = {}
    for key in sorted({*cells, *former.cells, *former.earlier}):
        before, cell = former.cells.get(key, Figures(0, none)), cells.get(key, Cell(0, none))
        if key in former.pattern.cells:
            figures = _grown(before, cell, rule)
        else:
            shown = dict(former.earlier.get(key, {}))
            if rule.sums and before.count:
                shown[before.count] = before
            figures = _followed(before, cell, rule, shown)
            shown.pop(figures.count, None)
            if shown:
                earlier[key] = shown
        if figures.count:
            held[key] = figures
    return Held(held, former.pattern, earlier)


def _taken(count: int, cell: Cell) -> Figures:
    return Figures(count, cell.sums, cell.count if cell.sums else None)


def _followed(before: Figures, cell: Cell, rule: Statistics, shown: Mapping[int, Figures]) -> Figures:
    """Figures of a cell that is shown; `shown` are those it had, by count. A count that was shown has its sums again.

    Else two versions of one count could differ by what a single person has. New sums are of at least `minimum` rows
    more or fewer than any that were shown; until then, the figures of the nearest number of rows are shown.
    """
    step = rule.minimum
    change = cell.count - before.count
    count = before.count + (abs(change) // step * step if change > 0 else -(abs(change) // step * step))
    if 0 < count < step:
        count += step
    tells = bool(rule.sums) and (cell.count < step or is_sensitive(cell, rule))
    if count == before.count or (count and tells):
        return before
    if count in shown:
        return shown[count]
    if count and not all(_is_apart(figures, cell, step) for figures in shown.values()):
        return min(shown.values(), key=lambda one: (abs((one.rows or one.count) - cell.count), one.count))
    return _taken(count, cell)


def _is_apart(figures: Figures, cell: Cell, step: int) -> bool:
    """Whether the cell has at least `step` rows more or fewer than the sums were taken of.

    Where that number is not known, it is less than a step from the count.
    """
    if figures.rows is None:
        return abs(cell.count - figures.count) >= 2 * step - 1
    return abs(cell.count - figures.rows) >= step


def _grown(before: Figures, cell: Cell, rule: Statistics) -> Figures:
    """Figures of a suppressed cell. Its sums stay: by how much they may grow depends on who is in it."""
    steps = (cell.count - before.count) // rule.minimum
    return Figures(before.count + steps * rule.minimum) if steps > 0 and not rule.sums else before
