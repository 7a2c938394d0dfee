"""Suppression of small counts: which figures of an indicator readers may not see, so that nobody is found behind one.

The rows counted are a table with a column for each dimension and one for how a row counts. Readers see its totals over
all columns but one, so what must be hidden is what disclosure control hides of the totals of that table: a small count,
and others until neither the sum over a dimension nor that over another gives it back (agencies add up to their scope).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from include.disclosure_control import TOTAL, UNKNOWN, Cell, choose
from include.indicators.computation.engine import IndicatorFailed
from include.indicators.computation.figure import Figure
from include.indicators.definitions import Breakdown, CompiledIndicator
from include.lake.storage import quote

_MOST_CELLS = 20_000


@dataclass(frozen=True, slots=True)
class _OfCounts:
    """Suppression of counts by a minimum, with all totals published."""

    minimum: int
    sums: tuple[str, ...] = ()
    totals: bool = True
    dominance_percent: int = 0


def suppressed(
    connection: duckdb.DuckDBPyConnection,
    compiled: CompiledIndicator,
    dimensions: Sequence[Breakdown],
    figures: Sequence[Figure],
) -> tuple[Figure, ...]:
    """The figures with those marked that readers may not see; made from the table `counted`."""
    minimum = compiled.indicator.minimum_cell
    if minimum < 2:
        return tuple(figures)
    members = [
        f"CASE WHEN {quote(one.name)} IN (SELECT {quote(one.column)} FROM {quote(one.source)}) "
        f"THEN {quote(one.name)} ELSE '{UNKNOWN}' END"
        for one in dimensions
    ]
    counts = "_counted IS NOT NULL" if compiled.indicator.percentile else "_counted <> 0 OR coalesce(_out_of, 0) <> 0"
    how = "'measured'" if compiled.indicator.percentile else "concat(_counted, '/', _out_of)"
    keys = ", ".join([*members, how])
    rows = connection.execute(f"SELECT {keys}, count(*) FROM counted WHERE {counts} GROUP BY ALL").fetchall()
    if len(rows) > _MOST_CELLS:
        raise IndicatorFailed(
            f"{compiled.indicator.indicator_id} has more than {_MOST_CELLS} combinations of members, too many to hide "
            "small counts among: break it down by fewer or coarser codes"
        )
    pattern = choose({tuple(row[:-1]): Cell(row[-1]) for row in rows}, _OfCounts(minimum))
    hidden = set()
    for key in pattern.cells | pattern.margins:
        named = [place for place, member in enumerate(key[:-1]) if member != TOTAL]
        if len(named) <= 1:
            hidden.add((dimensions[named[0]].name, key[named[0]]) if named else ("", ""))
    return tuple(replace(one, is_suppressed=(one.dimension, one.member) in hidden) for one in figures)
