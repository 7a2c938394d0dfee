"""Readings: what a source reader hands to the landing, one DuckDB query with its checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from include.sources.access import SourceError
from include.sources.source_schema import SourceTable

TEXT_NOTE = "values that the fast reader cannot carry: their columns landed as text"


GUARD = "_lienthong_guard"


def guarded(query: str) -> str:
    """The query without its guard column; it fails, with GUARD in the message, at a row where the guard is true."""
    return f"SELECT * EXCLUDE ({GUARD}) FROM ({query}) WHERE CASE WHEN {GUARD} THEN error('{GUARD}') ELSE true END"


class NotCarried(Exception):
    """Raised by a reading's check if its query could not carry all values."""


def _accept(rows: int) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A source object, or a part of one, ready to be read once.

    `query` selects every requested column. `check` is called with the number of rows landed: it raises if rows are
    missing, and returns notes. `explain` maps an engine's error to the source's failure (None: not the source's).
    `plain` is a fallback reading of the same rows, slower and as text, for values that `query` cannot carry; it is
    called with the engine's message if `query` failed and `explain` returned None. `threads` is the number of DuckDB
    threads with work (None: any): an idle thread spins and takes a core from the source's server (DuckDB issue 22178).
    `via` names the way of reading, for the run log.
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
"""Disjoint conditions, of which a row must meet one; empty for all rows."""


@dataclass(frozen=True, slots=True)
class OpenObject:
    """A source object, open in one state; `kind` decides how conditions are written, `label` is for the run log.

    `read` makes a reading of the given columns (`table`, or a part of it from `only`) and rows, repeatedly. `table` is
    None for a file delivery, which can only be read whole and once; then `whole` is that reading. `run_checksum` runs a
    checksum query (None if the server refuses), also during a reading. `safeguards` describes further load limits;
    `snapshot` the transactions that are seen, as `pg_current_snapshot()` has them (empty: not PostgreSQL).
    """

    kind: str
    label: str
    table: SourceTable | None
    read: Callable[[SourceTable, Conditions], Reading] | None = None
    whole: Reading | None = None
    run_checksum: Callable[[sa.Executable], tuple[int, int] | None] | None = None
    safeguards: str = "read only, each part in one state"
    snapshot: str = ""
