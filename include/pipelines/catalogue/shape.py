"""The shape of a published table: how many rows, how full each column is, about how many values: never a value.

Everybody may read it, also who has counts of groups of the same table. So rows are told in round hundreds, and
percentages in steps of several rows, of columns that have a hundred rows of either kind or none. Only columns
classified as public or internal have figures.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import duckdb
from deltalake import DeltaTable

from include.contracts.model import Classification, Column, Table
from include.lake.delta import view_of
from include.lake.storage import Lake, LakeTableMissing, lake_errors, quote

SMALLEST = 100
"""Counts of rows are told as multiples of it, and not at all below it."""
_FEWEST_IN_A_STEP = 10
_STEPS = (1, 2, 5, 10)
_FEWEST_VALUES = 5
SHOWN: frozenset[Classification] = frozenset({"public", "internal"})
_KEPT = 500


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """How full a column is. Both None: too few rows to say; `distinct` is an estimate, 0 if there are very few."""

    empty_percent: int | None
    distinct: int | None


@dataclass(frozen=True, slots=True)
class TableShape:
    """The shape of one version of a table. `rows` are rounded; None if there are some, but fewer than SMALLEST."""

    version: int
    rows: int | None
    columns: dict[str, ColumnShape]


@dataclass
class LiveShapes:
    """Shapes of tables as they are now. A version is counted once, one at a time; nobody waits for a known one."""

    lake: Lake
    _known: OrderedDict[str, tuple[Hashable, TableShape]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self, table: Table) -> TableShape | None:
        """The shape of the newest version; None if nothing is published yet. Raises LakeError."""
        try:
            opened = self.lake.table(self.lake.registry_table(table.registry, table.name))
        except LakeTableMissing:
            return None
        name = table.qualified_name
        key = (str(opened.metadata().id), opened.version(), tuple(one.name for one in _shown(table, opened)))
        if (known := self._known.get(name)) and known[0] == key:
            return known[1]
        with self._lock:
            if (known := self._known.get(name)) and known[0] == key:  # another thread has counted it meanwhile
                return known[1]
            found = read_shape(self.lake, table, opened)
            self._known[name] = (key, found)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
            return found


def read_shape(lake: Lake, table: Table, opened: DeltaTable) -> TableShape:
    """The shape of a version of a published table."""
    columns = _shown(table, opened)
    with lake_errors("counting a table"), lake.connect(threads=1) as connection:
        view_of(connection, "counted", opened, opened.file_uris())
        rows, shapes = _counted(connection, columns)
    return TableShape(int(opened.version()), rows, shapes)


def _shown(table: Table, opened: DeltaTable) -> list[Column]:
    """The columns of which something is told."""
    there = {field.name for field in opened.schema().fields}
    return [column for column in table.columns if column.classification in SHOWN and column.name in there]


def _counted(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[Column]
) -> tuple[int | None, dict[str, ColumnShape]]:
    asked = ["count(*)"]
    for column in columns:
        name = quote(column.name)
        asked += [f"count({name})", f"approx_count_distinct({name})"]
    counts = connection.execute(f"SELECT {', '.join(asked)} FROM counted").fetchone() or ()
    rows = int(counts[0])
    if 0 < rows < SMALLEST:
        return rounded(rows), {}
    shapes = {}
    for place, column in enumerate(columns):
        filled, distinct = int(counts[1 + 2 * place]), int(counts[2 + 2 * place])
        shapes[column.name] = _shape(rows, filled, distinct)
    return rounded(rows), shapes


def rounded(count: int) -> int | None:
    """A count of rows as everybody may read it: to the nearest multiple of SMALLEST; None if it is below."""
    return None if 0 < count < SMALLEST else (count + SMALLEST // 2) // SMALLEST * SMALLEST


def rounded_percent(percent: float, rows: int) -> int | None:
    """A percentage of a table's rows, or an index made of such, as everybody may read it: in steps of ten rows or more.

    None for a table below SMALLEST; 100 only where it is.
    """
    if rows < SMALLEST:
        return None
    step = next(step for step in _STEPS if step * rows >= 100 * _FEWEST_IN_A_STEP)
    return 100 if percent == 100 else min(100 - step, round(percent / step) * step)


def _shape(rows: int, filled: int, distinct: int) -> ColumnShape:
    if 0 < filled < SMALLEST or 0 < rows - filled < SMALLEST:
        return ColumnShape(None, None)
    estimate = min(distinct, filled)
    return ColumnShape(
        rounded_percent(100 * (rows - filled) / rows, rows) if rows else None,
        estimate if estimate >= _FEWEST_VALUES else 0,
    )
