"""Row-set checksum of all published rows (see row_checksum.py), stored as metadata on the table's commits.

A run that compares checksums of source and lake then reads only the rows to subtract. The checksum depends on content
only, so compaction keeps it valid and a restored version brings its own back. A commit of any other writer invalidates
it: it is then computed from the rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from include.contracts.model import Table
from include.lake.delta import RunCommit, StagedFiles, TableSchema, accepted_rows, published_rows
from include.lake.incremental.row_checksum import RowSetChecksum, hashed_values, row_set_checksum
from include.lake.storage import Lake, restrict_access
from include.lake.upsert import COMPARE_MEMORY, Changes, Mode, rows_to_remove, rows_to_write

STORED_CHECKSUM = "known_rows"  # metadata key

_BATCH_ROWS = 122_880
# Maintenance operations, which change no row.
_CHANGES_NO_ROW = {
    "ADD COLUMN", "ADD FEATURE", "OPTIMIZE", "SET TBLPROPERTIES", "VACUUM END", "VACUUM START",
}  # fmt: skip


def only_maintenance_since(state: RunCommit) -> bool:
    """Whether only maintenance committed since that run commit."""
    return set(state.since) <= _CHANGES_NO_ROW


@dataclass(frozen=True, slots=True)
class PendingCommit:
    """A run's commit to a table before it is made; `files` are the table's before, None if there is no table yet."""

    lake: Lake
    table: Table
    table_schema: TableSchema
    files: Sequence[str] | None
    base: RunCommit | None
    staged: StagedFiles
    changes: Changes
    mode: Mode

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection restricted to the files of the table, of the run and of the change set."""
        with self.lake.connect(memory_limit=COMPARE_MEMORY) as connection:
            compared = [self.changes.uri] if self.changes.uri else []
            restrict_access(connection, reads=[*self.staged.uris, *(self.files or ()), *compared])
            yield connection


def stored_figures(state: RunCommit | None, key: str) -> str:
    """JSON of content figures stored on the last run's commit; `{}` if absent or invalidated by another writer."""
    return (state.metadata.get(key) if state is not None and only_maintenance_since(state) else None) or "{}"


def stored_checksum_of(state: RunCommit | None, table: Table) -> RowSetChecksum | None:
    """The checksum stored on the last run's commit; None if absent or invalidated by another writer."""
    stored = json.loads(stored_figures(state, STORED_CHECKSUM))
    is_valid = stored and stored["of"] == list(hashed_values(table) or ())
    return RowSetChecksum(stored["rows"], stored["mark"]) if is_valid else None


def checksum_by_sql(
    connection: duckdb.DuckDBPyConnection, values: Sequence[str]
) -> Callable[[str], RowSetChecksum | None]:
    """Function that computes the checksum of a SELECT's rows; `values` is the SQL of the hashed values."""

    def of(rows: str) -> RowSetChecksum | None:
        query = f"SELECT {', '.join(values)} FROM ({rows})"
        return row_set_checksum(connection.execute(query).to_arrow_reader(_BATCH_ROWS))

    return of


def checksum_after_commit(pending: PendingCommit) -> str:
    """Commit metadata with the checksum of the rows published by it; empty if the table has none."""
    table, table_schema, changes = pending.table, pending.table_schema, pending.changes
    values = hashed_values(table) if table.extract.deletes == "reconcile" else None  # no other table compares checksums
    if values is None:
        return ""
    with pending.connection() as connection:
        of = checksum_by_sql(connection, values)
        if pending.files is None:
            parts = [of(accepted_rows(table_schema, pending.staged, deleted_when=table.extract.deleted_when))]
        else:
            before = stored_checksum_of(pending.base, table)
            before = before or of(published_rows(connection, table_schema, pending.files, with_file=False))
            parts = [
                before,
                of(rows_to_remove(table_schema, changes.uri)),
                of(rows_to_write(table_schema, changes.uri)),
            ]
    checksums = [part for part in parts if part is not None]
    if len(checksums) < len(parts):
        return ""
    after = checksums[0] if len(checksums) == 1 else checksums[0] - checksums[1] + checksums[2]
    return json.dumps({"rows": after.rows, "mark": after.xor, "of": list(values)})
