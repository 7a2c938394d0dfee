"""Choice of the cells to suppress: sensitive ones, and others so that totals do not give them back.

A sensitive cell is protected by a *move*: another table that an outsider cannot tell from the true one, as all that is
published is the same, in which the sensitive cell is larger by `minimum - 1` rows (and its sums by p % of the largest
contribution). A move adds at some cells and takes the same away at others; the cells are the corners of a box, so that
totals over a side of the box do not change (the hypercube method: R. D. Repsilber, 1994; S. Giessing and R. D.
Repsilber, 2002). What a move changes is suppressed. So every move is a proof, checked in whole numbers before the
choice is returned; no interval has to be estimated.

The grand total counts as published in every product, with `totals` or without: how many rows a table has is known from
elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from itertools import combinations, islice
from itertools import product as combinations_of
from typing import Protocol

from include.disclosure_control.cells import TOTAL, Cell, Key, StatisticsRefused, margins, margins_of

_MOST_BOXES = 216
"""About so many boxes are tried for a sensitive cell; more choice hides a little less, and takes longer."""

_MOST_GIVERS = 6
"""Cells that are tried where no box is there, the smallest first."""


class Strictness(Protocol):
    """How strict suppression is: `sums` are the summed columns, `totals` whether totals are published.

    A cell of fewer than `minimum` rows is sensitive, and so is one with a sum of which an outsider could tell the
    largest contribution to within `dominance_percent`.
    """

    @property
    def sums(self) -> tuple[str, ...]: ...
    @property
    def totals(self) -> bool: ...
    @property
    def minimum(self) -> int: ...
    @property
    def dominance_percent(self) -> int: ...


class NotProtected(StatisticsRefused):
    """The chosen cells do not hide a sensitive one: a fault of this module, which stops the product."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is suppressed: cells, and totals over them."""

    cells: frozenset[Key] = frozenset()
    margins: frozenset[Key] = frozenset()


@dataclass(frozen=True, slots=True)
class Move:
    """A table that looks the same: at the corner cells, this many rows and these sums are added or taken away."""

    corners: tuple[tuple[Key, int], ...]
    rows: int
    sums: tuple[Decimal, ...]


def is_sensitive(cell: Cell, rule: Strictness) -> bool:
    """Whether the cell has too few rows, or a sum by which its largest contribution can be estimated (p% rule).

    Who knows the second largest contribution, its own, can take it from the sum; what then remains beside the largest
    one must be at least p % of it.
    """
    if 0 < cell.count < rule.minimum:
        return True
    share = Decimal(rule.dominance_percent) / 100
    return any(
        absolute - first - second < share * first
        for absolute, (first, second) in zip(cell.absolute, cell.largest, strict=True)
    )


def choose(cells: Mapping[Key, Cell], rule: Strictness) -> Pattern:
    """The cells and totals to suppress; the same for the same cells.

    Raises:
        NotProtected: the choice is wrong.
    """
    totals = margins(cells) if rule.totals else {}
    search = _Search(cells, rule)
    for key, cell in sorted(cells.items(), key=lambda item: (-item[1].count, item[0])):
        if is_sensitive(cell, rule):
            search.protect(key, key, cell)
    weightiest = _weightiest(cells)
    for key in sorted(totals):
        if is_sensitive(totals[key], rule):
            search.protect(key, weightiest[key], totals[key])
    pattern = Pattern(frozenset(search.cells), frozenset(search.margins))
    for move in search.moves:
        _check(move, cells, pattern, search)
    return pattern


@dataclass
class _Search:
    """What is suppressed so far, and the moves that need it."""

    of: Mapping[Key, Cell]
    rule: Strictness
    cells: set[Key] = field(default_factory=set)
    margins: set[Key] = field(default_factory=set)
    moves: list[Move] = field(default_factory=list)
    lines: dict[Key, list[Key]] = field(default_factory=dict)
    large: list[Key] = field(default_factory=list)
    is_bounded: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        for key in self.of:
            for place in range(len(key)):
                self.lines.setdefault(_along(key, place), []).append(key)
        large = [key for key, cell in self.of.items() if cell.count >= self.rule.minimum]
        self.large = sorted(large, key=lambda key: (self.of[key].count, key))
        width = len(self.rule.sums)
        # Sums of values that are never negative: an outsider knows that none is below 0. Else nothing is known.
        self.is_bounded = tuple(all(cell.least[place] >= 0 for cell in self.of.values()) for place in range(width))

    def protect(self, sensitive: Key, start: Key, cell: Cell) -> None:
        """Suppress what a move needs in which the sensitive cell or total grows; it begins at the cell `start`."""
        share = Decimal(self.rule.dominance_percent) / 100
        sums = tuple(max(Decimal(1), (share * first).to_integral_value(ROUND_CEILING)) for first, _ in cell.largest)
        if not self.rule.totals:
            if cell.count >= self.rule.minimum:  # nobody is told what the sums come to
                self.cells.add(sensitive)
                return
            sums = (Decimal(0),) * len(sums)
        for boxes in self._ways(sensitive, start, sums):
            best: tuple[tuple[int, int, int], tuple[tuple[Key, int], ...]] | None = None
            for corners in boxes:
                cost = self._cost(corners)
                if best is None or (cost, corners) < best:
                    best = cost, corners
                if not any(cost):  # all of it is suppressed already
                    break
            if best:
                corners = best[1]
                self.cells |= {key for key, _ in corners}
                self.margins |= self.changed(corners)
                self.moves.append(Move(corners, self.rule.minimum - 1, sums))
                return

    def changed(self, corners: tuple[tuple[Key, int], ...]) -> set[Key]:
        """The totals that a move changes, of those that are known."""
        change: dict[Key, int] = {}
        for key, sign in corners:
            for total in margins_of(key) if self.rule.totals else [(TOTAL,) * len(key)]:
                change[total] = change.get(total, 0) + sign
        return {total for total, sign in change.items() if sign}

    def _ways(
        self, sensitive: Key, start: Key, sums: tuple[Decimal, ...]
    ) -> Iterator[Iterator[tuple[tuple[Key, int], ...]]]:
        """Ways to move, best first: boxes of as many sides as can be; with a cell anywhere; alone, if none can give."""
        kept = [place for place, value in enumerate(sensitive) if value != TOTAL]
        for size in range(len(kept), 0, -1) if self.rule.totals else ():
            yield (box for sides in combinations(kept, size) for box in self._boxes(start, sides, sums))
        givers = (
            key for key in self.large
            if key != start and sensitive not in margins_of(key) and self._gives(key, sums)
        )  # fmt: skip
        yield (((start, 1), (key, -1)) for key in islice(givers, _MOST_GIVERS))
        yield iter([((start, 1),)])

    def _boxes(
        self, start: Key, sides: tuple[int, ...], sums: tuple[Decimal, ...]
    ) -> Iterator[tuple[tuple[Key, int], ...]]:
        """The boxes with a corner at `start` that extend along these columns, each as cells with +1 or -1."""
        most = max(2, round(_MOST_BOXES ** (1 / max(1, len(sides)))))
        donors = [self._donors(start, side, sums)[:most] for side in sides]
        for opposite in combinations_of(*donors):
            corners = []
            for flips in combinations_of((False, True), repeat=len(sides)):
                corner = list(start)
                for side, value, is_flipped in zip(sides, opposite, flips, strict=True):
                    corner[side] = value if is_flipped else start[side]
                corners.append((tuple(corner), -1 if sum(flips) % 2 else 1))
            if all(key in self.of and (sign > 0 or self._gives(key, sums)) for key, sign in corners):
                yield tuple(corners)

    def _donors(self, start: Key, side: int, sums: tuple[Decimal, ...]) -> list[str]:
        """Values of the column `side` whose cells on the line through `start` can give."""
        found = [key for key in self.lines[_along(start, side)] if key != start and self._gives(key, sums)]
        found.sort(key=lambda key: (key not in self.cells, self.of[key].count, key))
        return [key[side] for key in found]

    def _gives(self, key: Key, sums: tuple[Decimal, ...]) -> bool:
        """Whether the cell stays a possible one when as much is taken away: a suppressed cell has a row at least."""
        cell = self.of[key]
        return cell.count >= self.rule.minimum and all(
            not bounded or value >= taken
            for value, taken, bounded in zip(cell.sums, sums, self.is_bounded, strict=True)
        )

    def _cost(self, corners: tuple[tuple[Key, int], ...]) -> tuple[int, int, int]:
        """What would be suppressed besides: totals, cells, and rows in these."""
        new = [key for key, _ in corners if key not in self.cells]
        return len(self.changed(corners) - self.margins), len(new), sum(self.of[key].count for key in new)


def _along(key: Key, place: int) -> Key:
    """Name of the line of cells that differ in one column only."""
    return (str(place), *key[:place], *key[place + 1 :])


def _weightiest(cells: Mapping[Key, Cell]) -> dict[Key, Key]:
    """Of each total, the cell with the largest contribution to it, else with the most rows."""
    found: dict[Key, Key] = {}
    order = sorted(
        cells, key=lambda key: (max((one for one, _ in cells[key].largest), default=0), cells[key].count, key)
    )
    for key in order:
        found |= dict.fromkeys(margins_of(key), key)
    return found


def _check(move: Move, cells: Mapping[Key, Cell], pattern: Pattern, search: _Search) -> None:
    for key, sign in move.corners:
        cell = cells[key]
        has_rows = cell.count + sign * move.rows >= 1
        has_sums = all(
            not bounded or value + sign * moved >= 0
            for value, moved, bounded in zip(cell.sums, move.sums, search.is_bounded, strict=True)
        )
        if key not in pattern.cells or not has_rows or not has_sums:
            raise NotProtected("a sensitive cell is not hidden: nothing was published; report it")
    if not search.changed(move.corners) <= pattern.margins:
        raise NotProtected("a total gives a sensitive cell back: nothing was published; report it")
