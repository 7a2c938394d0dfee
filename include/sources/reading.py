"""What every reader hands to the landing: one DuckDB query, and how to judge what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from include.sources.errors import SourceError

TEXT_NOTE = "values that the fast reader cannot carry: their columns landed as text"


GUARD = "_lienthong_guard"


def guarded(parts: list[str]) -> str:
    """One query over several with a guard column each: it fails, naming GUARD, at the first row where that is true."""
    stop = f"error('{GUARD}')"
    rows = " UNION ALL ".join(parts)
    return f"SELECT * EXCLUDE ({GUARD}) FROM ({rows}) WHERE CASE WHEN {GUARD} THEN {stop} ELSE true END"


class NotCarried(Exception):
    """Raised by a reading's check: the first way of reading could not carry all values."""


def _accept(rows: int) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A source object, ready to be read once.

    `query` gives every column of the source object. `check` is called with the number of rows that landed: it raises if
    that is not all of them, and returns notes. `explain` tells which source failure is behind an engine's error (None:
    not the source's). `plain` is a second way to read the same rows, slower and as text, for values that the first way
    cannot carry; it is asked for, with the engine's text, only when `query` failed for another reason than `explain`
    knows.
    """

    kind: str
    query: str
    drift: tuple[str, ...]
    explain: Callable[[BaseException], SourceError | None]
    check: Callable[[int], tuple[str, ...]] = _accept
    plain: Callable[[str], str] | None = None
    plain_note: str = ""
