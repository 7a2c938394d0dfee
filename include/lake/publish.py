"""Publish a table: the accepted rows become its current content, in one Delta commit that carries the run.

Readers see the content before the run or after it, never between. A run that has committed is not applied twice: its
commit holds the run's id as a Delta application transaction, so a repetition finds it and answers with what it did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from deltalake import DeltaTable

from include.contracts.model import Table
from include.lake import rewrite, write
from include.lake.changes import KEY_FIGURE, Changes, Mode, find_changes, key_text, preview
from include.lake.errors import LakeConflict, lake_errors
from include.lake.root import Lake
from include.lake.rows import StagedPaths
from include.lake.shape import evolve, shape_of
from include.lake.state import PublishedState, commit_properties, state_of_run
from include.lake.write import Writing

__all__ = ["Changes", "Commit", "preview", "publish"]

# delta-rs merges with an in-memory hash table of the changed rows: measured, 1,000,000 rows of 11 columns take
# 1.1 GB and 5,000,000 take 2.8 GB. Beyond these limits DuckDB, which spills, moves the rows (see rewrite.py).
MERGE_ROWS = 400_000
MERGE_BYTES = 32 * 1024**2
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Commit:
    """What a run did to a table. `is_new` is False when the run had committed before and nothing was written now."""

    version: int
    inserted: int
    updated: int
    deleted: int
    retained: int
    live_rows: int
    is_new: bool


def publish(
    lake: Lake,
    table: Table,
    *,
    run_id: str,
    at: datetime,
    staged: StagedPaths,
    metadata: Mapping[str, str],
    mode: Mode = "full",
    merge_rows: int = MERGE_ROWS,
) -> Commit:
    """Make the staged rows that were accepted the table's content; one commit, or none if this run has committed.

    `full`: a live key that the extract does not hold any more gets `_deleted_at`; a key whose new row was rejected
    keeps its last accepted version (`retained`). `incremental`: keys that are not in the extract stay as they are. A
    table without a primary key is replaced as a whole.

    Args:
        lake: where to.
        table: the contract's table.
        run_id: the run; a run commits once.
        at: the run's instant, for `_deleted_at` and the commit.
        staged: what the split left.
        metadata: what the commit says of the run, each key stored with the prefix `lienthong.`: contract_version,
            contract_digest, extract_digest, cursor, the split's counts.
        mode: `full` or `incremental`.
        merge_rows: up to how many changed rows delta-rs merges them.

    Raises:
        LakeSchemaConflict: the published columns cannot become the contract's.
        LakeKeyBroken: accepted rows without a key, or with the same.
        LakeConflict: another writer committed meanwhile.
        LakeError: the lake is full, denied or unreachable.
    """
    if mode == "incremental" and not table.primary_key:
        raise ValueError(f"{table.qualified_name} has no primary key: an incremental run cannot find its rows again")
    for attempts_left in range(_ATTEMPTS - 1, -1, -1):
        try:
            return _publish(lake, table, run_id, at, staged, metadata, mode, merge_rows)
        except LakeConflict:
            # Maintenance may have committed meanwhile; the difference is found anew against what is there now.
            if not attempts_left:
                raise
    raise AssertionError("unreachable")


def _publish(
    lake: Lake,
    table: Table,
    run_id: str,
    at: datetime,
    staged: StagedPaths,
    metadata: Mapping[str, str],
    mode: Mode,
    merge_rows: int,
) -> Commit:
    uri = lake.registry_table(table.registry, table.name)
    current = lake.table(uri) if lake.is_table(uri) else None
    if current is not None:
        recorded = state_of_run(current, run_id)
        if recorded is not None:
            return _commit(recorded)
    shape = shape_of(table, current)
    changes = find_changes(lake, shape, current, staged, mode=mode)
    properties = commit_properties(
        run_id,
        metadata,
        mode=mode,
        at=at.isoformat(),
        inserted=changes.inserted,
        updated=changes.updated,
        deleted=changes.deleted,
        retained=changes.retained,
        live_rows=changes.live_after,
        **{KEY_FIGURE: key_text(shape)},
    )
    writing = Writing(lake, table, shape, staged, run_id, at, properties)
    with lake_errors(f"publishing {table.qualified_name}"):
        if current is None:
            version = write.create(writing)
        elif current.version() != changes.base_version:
            raise LakeConflict(f"{table.qualified_name} was committed to meanwhile: run this table again")
        else:
            if shape.added:
                evolve(table, shape, current)
            version = _apply(writing, current, changes, merge_rows)
    return Commit(
        version, changes.inserted, changes.updated, changes.deleted, changes.retained, changes.live_after, is_new=True
    )


def _apply(writing: Writing, current: DeltaTable, changes: Changes, merge_rows: int) -> int:
    """Bring a table that is there to its new content, the way that suits the size of the difference."""
    if changes.is_empty:
        return rewrite.note(current, writing.properties)
    if not writing.shape.key:
        return write.overwrite(writing, current)
    if changes.rows <= merge_rows and writing.lake.size(changes.uri) <= MERGE_BYTES:
        return write.merge(writing, current, changes.uri)
    return rewrite.move(writing, current, changes.uri)


def _commit(state: PublishedState) -> Commit:
    figure = {name: int(state.metadata.get(name, "0")) for name in ("inserted", "updated", "deleted", "retained")}
    return Commit(state.version, **figure, live_rows=state.live_rows, is_new=False)
