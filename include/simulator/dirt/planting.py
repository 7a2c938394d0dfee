"""Planting of faults, with a record of each.

A `Sheet` holds one source table (or one month of it) while it is made dirty. A row gets at most one hard fault, a cell
at most one fault of any kind. What was planted comes out as the truth table `dirt.parquet`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.simulator.dirt.rates import HARD_KINDS as REGISTRY_HARD_KINDS
from include.simulator.dirt.rates import SUPERSEDED_KINDS
from include.simulator.dirt.system_rates import SYSTEM_HARD_KINDS
from include.simulator.render import join

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
# Takes values as received, gives the faulty ones; text, or whole numbers in a column of numbers.
Fault = Callable[[list[Any]], Iterable[Any]]

UPDATED = {"ngay_cap_nhat", "NGAY_CAP_NHAT", "NgayCapNhat", "UPDATED_AT", "ReceivedAt"}
HARD_KINDS = REGISTRY_HARD_KINDS | SYSTEM_HARD_KINDS

DIRT_SCHEMA = pa.schema(
    [
        pa.field("registry", pa.string()),
        pa.field("table", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("locator", pa.string()),
        pa.field("key", pa.string()),
        pa.field("updated_at", pa.string()),
        pa.field("column", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("is_hard", pa.bool_()),
        pa.field("outcome", pa.string()),
        pa.field("rule_id", pa.string()),
        pa.field("received", pa.string()),
        pa.field("original", pa.string()),
    ]
)


def each(fault: Callable[[str], str | None]) -> Fault:
    """A fault of one value, applied to each of many."""
    return lambda values: [fault(value) for value in values]


class Sheet:
    """One source table on its way to being dirty.

    `columns` by source name, in source order. `keys` are the source's key columns. `first_row` is the position of the
    first row in the whole table; `locate` names a row for people (file and line); by default its position.
    """

    def __init__(
        self,
        *,
        registry: str,
        table: str,
        keys: tuple[str, ...],
        columns: dict[str, pa.Array],
        rng: np.random.Generator,
        first_row: int = 0,
        locate: Callable[[Rows], pa.Array] | None = None,
    ) -> None:
        """Takes the clean columns; they are not copied."""
        self.registry, self.table, self.keys = registry, table, keys
        self.columns = columns
        self.rng = rng
        self.first_row = first_row
        self.locate = locate
        self.has_hard: Mask = np.zeros(len(self), bool)
        self.touched: dict[str, Mask] = {}
        self._log: list[tuple[str, str | None, Rows, pa.Array, str | None]] = []

    def __len__(self) -> int:
        """Number of rows, repeated ones included."""
        return len(next(iter(self.columns.values())))

    def plant(
        self, kind: str, column: str, rate: float, fault: Fault, *, where: Mask | None = None, rule: str | None = None
    ) -> int:
        """Puts a fault into a share of the rows, at least one where the rate allows any; returns how many.

        `fault` takes values and gives the faulty ones, None (or the same) where it can do nothing. `rule` is the part
        of the id of the rule that must reject the row, after `registry.table.`.
        """
        wanted = self._wanted(rate)
        values = self.columns[column]
        free = values.is_valid().to_numpy(zero_copy_only=False) & ~self._touched(column)
        if kind in HARD_KINDS:
            free &= ~self.has_hard
        candidates = np.flatnonzero(free if where is None else free & where)
        if not wanted or not candidates.size:
            return 0
        rows = self.rng.choice(candidates, min(candidates.size, wanted * 4 + 40), replace=False)
        done_rows: list[int] = []
        done_values: list[Any] = []
        for start in range(0, rows.size, max(wanted, 64)):
            some = rows[start : start + max(wanted, 64)]
            before = values.take(pa.array(some)).to_pylist()
            for row, old, new in zip(some.tolist(), before, fault(before), strict=True):
                if new is not None and new != old and len(done_rows) < wanted:
                    done_rows.append(row)
                    done_values.append(new)
            if len(done_rows) >= wanted:
                break
        self._replace(kind, column, np.array(done_rows, np.int64), pa.array(done_values, values.type), rule)
        return len(done_rows)

    def note(self, kind: str, column: str, where: Mask, original: pa.Array | None = None) -> None:
        """Records what the source is like by nature (a split ward, a birth of which only the year is known)."""
        rows = np.flatnonzero(where)
        before = self.columns[column] if original is None else original
        self._log.append((kind, column, rows, before.take(pa.array(rows)).cast(pa.string()), None))
        self._touched(column)[rows] = True

    def repeat(self, kind: str, rate: float, changes: Callable[[Rows], dict[str, pa.Array]] | None = None) -> Rows:
        """Appends copies of clean-enough rows, with changed columns; returns the rows that were copied."""
        wanted = self._wanted(rate)
        candidates = np.flatnonzero(~self.has_hard)
        rows = np.sort(self.rng.choice(candidates, min(wanted, candidates.size), replace=False)).astype(np.int64)
        if not rows.size:
            return rows
        changed = changes(rows) if changes else {}
        size = len(self)
        for name, values in self.columns.items():
            copy = changed[name] if name in changed else values.take(pa.array(rows))
            self.columns[name] = pa.concat_arrays([values, copy.cast(values.type)])
        self.has_hard = np.concatenate([self.has_hard, np.ones(rows.size, bool)])  # nothing more may befall a copy
        for name, mask in self.touched.items():
            self.touched[name] = np.concatenate([mask, np.ones(rows.size, bool)])
        appended = np.arange(size, size + rows.size)
        self._log.append((kind, None, appended, pa.nulls(rows.size, pa.string()), None))
        return rows

    def table_and_dirt(self) -> tuple[pa.Table, pa.Table]:
        """The dirty table, and one row for each fault in it."""
        found = [self._described(*entry) for entry in self._log if entry[2].size]
        dirt = pa.concat_tables(found) if found else DIRT_SCHEMA.empty_table()
        return pa.table(self.columns), dirt.sort_by([("row", "ascending"), ("column", "ascending")])

    def _wanted(self, rate: float) -> int:
        return max(round(rate * len(self)), 1 if rate > 0 and len(self) >= 100 else 0)

    def _touched(self, column: str) -> Mask:
        return self.touched.setdefault(column, np.zeros(len(self), bool))

    def _replace(self, kind: str, column: str, rows: Rows, new: pa.Array, rule: str | None) -> None:
        if not rows.size:
            return
        order = np.argsort(rows)
        rows, new = rows[order], new.take(pa.array(order))
        values = self.columns[column]
        mask = np.zeros(len(self), bool)
        mask[rows] = True
        before = values.take(pa.array(rows)).cast(pa.string())
        self.columns[column] = pc.replace_with_mask(values, pa.array(mask), new)
        self._touched(column)[rows] = True
        if kind in HARD_KINDS:
            self.has_hard[rows] = True
        self._log.append((kind, column, rows, before, rule))

    def _described(self, kind: str, column: str | None, rows: Rows, original: pa.Array, rule: str | None) -> pa.Table:
        at = pa.array(rows)
        updated = next((name for name in self.columns if name in UPDATED), None)
        hard = kind in HARD_KINDS
        outcome = "rejected" if hard else "superseded" if kind in SUPERSEDED_KINDS else "accepted"
        count = rows.size

        def text(name: str | None) -> pa.Array:
            return self.columns[name].take(at).cast(pa.string()) if name else pa.nulls(count, pa.string())

        def same(value: str | None) -> pa.Array:
            return pa.repeat(pa.scalar(value, pa.string()), count)

        if not hard and kind not in SUPERSEDED_KINDS:
            outcomes = pc.if_else(pa.array(self._rejected(rows)), "rejected", "accepted")
        else:
            outcomes = same(outcome)
        return pa.table(
            [
                same(self.registry),
                same(self.table),
                pa.array(rows + self.first_row),
                self.locate(rows) if self.locate else pa.array(rows + self.first_row).cast(pa.string()),
                self._key(at),
                text(updated),
                same(column),
                same(kind),
                pa.repeat(pa.scalar(hard), count),
                outcomes,
                same(f"{self.registry.partition('-')[0]}.{self.table}.{rule}" if rule else None),
                text(column),
                original,
            ],
            schema=DIRT_SCHEMA,
        )

    def _rejected(self, rows: Rows) -> Mask:
        """Whether a hard fault elsewhere in the row decides its fate (copies are marked, but are not hard)."""
        copies = np.zeros(len(self), bool)
        for kind, _, appended, _, _ in self._log:
            if kind in SUPERSEDED_KINDS:
                copies[appended] = True
        return (self.has_hard & ~copies)[rows]

    def _key(self, at: pa.Array) -> pa.Array:
        parts: list[pa.Array | str] = ["{"]
        for number, name in enumerate(self.keys):
            values = self.columns[name].take(at)
            quote = '"' if pa.types.is_string(values.type) else ""
            shown = pc.fill_null(
                join(quote, values.cast(pa.string()), quote) if quote else values.cast(pa.string()), "null"
            )
            parts += [f'{", " if number else ""}"{name}": ', shown]
        return pc.binary_join_element_wise(*parts, "}", "")
