"""What every reader hands to the landing: one DuckDB query, and how to judge what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from include.sources.access import SourceError
from include.sources.source_schema import SourceTable

TEXT_NOTE = "values that the fast reader cannot carry: their columns landed as text"


GUARD = "_lienthong_guard"


def guarded(query: str) -> str:
    """The query without its guard column; it fails, with GUARD in the message, at a row where that is true."""
    return f"SELECT * EXCLUDE ({GUARD}) FROM ({query}) WHERE CASE WHEN {GUARD} THEN error('{GUARD}') ELSE true END"


class NotCarried(Exception):
    """Raised by a reading's check: the first way of reading could not carry all values."""


def _accept(rows: int) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A source object, or a part of one, ready to be read once.

    `query` gives every column wanted. `check` is called with the number of rows that landed: it raises if that is not
    all of them, and returns notes. `explain` tells which source failure is behind an engine's error (None: not the
    source's). `plain` is a second way to read the same rows, slower and as text, for values that the first way cannot
    carry; it is asked for, with the engine's text, only when `query` failed for another reason than `explain` knows.
    `threads` is how many of DuckDB's threads find work (None: any number): a thread without work does not sleep, it
    takes a core away from the source's server (DuckDB issue 22178). `via` says how it is read, for the run record.
    """

    query: str
    drift: tuple[str, ...]
    explain: Callable[[BaseException], SourceError | None]
    check: Callable[[int], tuple[str, ...]] = _accept
    plain: Callable[[str], str] | None = None
    plain_note: str = ""
    threads: int | None = 1
    via: str = "select"


Conditions = tuple[sa.ColumnElement[bool], ...]
"""Which rows: those that meet one of the conditions, none of which overlap; empty for all."""


@dataclass(frozen=True, slots=True)
class OpenObject:
    """A source object, open in one state; `kind` decides how conditions are written, `label` is for the run record.

    `read` makes a reading of the given columns (`table`, or a part of it from `only`) and rows; it may be called
    again. `table` is None for a file drop, of which only the whole can be read, once; then `whole` is that reading.
    `ask` has the server count and mark rows (None if it will not); it may be called while a reading is under way.
    `spared` says what the source is spared beyond the contract's limits.
    """

    kind: str
    label: str
    table: SourceTable | None
    read: Callable[[SourceTable, Conditions], Reading] | None = None
    whole: Reading | None = None
    ask: Callable[[sa.Executable], tuple[int, int] | None] | None = None
    spared: str = "read only, each part in one state"
