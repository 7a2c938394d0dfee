"""Held figures: what a product's cells count for from version to version, so that no version tells of few persons.

Versions are compared by those who have both. So a cell keeps its former figure until it has changed by the minimum or
more, and never takes a figure from 1 to below the minimum; all totals are sums of held figures, and fit them. What is
suppressed stays so, and its held count may only grow (by the minimum or more): whatever table looked possible in the
first version, with the same growth looks possible in every later one, so later versions narrow nothing down. Cells that
are linked by totals are shown at last when all of them are large.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from include.sharing.agreements import Statistics
from include.sharing.statistics.cells import TOTAL, Cell, Key, margins_of
from include.sharing.statistics.suppression import Pattern, choose, is_sensitive

_ROOM = 2
"""Suppressed cells are shown when each has this many times the minimum."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Held count and sums of a cell."""

    count: int
    sums: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """The held figures of all cells that have rows, and what of them is suppressed."""

    cells: Mapping[Key, Figures] = field(default_factory=dict)
    pattern: Pattern = field(default_factory=Pattern)


def advance(former: Held | None, cells: Mapping[Key, Cell], rule: Statistics) -> Held:
    """The figures to hold now that the source has these cells; without former ones, the figures of the cells."""
    if former is None:
        return Held({key: _figures(cell) for key, cell in cells.items()}, choose(cells, rule))
    none = Cell(0, (Decimal(0),) * len(rule.sums))
    held = {
        key: _next(former.cells.get(key, _figures(none)), cells.get(key, none), key in former.pattern.cells, rule)
        for key in sorted({*cells, *former.cells})
    }
    shown: set[Key] = set()
    for linked in _linked(former.pattern):
        if _can_be_shown(linked, former, cells, rule):
            held |= {key: _figures(cells[key]) for key in linked}
            shown |= linked
    suppressed = former.pattern.cells - shown
    still = {total for key in suppressed for total in margins_of(key)}
    pattern = Pattern(suppressed, former.pattern.margins & still)
    return Held({key: figures for key, figures in held.items() if figures.count}, pattern)


def _figures(cell: Cell) -> Figures:
    return Figures(cell.count, cell.sums)


def _next(old: Figures, cell: Cell, is_suppressed: bool, rule: Statistics) -> Figures:
    grown = cell.count - old.count
    if is_suppressed:
        # Sums of suppressed cells are not renewed: by how much they may grow depends on who is in them.
        return _figures(cell) if grown >= rule.minimum and not rule.sums else old
    is_large = not cell.count or not is_sensitive(cell, rule)
    return _figures(cell) if abs(grown) >= rule.minimum and is_large else old


def _can_be_shown(linked: set[Key], former: Held, cells: Mapping[Key, Cell], rule: Statistics) -> bool:
    """Whether all are large now, and no published total over them would change by a few rows."""
    if any(
        key not in cells or cells[key].count < _ROOM * rule.minimum or is_sensitive(cells[key], rule) for key in linked
    ):
        return False
    change: dict[Key, int] = {}
    for key in linked:
        for total in margins_of(key) if rule.totals else ():
            change[total] = change.get(total, 0) + cells[key].count - former.cells[key].count
    return all(not by or abs(by) >= rule.minimum for total, by in change.items() if total not in former.pattern.margins)


def _linked(pattern: Pattern) -> list[set[Key]]:
    """The suppressed cells, in sets that no published total links with each other.

    A total that is the sum of smaller published totals says nothing that these do not.
    """
    group = {key: {key} for key in sorted(pattern.cells)}
    inside: dict[Key, list[Key]] = {}
    for key in group:
        for total in margins_of(key):
            inside.setdefault(total, []).append(key)
    for total, keys in inside.items():
        if total in pattern.margins or _is_implied(total, keys, pattern):
            continue
        joined = set().union(*(group[key] for key in keys))
        for key in joined:
            group[key] = joined
    return list({id(found): found for found in group.values()}.values())


def _is_implied(total: Key, keys: Iterable[Key], pattern: Pattern) -> bool:
    """Whether the suppressed cells of a total lie in smaller totals that are published, along one column."""
    summed = [place for place, value in enumerate(total) if value == TOTAL]
    if len(summed) < 2:
        return False
    return any(
        all((*total[:place], key[place], *total[place + 1 :]) not in pattern.margins for key in keys)
        for place in summed
    )
