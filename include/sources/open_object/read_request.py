"""Which part of a source object a reading takes, and which source columns its key and cursor are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A part of a source object; by default everything.

    `columns` are source columns (None: all). `since` and `until` are values of the contract's cursor columns, in their
    order, as text as they landed or as they are published: from `since` on, less the `lag` (of a timestamp or date;
    an integer has none), and before `until`. Rows without a cursor value are always among them. `keys` are rows to read
    besides, by the raw values of `key_columns(table)`; without `since` and `until` only those are read.
    """

    columns: tuple[str, ...] | None = None
    since: tuple[str, ...] | None = None
    until: tuple[str, ...] | None = None
    lag: timedelta = timedelta(0)
    keys: tuple[tuple[object, ...], ...] = ()
