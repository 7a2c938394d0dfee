"""The shape of a published table: how many rows, how full each column is, about how many values: never a value.

Only columns classified as public or internal have figures, and a count of fewer than SMALLEST rows is not told, nor a
share from which it would follow.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from include.contracts.model import Classification, Column, Table
from include.lake.delta import view_of
from include.lake.storage import Lake, LakeTableMissing, lake_errors, quote

SMALLEST = 5
SHOWN: frozenset[Classification] = frozenset({"public", "internal"})
_KEPT = 500


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """How full a column is. Both None: too few rows to say; `distinct` is an estimate, 0 if below SMALLEST."""

    empty_percent: float | None
    distinct: int | None


@dataclass(frozen=True, slots=True)
class TableShape:
    """The shape of one version of a table. `rows` is None if there are some, but fewer than SMALLEST."""

    version: int
    rows: int | None
    columns: dict[str, ColumnShape]


@dataclass
class LiveShapes:
    """Shapes of tables as they are now: each is computed once for a version, one at a time."""

    lake: Lake
    _known: OrderedDict[str, TableShape] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self, table: Table) -> TableShape | None:
        """The shape of the newest version; None if nothing is published yet. Raises LakeError."""
        with self._lock:
            found = read_shape(self.lake, table, self._known.get(table.qualified_name))
            if found is not None:
                self._known[table.qualified_name] = found
                self._known.move_to_end(table.qualified_name)
                while len(self._known) > _KEPT:
                    self._known.popitem(last=False)
            return found


def read_shape(lake: Lake, table: Table, known: TableShape | None = None) -> TableShape | None:
    """The shape of a published table; `known` if it is of that version. None if nothing is published."""
    try:
        opened = lake.table(lake.registry_table(table.registry, table.name))
    except LakeTableMissing:
        return None
    version = int(opened.version())
    there = {field.name for field in opened.schema().fields}
    columns = [column for column in table.columns if column.classification in SHOWN and column.name in there]
    if known is not None and known.version == version and known.columns.keys() <= {c.name for c in columns}:
        return known
    with lake_errors("counting a table"), lake.connect(threads=1) as connection:
        view_of(connection, "counted", opened, opened.file_uris())
        return _counted(connection, version, columns)


def _counted(connection: duckdb.DuckDBPyConnection, version: int, columns: Sequence[Column]) -> TableShape:
    asked = ["count(*)"]
    for column in columns:
        name = quote(column.name)
        asked += [f"count({name})", f"approx_count_distinct({name})"]
    counts = connection.execute(f"SELECT {', '.join(asked)} FROM counted").fetchone() or ()
    rows = int(counts[0])
    if 0 < rows < SMALLEST:
        return TableShape(version, None, {})
    shapes = {}
    for place, column in enumerate(columns):
        filled, distinct = int(counts[1 + 2 * place]), int(counts[2 + 2 * place])
        shapes[column.name] = _shape(rows, filled, distinct)
    return TableShape(version, rows, shapes)


def _shape(rows: int, filled: int, distinct: int) -> ColumnShape:
    if 0 < filled < SMALLEST or 0 < rows - filled < SMALLEST:
        return ColumnShape(None, None)
    estimate = min(distinct, filled)
    return ColumnShape(100 * (rows - filled) / rows if rows else None, estimate if estimate >= SMALLEST else 0)
