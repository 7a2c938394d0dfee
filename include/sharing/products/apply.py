"""Write a product's rows: the difference, in one commit."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake

from include.lake import upsert
from include.lake.storage import quote
from include.sharing.products.content import CHANGE, Difference

WRITER = WriterProperties(compression="ZSTD")
_BATCH_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class Target:
    """The shared table, its Arrow schema and the columns that tell its rows apart (none: rows have no key)."""

    delta: DeltaTable
    schema: pa.Schema
    keys: tuple[str, ...]


def apply(
    connection: duckdb.DuckDBPyConnection,
    target: Target,
    difference: Difference,
    commit: CommitProperties,
    merge_rows: int,
) -> None:
    """One commit, the way that suits the difference; without any difference it only notes what the table stands for.

    Takes the temporary tables that `content.compare` left in the connection.
    """
    if difference.is_empty:
        upsert.note(target.delta, commit)
    elif target.keys and difference.changes <= merge_rows:
        _merge(connection, target, commit)
    else:
        only_new = difference.changes == difference.inserted
        query = "FROM fresh EXCEPT ALL FROM shared" if only_new else "FROM fresh"
        write_deltalake(
            target.delta,
            stream(connection, query, target.schema),
            mode="append" if only_new else "overwrite",
            writer_properties=WRITER,
            commit_properties=commit,
        )


def stream(connection: duckdb.DuckDBPyConnection, query: str, schema: pa.Schema) -> pa.RecordBatchReader:
    """The query's rows, batch by batch, in exactly this schema."""
    reader = connection.execute(query).to_arrow_reader(_BATCH_ROWS)
    return pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in reader))


def _merge(connection: duckdb.DuckDBPyConnection, target: Target, commit: CommitProperties) -> None:
    columns = {quote(name): f"source.{quote(name)}" for name in target.schema.names}
    merger = target.delta.merge(
        stream(connection, "FROM change", target.schema.append(pa.field(CHANGE, pa.string()))),
        " AND ".join(f"target.{quote(name)} = source.{quote(name)}" for name in target.keys),
        source_alias="source",
        target_alias="target",
        writer_properties=WRITER,
        commit_properties=commit,
    )
    merger = merger.when_matched_delete(f"source.{CHANGE} = 'delete'")
    merger.when_matched_update(columns).when_not_matched_insert(columns).execute()
