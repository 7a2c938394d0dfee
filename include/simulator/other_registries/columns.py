"""Columns of small source tables from Python values, and the agencies of the code list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from include.simulator.dirt import Sheet
from include.simulator.society import Society, read_list

Value = str | int | np.datetime64 | None
Row = Mapping[str, Value]


def sheet(registry: str, table: str, keys: tuple[str, ...], rows: Sequence[Row], rng: np.random.Generator) -> Sheet:
    """A sheet of rows that all have the same columns; instants become timestamps, whole numbers 64 bits."""
    columns = {name: _column([row[name] for row in rows]) for name in rows[0]}
    return Sheet(registry=registry, table=table, keys=keys, columns=columns, rng=rng)


def old_form(code: str) -> str:
    """A level 1 code in the older form: `H56` as `000.00.00.H56` (QCVN 102:2016/BTTTT)."""
    return f"000.00.00.{code}"


def agencies(society: Society, kinds: Iterable[str]) -> list[str]:
    """Codes of the level 1 agencies of those kinds that are in force."""
    wanted = set(kinds)
    rows = read_list(society.reference, "agencies").to_pylist()
    return [str(row["code"]) for row in rows if row["kind"] in wanted and not row["valid_until"]]


def day(moment: np.datetime64) -> str:
    """The day of an instant as dd/mm/yyyy."""
    return str(moment.astype("datetime64[D]").astype(object).strftime("%d/%m/%Y"))


def moved(moment: np.datetime64, **span: float) -> np.datetime64:
    """An instant later (or, negative, earlier) by days, hours and minutes."""
    seconds = span.get("days", 0) * 86_400 + span.get("hours", 0) * 3_600 + span.get("minutes", 0) * 60
    return moment + np.timedelta64(round(seconds), "s")


def _column(values: list[Any]) -> pa.Array:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {np.datetime64}:
        missing = np.datetime64("NaT")
        return pa.array(np.array([missing if v is None else v for v in values], "datetime64[s]"), from_pandas=True)
    return pa.array(values, pa.int64() if kinds == {int} else pa.string())
