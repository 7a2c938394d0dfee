"""Three ways to write a run's rows by delta-rs: a new table, a table replaced as a whole, a difference merged in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake

from include.contracts.model import Table
from include.lake.engine import quote
from include.lake.root import Lake
from include.lake.rows import StagedPaths, changed_rows, new_rows, set_run
from include.lake.shape import Shape, published_schema

_WRITER = WriterProperties(compression="ZSTD")
_CONFIGURATION = {
    "delta.enableChangeDataFeed": "true",
    # The log is evidence: which run wrote what. It stays.
    "delta.enableExpiredLogCleanup": "false",
}
# Small enough for rows of 100 kB; larger batches were hardly faster (7 % at eight times the size).
_BATCH_ROWS = 8_192
_STREAM_MEMORY = "768MB"


@dataclass(frozen=True, slots=True)
class Writing:
    """One run about to write one table: where, what shape, from which staged rows, and what the commit will say."""

    lake: Lake
    table: Table
    shape: Shape
    staged: StagedPaths
    run_id: str
    at: datetime
    properties: CommitProperties

    @property
    def uri(self) -> str:
        """The published table."""
        return self.lake.registry_table(self.table.registry, self.table.name)


def create(writing: Writing) -> int:
    """Version 0: data, schema and what the run says of itself, in one commit."""
    writing.lake.make_folder(writing.uri)
    with _stream(writing, new_rows(writing.shape, writing.staged)) as rows:
        write_deltalake(
            writing.uri,
            rows,
            mode="error",
            name=writing.table.qualified_name,
            description=writing.table.description or None,
            configuration=_CONFIGURATION,
            storage_options=writing.lake.storage_options(),
            writer_properties=_WRITER,
            commit_properties=writing.properties,
        )
    return 0


def overwrite(writing: Writing, current: DeltaTable) -> int:
    """Replace all files at once; the change feed then holds every old row as deleted and every new row as inserted."""
    with _stream(writing, new_rows(writing.shape, writing.staged)) as rows:
        write_deltalake(
            current, rows, mode="overwrite", writer_properties=_WRITER, commit_properties=writing.properties
        )
    return int(current.version())


def merge(writing: Writing, current: DeltaTable, uri: str) -> int:
    """Merge the difference at `uri` by key; the change feed holds what changed, before and after."""
    predicate = " AND ".join(f"target.{quote(name)} = source.{quote(name)}" for name in writing.shape.key)
    with _stream(writing, changed_rows(writing.shape, uri)) as rows:
        merger = current.merge(
            rows,
            predicate,
            source_alias="source",
            target_alias="target",
            writer_properties=_WRITER,
            commit_properties=writing.properties,
        )
        merger.when_matched_update_all().when_not_matched_insert_all().execute()
    return int(current.version())


@contextmanager
def _stream(writing: Writing, query: str) -> Iterator[pa.RecordBatchReader]:
    """The query's rows, batch by batch, in the published schema (with its column comments)."""
    connection = writing.lake.connect(memory_limit=_STREAM_MEMORY)
    try:
        set_run(connection, writing.run_id, writing.at)
        reader = connection.execute(query).to_arrow_reader(_BATCH_ROWS)
        comments = {field.name: field.metadata for field in published_schema(writing.table)}
        schema = pa.schema([field.with_metadata(comments.get(field.name)) for field in reader.schema])
        yield pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in reader))
    finally:
        connection.close()
