"""Publish a table: the accepted rows become its current content, in one Delta commit that carries the run.

Readers see the content before the run or after it, never between. A run that has committed is not applied twice: its
commit holds the run's id as a Delta application transaction, so a repetition finds it and answers with what it did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake

from include.contracts.model import Table
from include.lake import rewrite
from include.lake.changes import KEY_FIGURE, Changes, Mode, find_changes, key_text, preview
from include.lake.engine import quote
from include.lake.errors import LakeConflict, lake_errors
from include.lake.root import Lake
from include.lake.rows import StagedPaths, changed_rows, new_rows, set_run
from include.lake.shape import Shape, evolve, published_schema, shape_of
from include.lake.state import PublishedState, commit_properties, state_of_run

__all__ = ["Changes", "Commit", "preview", "publish"]

WRITER = WriterProperties(compression="ZSTD")
CONFIGURATION = {
    "delta.enableChangeDataFeed": "true",
    # The log is evidence: which run wrote what. It stays.
    "delta.enableExpiredLogCleanup": "false",
}
_BATCH_ROWS = 65_536
_STREAM_MEMORY = "768MB"
# delta-rs merges with an in-memory hash table of the changed rows: measured, 1,000,000 rows of 11 columns take
# 1.1 GB and 5,000,000 take 2.8 GB. Beyond these limits DuckDB, which spills, moves the rows (see rewrite.py).
MERGE_ROWS = 400_000
MERGE_BYTES = 32 * 1024**2


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
    with lake_errors(f"publishing {table.qualified_name}"):
        if current is None:
            version = _create(lake, table, uri, shape, staged, run_id, at, properties)
        elif current.version() != changes.base_version:
            raise LakeConflict(f"{table.qualified_name} was committed to meanwhile: run this table again")
        else:
            if shape.added:
                evolve(table, shape, current)
            version = _apply(lake, table, current, shape, changes, staged, run_id, at, properties, merge_rows)
    return Commit(
        version, changes.inserted, changes.updated, changes.deleted, changes.retained, changes.live_after, is_new=True
    )


def _apply(
    lake: Lake,
    table: Table,
    current: DeltaTable,
    shape: Shape,
    changes: Changes,
    staged: StagedPaths,
    run_id: str,
    at: datetime,
    properties: CommitProperties,
    merge_rows: int,
) -> int:
    """Bring a table that is there to its new content, the way that suits the size of the difference."""
    if changes.is_empty:
        return rewrite.note(current, properties)
    if not shape.key:
        return _overwrite(lake, table, current, shape, staged, run_id, at, properties)
    if changes.rows <= merge_rows and lake.size(changes.uri) <= MERGE_BYTES:
        return _merge(lake, table, current, shape, changes.uri, run_id, at, properties)
    uri = lake.registry_table(table.registry, table.name)
    return rewrite.move(lake, current, uri, shape, changes.uri, run_id=run_id, at=at, properties=properties)


def _create(
    lake: Lake,
    table: Table,
    uri: str,
    shape: Shape,
    staged: StagedPaths,
    run_id: str,
    at: datetime,
    properties: CommitProperties,
) -> int:
    with _stream(lake, table, new_rows(shape, staged), run_id, at) as rows:
        write_deltalake(
            uri,
            rows,
            mode="error",
            name=table.qualified_name,
            description=table.description or None,
            configuration=CONFIGURATION,
            storage_options=lake.storage_options(),
            writer_properties=WRITER,
            commit_properties=properties,
        )
    return 0


def _overwrite(
    lake: Lake,
    table: Table,
    current: DeltaTable,
    shape: Shape,
    staged: StagedPaths,
    run_id: str,
    at: datetime,
    properties: CommitProperties,
) -> int:
    """Replace all files at once; the change feed then holds every old row as deleted and every new row as inserted."""
    with _stream(lake, table, new_rows(shape, staged), run_id, at) as rows:
        write_deltalake(
            current,
            rows,
            mode="overwrite",
            writer_properties=WRITER,
            commit_properties=properties,
        )
    return int(current.version())


def _merge(
    lake: Lake,
    table: Table,
    current: DeltaTable,
    shape: Shape,
    uri: str,
    run_id: str,
    at: datetime,
    properties: CommitProperties,
) -> int:
    predicate = " AND ".join(f"target.{quote(name)} = source.{quote(name)}" for name in shape.key)
    with _stream(lake, table, changed_rows(shape, uri), run_id, at) as rows:
        merger = current.merge(
            rows,
            predicate,
            source_alias="source",
            target_alias="target",
            writer_properties=WRITER,
            commit_properties=properties,
        )
        merger.when_matched_update_all().when_not_matched_insert_all().execute()
    return int(current.version())


@contextmanager
def _stream(lake: Lake, table: Table, query: str, run_id: str, at: datetime) -> Iterator[pa.RecordBatchReader]:
    """The query's rows, batch by batch, in the published schema (with its column comments)."""
    connection = lake.connect(memory_limit=_STREAM_MEMORY)
    try:
        set_run(connection, run_id, at)
        reader = connection.execute(query).to_arrow_reader(_BATCH_ROWS)
        comments = {field.name: field.metadata for field in published_schema(table)}
        schema = pa.schema([field.with_metadata(comments.get(field.name)) for field in reader.schema])
        yield pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in reader))
    finally:
        connection.close()


def _commit(state: PublishedState) -> Commit:
    figure = {name: int(state.metadata.get(name, "0")) for name in ("inserted", "updated", "deleted", "retained")}
    return Commit(state.version, **figure, live_rows=state.live_rows, is_new=False)
