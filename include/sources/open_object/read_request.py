"""Read request: the part of a source object that a reading takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A part of a source object; by default everything.

    `columns` are source columns (None: all). `since` and `until` are values of the contract's cursor columns, in their
    order, as landed or published text: rows from `since` on, less the `lag` (of a timestamp or date; an integer has
    none), and before `until`; rows of a day of which a part is asked for are read. Rows with a null cursor are always
    included. `keys` selects further rows by the raw values of `key_columns(table)`; without `since` and `until` only
    those are read. `only_keys`: no other row, and none at all if there are no keys.
    """

    columns: tuple[str, ...] | None = None
    since: tuple[str, ...] | None = None
    until: tuple[str, ...] | None = None
    lag: timedelta = timedelta(0)
    keys: tuple[tuple[object, ...], ...] = ()
    only_keys: bool = False
