"""The figure of all published rows (see fingerprint.py), kept on the commits of their table.

So a run that compares the source with the lake by figures reads only the rows that it must leave out of account. The
figure is of the content, so it stays true when files are joined, and a restored version brings its own back. After a
commit of anybody else's it is not believed, but made of the rows again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import duckdb

from include.contracts import Table
from include.lake.delta import PublishedState, Shape, StagedPaths, accepted_rows, published_rows, staged_files
from include.lake.incremental.row_checksum import Fingerprint, fingerprint, hashed_values
from include.lake.storage import Lake, shut
from include.lake.upsert import COMPARE_MEMORY, Changes, arriving, leaving

KNOWN = "known_rows"  # in a commit's metadata

_BATCH_ROWS = 122_880
# What maintenance does; nothing of it changes a row.
_CHANGES_NO_ROW = {
    "ADD COLUMN", "ADD FEATURE", "OPTIMIZE", "SET TBLPROPERTIES", "VACUUM END", "VACUUM START",
}  # fmt: skip


def is_as_left(state: PublishedState) -> bool:
    """Whether no row was changed since that commit."""
    return set(state.since) <= _CHANGES_NO_ROW


def known_by(state: PublishedState | None, table: Table) -> Fingerprint | None:
    """The figure of what is published, from the last run's commit; None if it says none, or others wrote since."""
    if state is None or not is_as_left(state):
        return None
    said = json.loads(state.metadata.get(KNOWN) or "{}")
    return Fingerprint(said["rows"], said["mark"]) if said and said["of"] == list(hashed_values(table) or ()) else None


def figures(connection: duckdb.DuckDBPyConnection, values: Sequence[str]) -> Callable[[str], Fingerprint | None]:
    """What makes the figure of the rows of a SELECT; `values` is what is hashed of each."""

    def of(rows: str) -> Fingerprint | None:
        query = f"SELECT {', '.join(values)} FROM ({rows})"
        return fingerprint(connection.execute(query).to_arrow_reader(_BATCH_ROWS))

    return of


def known_after(
    lake: Lake,
    table: Table,
    shape: Shape,
    files: Sequence[str] | None,
    base: PublishedState | None,
    staged: StagedPaths,
    changes: Changes,
) -> str:
    """What a commit says of the rows that are published by it; empty if the table has no figure.

    `files` are the table's before the commit; None if there is no table yet.
    """
    values = hashed_values(table) if table.extract.deletes == "reconcile" else None  # else nobody asks for it
    if values is None:
        return ""
    connection = lake.connect(memory_limit=COMPARE_MEMORY)
    try:
        shut(connection, reads=[*staged_files(staged), *(files or ()), *([changes.uri] if changes.uri else [])])
        of = figures(connection, values)
        if files is None:
            parts = [of(accepted_rows(shape, staged, deleted_when=table.extract.deleted_when))]
        else:
            before = known_by(base, table) or of(published_rows(connection, shape, files, with_file=False))
            parts = [before, of(leaving(shape, changes.uri)), of(arriving(shape, changes.uri))]
    finally:
        connection.close()
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return ""
    after = known[0] if len(known) == 1 else known[0] - known[1] + known[2]
    return json.dumps({"rows": after.rows, "mark": after.mark, "of": list(values)})
