"""Tables of statistics: the rows a recipient reads, and the rows in which held figures are kept."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import pyarrow as pa

from include.disclosure_control import TOTAL, Key, Pattern, margins_of
from include.sharing.agreements import Statistics
from include.sharing.statistics.cells import COUNT, SUPPRESSED, sum_name
from include.sharing.statistics.held import Figures, Held

Row = dict[str, str | int | Decimal | None]
"""A row by column; the agreement says which columns there are."""

EARLIER = "_earlier"
"""Column of held rows: the sums were shown with this count, and no longer are."""
ROWS = "_rows"
"""Column of held rows: of how many rows the sums were taken. Confidential, as the counts of suppressed cells are."""


def shown_rows(held: Held, groups: Sequence[str], rule: Statistics) -> list[Row]:
    """What is published: each cell with its figures, or suppressed, and the totals if the product has them."""
    figures: dict[Key, Figures] = dict(held.cells)
    for key, cell in held.cells.items() if rule.totals else ():
        for total in margins_of(key):
            before = figures.get(total, Figures(0, (Decimal(0),) * len(rule.sums)))
            added = tuple(a + b for a, b in zip(before.sums, cell.sums, strict=True))
            figures[total] = Figures(before.count + cell.count, added)
    hidden = held.pattern.cells | held.pattern.margins
    return [
        _row(
            groups, rule.sums, key, None if key in hidden else _rounded(figures[key], rule), is_suppressed=key in hidden
        )
        for key in sorted(figures)
    ]


def held_rows(held: Held, groups: Sequence[str], rule: Statistics) -> list[Row]:
    """Held figures as rows; a suppressed total has no count."""
    every: list[tuple[Key, Figures | None, bool]] = [
        *((key, figures, False) for key, figures in sorted(held.cells.items())),
        *((key, None, False) for key in sorted(held.pattern.margins)),
        *((key, shown[count], True) for key, shown in sorted(held.earlier.items()) for count in sorted(shown)),
    ]
    hidden = held.pattern.cells | held.pattern.margins
    return [
        {
            **_row(groups, rule.sums, key, figures, is_suppressed=key in hidden),
            EARLIER: is_earlier,
            ROWS: figures.rows if figures else None,
        }
        for key, figures, is_earlier in every
    ]


def read_held(kept: pa.Table, groups: Sequence[str], rule: Statistics) -> Held:
    """Held figures from the rows that `held_rows` gave."""
    cells: dict[Key, Figures] = {}
    suppressed: set[Key] = set()
    earlier: dict[Key, dict[int, Figures]] = {}
    for row in kept.to_pylist():
        key = tuple(str(row[name]) for name in groups)
        if row[SUPPRESSED]:
            suppressed.add(key)
        if row[COUNT] is not None:
            sums = tuple(Decimal(row[sum_name(name)]) for name in rule.sums)
            figures = Figures(row[COUNT], sums, row.get(ROWS))
            if row[EARLIER]:
                earlier.setdefault(key, {})[figures.count] = figures
            else:
                cells[key] = figures
    totals = {key for key in suppressed if TOTAL in key}
    return Held(cells, Pattern(frozenset(suppressed - totals), frozenset(totals)), earlier)


def _row(groups: Sequence[str], sums: Sequence[str], key: Key, figures: Figures | None, *, is_suppressed: bool) -> Row:
    return {
        **dict(zip(groups, key, strict=True)),
        COUNT: figures.count if figures else None,
        **{sum_name(name): figures.sums[place] if figures else None for place, name in enumerate(sums)},
        SUPPRESSED: is_suppressed,
    }


def _rounded(figures: Figures, rule: Statistics) -> Figures:
    if not rule.round_to:
        return figures
    count = _to_multiple(Decimal(figures.count), rule.round_to)
    return Figures(int(count), tuple(_to_multiple(value, rule.round_to) for value in figures.sums))


def _to_multiple(value: Decimal, of: int) -> Decimal:
    return (value / of).quantize(Decimal(1), ROUND_HALF_UP) * of
