"""How many rows one task takes."""

from __future__ import annotations

from typing import Any

FEWEST_ROWS = 122_880  # of a part: a row group as DuckDB writes them
_MOST_ROWS = 8 * FEWEST_ROWS  # so that little is lost with a worker, and workers that join later find work
_PARTS_PER_CORE = 3


def fills_parts(rows: int) -> bool:
    """Whether that many rows are more than one task's least part."""
    return rows > FEWEST_ROWS


def part_ranges(session: Any, rows: int) -> list[range]:
    """The numbers of that many rows, from 0, in parts for the session's workers."""
    most = max(1, session.sparkContext.defaultParallelism * _PARTS_PER_CORE)
    return equal_ranges(rows, max(min(-(-rows // most), _MOST_ROWS), FEWEST_ROWS))


def equal_ranges(rows: int, size: int) -> list[range]:
    """The numbers of that many rows, from 0, in parts of `size`; the last may be smaller."""
    return [range(start, min(start + size, rows)) for start in range(0, rows, size)]
