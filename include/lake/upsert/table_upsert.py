"""Upsert of a Delta table to the rows of a query: the difference by key, in one commit.

Used for tables of persons and shared tables. Registry tables use only `merge_difference`: their difference is a file
(see change_set.py), since a gate reads it before anything is published, since rows may stay that are not in the
extract, and since large tables are patched file by file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake

from include.lake.delta import commit, view_of
from include.lake.storage import quote

CHANGE = "_change"
# delta-rs merges with an in-memory hash table of the changed rows: measured, 1,000,000 rows of 11 columns take 1.1 GB
# and 5,000,000 take 2.8 GB. A larger difference is not merged.
MERGE_ROWS = 400_000
_WRITER = WriterProperties(compression="ZSTD")
# Small enough for rows of 100 kB; larger batches were hardly faster (7 % at eight times the size).
_BATCH_ROWS = 8_192


@dataclass(frozen=True, slots=True)
class Upserted:
    """Result of an upsert: version, row counts (total, inserted, updated, deleted), and whether a commit was made."""

    version: int
    rows: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    is_new: bool = False


def upsert(
    connection: duckdb.DuckDBPyConnection,
    current: DeltaTable,
    key: Sequence[str],
    properties: Callable[[Mapping[str, int]], CommitProperties],
    *,
    commits_empty: bool = False,
) -> Upserted:
    """Make the rows of the connection's relation `fresh` the table's content, in one commit at the next version.

    Raises errors of the engines: callers wrap it in `lake_errors` and `retry_on_conflict`.

    Args:
        connection: can read the table's files. Creates the temporary relations `current` and `difference`.
        current: the table, opened; it has the columns of `fresh`.
        key: the key columns. Without any, a changed row counts as one deleted and one new.
        properties: makes the commit properties from the counts of the difference.
        commits_empty: whether an empty commit is made if there is no difference.
    """
    view_of(connection, "current", current, current.file_uris())
    rows, inserted, updated, deleted = _compare(connection, current, key)
    changes = inserted + updated + deleted
    if not changes and not commits_empty:
        return Upserted(int(current.version()), rows)
    with_counts = properties({"inserted": inserted, "updated": updated, "deleted": deleted, "live_rows": rows})
    if not changes:
        commit(current, [], with_counts)
    elif changes == inserted:
        new = f"SELECT * EXCLUDE ({CHANGE}) FROM difference" if key else "FROM fresh EXCEPT ALL FROM current"
        write(current, stream(connection, new, _schema(current)), "append", with_counts)
    elif key and changes <= MERGE_ROWS:
        merge_difference(current, stream(connection, "FROM difference", _schema(current)), key, with_counts)
    else:
        write(current, stream(connection, "FROM fresh", _schema(current)), "overwrite", with_counts)
    return Upserted(int(current.version()), rows, inserted, updated, deleted, is_new=True)


def merge_difference(
    current: DeltaTable, rows: pa.RecordBatchReader, key: Sequence[str], properties: CommitProperties
) -> None:
    """Merge rows with a column `_change` by key: `delete` removes a row, anything else updates or inserts it.

    The change feed has updated rows before and after, and deleted rows.
    """
    merger = current.merge(
        rows,
        " AND ".join(f"target.{quote(name)} = source.{quote(name)}" for name in key),
        source_alias="source",
        target_alias="target",
        writer_properties=_WRITER,
        commit_properties=properties,
    )
    merger = merger.when_matched_delete(f"source.{CHANGE} = 'delete'")
    merger = merger.when_matched_update_all(except_cols=[CHANGE])
    merger.when_not_matched_insert_all(except_cols=[CHANGE]).execute()


def write(
    table: DeltaTable | str,
    rows: pa.RecordBatchReader,
    mode: Literal["error", "append", "overwrite"],
    properties: CommitProperties,
    **terms: Any,
) -> None:
    """Write rows in one commit. `terms`: arguments of `write_deltalake` for a new table or other columns."""
    write_deltalake(table, rows, mode=mode, writer_properties=_WRITER, commit_properties=properties, **terms)


def stream(connection: duckdb.DuckDBPyConnection, query: str, schema: pa.Schema | None = None) -> pa.RecordBatchReader:
    """The query's rows in batches; columns in `schema` get its types and comments."""
    reader = connection.execute(query).to_arrow_reader(_BATCH_ROWS)
    given_types = {field.name: field for field in schema or ()}
    exact = pa.schema([given_types.get(field.name, field) for field in reader.schema])
    return pa.RecordBatchReader.from_batches(exact, (batch.cast(exact) for batch in reader))


def count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Row count of a relation."""
    return int(connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])


def _compare(
    connection: duckdb.DuckDBPyConnection, current: DeltaTable, key: Sequence[str]
) -> tuple[int, int, int, int]:
    """Counts of `fresh` (total, new, changed, gone) against `current`; with a key, creates table `difference`."""
    rows = count(connection, "fresh")
    if not key:
        gone = count(connection, "(FROM current EXCEPT ALL FROM fresh)")
        return rows, rows - (count(connection, "current") - gone), 0, gone
    names = _schema(current).names
    columns = ", ".join(
        f"coalesce(f.{quote(n)}, c.{quote(n)}) AS {quote(n)}" if n in key else f"f.{quote(n)}" for n in names
    )
    differs = " OR ".join(f"f.{quote(n)} IS DISTINCT FROM c.{quote(n)}" for n in names)
    same_key = " AND ".join(f"f.{quote(n)} = c.{quote(n)}" for n in key)
    first = quote(key[0])
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE difference AS SELECT {columns}, CASE WHEN c.{first} IS NULL THEN 'insert' "
        f"WHEN f.{first} IS NULL THEN 'delete' ELSE 'update' END AS {CHANGE} "
        f"FROM fresh f FULL JOIN current c ON {same_key} WHERE {differs}"
    )
    found = dict(connection.execute(f"SELECT {CHANGE}, count(*) FROM difference GROUP BY ALL").fetchall())
    return rows, found.get("insert", 0), found.get("update", 0), found.get("delete", 0)


def _schema(current: DeltaTable) -> pa.Schema:
    return pa.schema(current.schema().to_arrow())
