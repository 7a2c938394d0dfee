"""Apply a difference too large to merge in memory, by files that DuckDB writes; and the commit without any change.

Delta's change feed of a commit without change files is what the commit removed and added, unless marked as no change
of data (`dataChange: false`, as compaction does). So the rows that are about to change are first moved into files of
their own, which is such a rearrangement: readers see the same content. Then one commit swaps those files for the new
rows. The feed of that commit holds the changed rows and nothing else (as delete and insert instead of update), the
memory is DuckDB's, which spills, and a run killed between the two has changed nothing that anybody can read.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable
from deltalake.transaction import AddAction, RemoveAction

from include.lake.engine import literal, quote
from include.lake.rows import FILE, changed_rows, difference, published_rows, set_run
from include.lake.shape import Shape
from include.lake.state import epoch_milliseconds
from include.lake.write import Writing

_FILE_BYTES = "256MB"


def note(current: DeltaTable, properties: CommitProperties) -> int:
    """Commit a run that changed nothing: no file, only what the run says of itself."""
    return _commit(current, [], properties)


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    uri: str
    size: int
    rows: int


def move(writing: Writing, current: DeltaTable, uri: str) -> int:
    """Apply the difference at `uri` to the table. Gives the version of the commit that carries the run."""
    instant = epoch_milliseconds(writing.at)
    connection, shape = writing.lake.connect(), writing.shape
    try:
        files = _files(current)
        touched = _touched(connection, shape, files, uri)
        whole = [file for file in files if touched.get(file.uri) == file.rows]
        part = [file for file in files if file.uri in touched and file not in whole]
        leaving = whole
        if part:
            rows = published_rows(connection, shape, [file.uri for file in part])
            rows = f"SELECT * EXCLUDE ({FILE}) FROM ({rows}) r"
            same_key = f"JOIN ({difference(uri)}) d USING ({_keys(shape)})"
            staying = _write(connection, writing.uri, f"{rows} ANTI {same_key}")
            moved = _write(connection, writing.uri, f"{rows} SEMI {same_key}")
            _swap(current, part, [*staying, *moved], instant, None)
            leaving = [*whole, *moved]
        set_run(connection, writing.run_id, writing.at)
        arriving = _write(connection, writing.uri, changed_rows(shape, uri))
        return _swap(current, leaving, arriving, instant, writing.properties)
    finally:
        connection.close()


def _files(current: DeltaTable) -> list[_File]:
    """The table's live files."""
    actions = pa.table(current.get_add_actions()).select(["path", "size_bytes", "num_records"]).to_pylist()
    uris = current.file_uris()
    files = []
    for action in actions:
        path = unquote(action["path"])
        uri = next(uri for uri in uris if uri.endswith("/" + path))
        files.append(_File(action["path"], uri, action["size_bytes"], action["num_records"]))
    return files


def _touched(connection: duckdb.DuckDBPyConnection, shape: Shape, files: Sequence[_File], uri: str) -> dict[str, int]:
    """How many rows of each file the difference updates or deletes."""
    rows = published_rows(connection, shape, [file.uri for file in files])
    same_key = f"SEMI JOIN ({difference(uri)}) d USING ({_keys(shape)})"
    return dict(connection.execute(f"SELECT {FILE}, count(*) FROM ({rows}) r {same_key} GROUP BY {FILE}").fetchall())


def _write(connection: duckdb.DuckDBPyConnection, table_uri: str, query: str) -> list[_File]:
    """Write rows as new files inside the table's folder. Until a commit names them they are nobody's."""
    folder = f"part-{uuid.uuid4()}"
    written = connection.execute(
        f"COPY ({query}) TO {literal(f'{table_uri}/{folder}')} "
        f"(FORMAT parquet, COMPRESSION zstd, FILE_SIZE_BYTES {literal(_FILE_BYTES)}, RETURN_STATS)"
    ).fetchall()
    return [_File(f"{folder}/{name.rpartition('/')[2]}", name, size, rows) for name, rows, size, *_ in written if rows]


def _swap(
    current: DeltaTable,
    leaving: Sequence[_File],
    arriving: Sequence[_File],
    instant: int,
    properties: CommitProperties | None,
) -> int:
    """One commit that takes files out and puts others in: a run's change, or (no properties) a rearrangement."""
    is_change = properties is not None
    actions: list[AddAction | RemoveAction] = [
        RemoveAction(file.path, is_change, instant, file.size, {}) for file in leaving
    ]
    actions += [
        AddAction(file.path, file.size, {}, instant, is_change, json.dumps({"numRecords": file.rows}))
        for file in arriving
    ]
    return _commit(current, actions, properties or CommitProperties(max_commit_retries=0))


def _commit(current: DeltaTable, actions: list[AddAction | RemoveAction], properties: CommitProperties) -> int:
    """Commit at the next version, which is what no retries means, and bring the open table up to it."""
    version = current.version() + 1
    current.create_write_transaction(actions, "append", current.schema(), commit_properties=properties)
    current.load_as_version(version)
    return int(version)


def _keys(shape: Shape) -> str:
    return ", ".join(quote(name) for name in shape.key)
