"""A day later: the same country after updates, new rows, deletions, and one row a table that arrives late.

Only rows without a fault change, so what was planted stays planted and every new row is clean.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.simulator.dirt import UPDATED
from include.simulator.registries import payment_file
from include.simulator.render import Instants, dates, digits, instants, join, random_stream
from include.simulator.society import tax_codes
from include.simulator.staging import SOURCES, Country

CHANGE_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("registry", "table", "change", "key", "column", "before", "after")]
)


# Of a table's rows.
UPDATED_SHARE, INSERTED_SHARE, DELETED_SHARE = 0.01, 0.005, 0.003
Column: TypeAlias = Any  # pa.Array or pa.ChunkedArray; pyarrow has no types
# How a table changes: new values from the rows that change.
Update = Callable[[pa.Table], Column]


def _number(rows: pa.Table, column: str, *, start: str) -> pa.Array:
    """Keys of new rows: a start that no old key has, and a number."""
    width = len(rows[column][0].as_py()) - len(start)
    return join(start, digits(np.arange(1, 1 + len(rows)), width))


def _scaled(rows: pa.Table, column: str, percent: int) -> Column:
    return pc.add(rows[column], pc.divide(pc.multiply(rows[column], percent), 100))


UPDATES: dict[str, tuple[str, Update]] = {
    "citizen": ("tinh_trang_hon_nhan", lambda rows: pa.repeat("3", len(rows))),
    "household_member": ("quan_he", lambda rows: pa.repeat("99", len(rows))),
    "parcel": ("ma_loai_dat", lambda rows: pa.repeat("NKH", len(rows))),
    "certificate": ("trang_thai", lambda rows: pa.repeat("4", len(rows))),
    "ownership": ("ty_le", lambda rows: pa.repeat("0,25", len(rows))),
    "member": ("gioi_tinh", lambda rows: pa.repeat("3", len(rows))),
    "health_card": ("den_ngay", lambda rows: pa.nulls(len(rows), pa.date32())),
    "contribution": ("so_tien_dong", lambda rows: _scaled(rows, "so_tien_dong", -10)),
    "taxpayer": ("TRANG_THAI", lambda rows: pa.repeat("05", len(rows))),
    "payment": ("TIEU_MUC", lambda rows: pa.repeat("1049", len(rows))),
    "tax_relief": ("SO_TIEN", lambda rows: _scaled(rows, "SO_TIEN", 20)),
}


def _new_keys(
    table: str, rows: pa.Table, known: pa.ChunkedArray, rng: np.random.Generator, day: date
) -> dict[str, Column]:
    """The columns that make copies of clean rows into new rows that satisfy every rule."""
    size = len(rows)
    if table == "citizen":
        # Digits 1 to 6 stay: they say where, when and as what somebody was born.
        head = pc.utf8_slice_codeunits(rows["so_dinh_danh"], 0, 6)
        numbers = join(head, digits(rng.choice(1_000_000, size, replace=False), 6))
        taken = pc.is_in(numbers, value_set=known)
        while pc.any(taken).as_py():
            numbers = pc.if_else(taken, join(head, digits(rng.choice(1_000_000, size, replace=False), 6)), numbers)
            taken = pc.is_in(numbers, value_set=known)
        return {"so_dinh_danh": numbers, "so_cmnd": pa.nulls(size, pa.string())}
    if table == "health_card":
        number = join("99", digits(np.arange(1, size + 1), 8))
        return {"ma_the": join("GD479", number), "muc_huong": pa.repeat("4", size), "so_bhxh": number}
    if table == "contribution":
        return {"thang": pa.repeat(f"{day:%Y-%m}", size)}
    if table == "taxpayer":
        return {"MST": tax_codes(rng, offices=["64"], size=size), "LOAI": pa.repeat("DN", size)}
    if table == "payment":
        receipt = join(f"BL{day:%Y%m}", digits(np.arange(1, size + 1), 8))
        paid = [*dates(np.full(size - 1, np.datetime64(day))), rows["NGAY_NOP"][-1]]  # the late one was paid before
        return {"SO_BIEN_LAI": receipt, "NGAY_NOP": pa.array(paid)}
    if table == "tax_relief":
        return {"SO_QD": join("BS", digits(np.arange(1, size + 1), 1), "/QĐ-CT")}
    if table == "parcel":
        return {"so_thua": pa.array(np.arange(1, size + 1) + 900_000, pa.int32())}
    column = {"household_member": "ma_ho", "certificate": "ma_gcn", "ownership": "ma_quyen", "member": "so_bhxh"}[table]
    start = {"household_member": "H99", "certificate": "GCN8", "ownership": "Q8", "member": "99"}[table]
    new: dict[str, Column] = {column: _number(rows, column, start=start)}
    if table == "certificate":  # a serial is given once
        new |= {"so_phat_hanh": pa.repeat("chưa cấp", size), "ngay_cap": pa.nulls(size, pa.string())}
        new["trang_thai"] = pa.repeat("6", size)
    if table == "member":
        new |= {"so_dinh_danh": pa.nulls(size, pa.string()), "so_cmnd": pa.nulls(size, pa.string())}
    return new


def later_changes(country: Country, seed: int, *, out: Path | None = None) -> Country:
    """The country one day later, under `out` (default `<root>/later`), ready for `load_registry`.

    Its truth holds `changes.parquet` (registry, table, change: updated, inserted, deleted or late, key, column, before,
    after), `persons.parquet` as before, and `dirt.parquet` for the rows as they stand now. A late row is new, but was
    written half an hour before the newest row of the first state.
    """
    out = out or country.root / "later"
    shutil.rmtree(out, ignore_errors=True)
    (out / "truth").mkdir(parents=True)
    shutil.copyfile(country.truth / "persons.parquet", out / "truth" / "persons.parquet")
    day = date.fromisoformat(country.as_of)
    later = replace(country, root=out, as_of=(day + timedelta(days=1)).isoformat(), rows={})
    dirt = pq.read_table(country.truth / "dirt.parquet")
    changes, moved = [], []
    for registry, tables in SOURCES.items():
        for name, source in tables.items():
            own = dirt.filter(pc.and_(pc.equal(dirt["registry"], registry), pc.equal(dirt["table"], name)))
            rng = random_stream(seed, f"later {name}")
            step = _Step(registry, name, source.keys, pq.read_table(country.staged(registry, name)), own, rng, day)
            table = step.run()
            later.staged(registry, name).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, later.staged(registry, name), compression="zstd", compression_level=1)
            later.rows[f"{registry}.{name}"] = table.num_rows
            changes += step.changes
            moved.append(step.dirt_now())
    pq.write_table(pa.concat_tables(changes), later.truth / "changes.parquet", compression="zstd")
    pq.write_table(pa.concat_tables(moved), later.truth / "dirt.parquet", compression="zstd")
    later.save()
    return later


def locators(table: str, rows: pa.Table, at: npt.NDArray[np.int64]) -> pa.Array:
    """Where those rows stand in the source: file and line in a drop, else the position."""
    if table == "payment":
        months = pc.utf8_slice_codeunits(rows["SO_BIEN_LAI"], 2, 8).combine_chunks().dictionary_encode()
        month = months.indices.to_numpy()
        first = np.searchsorted(month, np.arange(len(months.dictionary)))
        names = pa.array([f"{payment_file(f'{m[:4]}-{m[4:]}')}:" for m in months.dictionary.to_pylist()])
        return join(names.take(pa.array(month[at])), digits(at - first[month[at]] + 2, 1))
    file = {"taxpayer": "nguoi_nop_thue.csv:", "tax_relief": "mien_giam_thue.xlsx#MienGiam:"}.get(table)
    return join(file, digits(at + 2, 1)) if file else digits(at, 1)


class _Step:
    """One table from one day to the next."""

    def __init__(
        self,
        registry: str,
        name: str,
        keys: tuple[str, ...],
        before: pa.Table,
        dirt: pa.Table,
        rng: np.random.Generator,
        day: date,
    ) -> None:
        self.registry, self.name, self.keys, self.before, self.dirt = registry, name, keys, before, dirt
        self.rng, self.day = rng, day
        self.updated_column = next(column for column in before.column_names if column in UPDATED)
        self.changes: list[pa.Table] = []
        self.kept: npt.NDArray[np.bool_] = np.ones(len(before), bool)

    def run(self) -> pa.Table:
        updated, copied, deleted = self._choose()
        column, update = UPDATES[self.name]
        table = self.before
        rows = table.take(pa.array(updated))
        new = self._cast(update(rows), column)
        self._note("updated", rows, column, rows[column], new)
        table = _put(table, column, updated, new)
        table = _put(table, self.updated_column, updated, self._moments(updated.size))
        self.kept[deleted] = False
        self._note("deleted", table.take(pa.array(deleted)))
        table = table.filter(pa.array(self.kept))
        return pa.concat_tables([table, self._new_rows(copied)])

    def dirt_now(self) -> pa.Table:
        """The faults of the rows that are left, at their new positions."""
        position = np.cumsum(self.kept) - 1
        row = self.dirt["row"].to_numpy()
        left = self.dirt.filter(pa.array(self.kept[row]))
        row = position[row[self.kept[row]]]
        at = left.column_names.index("row")
        left = left.set_column(at, "row", pa.array(row))
        return left.set_column(at + 1, "locator", locators(self.name, self.before.filter(pa.array(self.kept)), row))

    def _choose(self) -> list[npt.NDArray[np.int64]]:
        """Different rows to update, to copy and to delete, none of them with a fault or a copy of itself."""
        size = len(self.before)
        clean = np.ones(size, bool)
        natural = pc.is_in(self.dirt["kind"], pa.array(["split_ward", "year_only_birth", "serial_not_issued"]))
        clean[self.dirt.filter(pc.invert(natural))["row"].to_numpy()] = False
        clean &= _is_alone([self.before[key] for key in self.keys])
        wanted = [max(3, round(size * rate)) for rate in (UPDATED_SHARE, INSERTED_SHARE, DELETED_SHARE)]
        wanted[1] += 1  # the late one
        rows = np.flatnonzero(clean & self._may_change())
        rows = self.rng.choice(rows, min(sum(wanted), rows.size), replace=False).astype(np.int64)
        return np.split(rows, np.cumsum(wanted)[:2])[:3]

    def _may_change(self) -> npt.NDArray[np.bool_]:
        mask: Any = True
        if self.name == "contribution":  # the new month of somebody is new once
            months = self.before["thang"]
            mask = pc.equal(months, pc.max(months))
        elif self.name == "taxpayer":
            mask = pc.equal(self.before["LOAI"], "DN")
        elif self.name == "citizen":
            mask = pc.fill_null(pc.equal(self.before["tinh_trang_hon_nhan"], "2"), False)
        elif self.name == "certificate":
            mask = pc.equal(self.before["trang_thai"], "1")
        return np.full(len(self.before), True) if mask is True else mask.to_numpy()

    def _new_rows(self, copied: npt.NDArray[np.int64]) -> pa.Table:
        rows = self.before.take(pa.array(copied))
        for column, values in _new_keys(self.name, rows, self.before[self.keys[0]], self.rng, self.day).items():
            at = rows.column_names.index(column)
            rows = rows.set_column(at, rows.schema.field(column), self._cast(values, column))
        moments = self._moments(len(rows))
        newest = self._as_instants(self.before[self.updated_column]).max()
        late = self._as_column(np.array([newest - np.timedelta64(30, "m")]))
        moments = pa.concat_arrays([moments.slice(0, len(rows) - 1), late])
        at = rows.column_names.index(self.updated_column)
        rows = rows.set_column(at, rows.schema.field(self.updated_column), moments)
        self._note("inserted", rows.slice(0, len(rows) - 1))
        self._note("late", rows.slice(len(rows) - 1))
        return rows

    def _moments(self, size: int) -> pa.Array:
        """Moments of the day between the two states."""
        clock = self.rng.integers(8 * 3600, 20 * 3600, size).astype("timedelta64[s]")
        return self._as_column(np.datetime64(self.day, "s") + clock)

    def _as_column(self, moments: Instants) -> pa.Array:
        kind = self.before.schema.field(self.updated_column).type
        return instants(moments, "%d/%m/%Y") if pa.types.is_string(kind) else pa.array(moments).cast(kind)

    def _as_instants(self, column: pa.ChunkedArray) -> Instants:
        if pa.types.is_string(column.type):
            column = pc.strptime(column, "%d/%m/%Y %H:%M:%S", "s")
        moments: Instants = column.to_numpy().astype("datetime64[s]")
        return moments

    def _cast(self, values: Column, column: str) -> pa.Array:
        plain = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        return plain.cast(self.before.schema.field(column).type)

    def _note(
        self, change: str, rows: pa.Table, column: str | None = None, before: Any = None, after: Any = None
    ) -> None:
        size = len(rows)
        keys = [
            "{" + ", ".join(f'"{k}": "{v}"' if isinstance(v, str) else f'"{k}": {v}' for k, v in row.items()) + "}"
            for row in rows.select(list(self.keys)).to_pylist()
        ]
        nothing = pa.nulls(size, pa.string())
        columns = [
            *(pa.repeat(pa.scalar(v, pa.string()), size) for v in (self.registry, self.name, change)),
            pa.array(keys, pa.string()),
            pa.repeat(pa.scalar(column, pa.string()), size),
            nothing if before is None else before.cast(pa.string()),
            nothing if after is None else after.cast(pa.string()),
        ]
        self.changes.append(pa.table(columns, schema=CHANGE_SCHEMA))


def _put(table: pa.Table, column: str, rows: npt.NDArray[np.int64], values: pa.Array) -> pa.Table:
    """The table with those values in those rows of a column."""
    mask = np.zeros(len(table), bool)
    mask[rows] = True
    in_order = values.take(pa.array(np.argsort(rows)))
    changed = pc.replace_with_mask(table[column].combine_chunks(), pa.array(mask), in_order)
    return table.set_column(table.column_names.index(column), table.schema.field(column), changed)


def _is_alone(columns: list[pa.ChunkedArray]) -> npt.NDArray[np.bool_]:
    """Which rows share their key with no other."""
    text = pc.binary_join_element_wise(*(column.cast(pa.string()) for column in columns), "|", null_handling="replace")
    codes = text.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    alone: npt.NDArray[np.bool_] = (np.bincount(codes) == 1)[codes]
    return alone
