"""Parquet files of a Delta table written by DuckDB, and the commit that adds and removes them."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable
from deltalake.transaction import AddAction, RemoveAction

from include.lake.delta.commit_metadata import epoch_milliseconds
from include.lake.storage import PARQUET, literal, partition_values, quote

# A size limit without PER_THREAD_OUTPUT would use one core. The limit of row groups (7.9 M rows) is for narrow tables:
# a file is patched with all that changes in it in memory, and rewritten if that is too much; measured on 100 M rows.
_ROW_GROUPS = 64
FILE_ROWS = _ROW_GROUPS * 122_880
DATA_FILES = (
    f"{PARQUET}, PER_THREAD_OUTPUT true, FILE_SIZE_BYTES '256MB', ROW_GROUPS_PER_FILE {_ROW_GROUPS}, RETURN_STATS, "
    f"FILENAME_PATTERN {literal('{uuid}')}"
)
"""Options of the COPY that writes data files, to a folder of its own."""
_LONGEST_BOUND = 200
EXACT_DIGITS = 15  # significant decimal digits that survive a binary float
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")


@dataclass(frozen=True, slots=True)
class File:
    """A file of a table: `path` as the log has it, `uri` as engines open it; `stats` is Delta's JSON."""

    path: str
    uri: str
    size: int
    rows: int
    stats: str = ""

    @property
    def partition(self) -> dict[str, str]:
        """Its partition values: the server of a slice."""
        return partition_values(self.path)


def live_files(current: DeltaTable) -> list[File]:
    """The table's files."""
    actions = pa.table(current.get_add_actions()).select(["path", "size_bytes", "num_records"]).to_pylist()
    by_path = {uri.rpartition("/")[2]: uri for uri in current.file_uris()}
    return [
        File(a["path"], by_path[unquote(a["path"]).rpartition("/")[2]], a["size_bytes"], a["num_records"])
        for a in actions
    ]


def write_files(connection: duckdb.DuckDBPyConnection, table_uri: str, query: str, *, below: str = "") -> list[File]:
    """Write rows as new files inside the table's folder. They belong to no version until a commit adds them.

    `below` is a folder of the table, and ends in a slash.
    """
    folder = f"{below}part-{uuid4()}"
    types = types_of(connection, query)
    written = connection.execute(f"COPY ({query}) TO {literal(f'{table_uri}/{folder}')} ({DATA_FILES})").fetchall()
    return written_files(folder, written, types)


def types_of(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    """The DuckDB types of a SELECT's columns, by name."""
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE {query}").fetchall()}


def written_files(folder: str, written: Sequence[tuple[Any, ...]], types: Mapping[str, str]) -> list[File]:
    """The data files that a COPY with DATA_FILES wrote to a folder of the table, from what it returned."""
    return [
        File(f"{folder}/{name.rpartition('/')[2]}", name, size, rows, _stats(rows, columns, types))
        for name, rows, size, _, columns, *_ in written
        if rows
    ]


def patched_file(path: str, uri: str, size: int, metadata: pq.FileMetaData, types: Mapping[str, str]) -> File:
    """A data file built from its known footer; `types` are the table's. A column missing in it is null in every row."""
    rows = int(metadata.num_rows)
    leaves = {metadata.schema.column(at).path: at for at in range(metadata.num_columns)}
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    columns: dict[str, Mapping[str, str]] = {}
    for name, sql_type in types.items():
        if name in leaves:
            columns[quote(name)] = _footer_stats([group.column(leaves[name]) for group in groups])
        elif not sql_type.endswith("[]"):
            columns[quote(name)] = {"null_count": str(rows)}
    return File(path, uri, size, rows, _stats(rows, columns, types))


def _footer_stats(chunks: Sequence[pq.ColumnChunkMetaData]) -> dict[str, str]:
    """A column's statistics merged from its chunks; without bounds where a chunk with values has none."""
    stats = [chunk.statistics for chunk in chunks]
    if any(one is None or not one.has_null_count for one in stats):
        return {}
    combined = {"null_count": str(sum(one.null_count for one in stats))}
    bounded = [one for one in stats if one.num_values]
    if bounded and all(one.has_min_max for one in bounded):
        with suppress(ValueError, OverflowError):  # an instant beyond Python's datetime
            combined["min"], combined["max"] = (
                _text(min(one.min for one in bounded)),
                _text(max(one.max for one in bounded)),
            )
    return combined


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return value.isoformat(sep=" ").replace("+00:00", "+00") if isinstance(value, datetime) else str(value)


def add_actions(files: Sequence[File], at: datetime) -> list[AddAction]:
    """The actions that put files into a table."""
    return [AddAction(f.path, f.size, f.partition, epoch_milliseconds(at), True, f.stats) for f in files]


def swap(
    current: DeltaTable,
    old_files: Sequence[File],
    new_files: Sequence[File],
    at: datetime,
    properties: CommitProperties,
) -> int:
    """Replace files by others in one commit; its row counts are taken from the files."""
    # The vacuum counts by the clock from when a file was removed, and a run may have begun days before it was approved.
    removed = [RemoveAction(f.path, True, now(), f.size, f.partition) for f in old_files]
    return commit(current, [*removed, *add_actions(new_files, at)], properties)


def commit(current: DeltaTable, actions: list[AddAction | RemoveAction], properties: CommitProperties) -> int:
    """Commit at the next version or fail (no retries), and update the open table to it."""
    version = current.version() + 1
    current.create_write_transaction(actions, "append", current.schema(), commit_properties=properties)
    current.load_as_version(version)
    return int(version)


def now() -> int:
    """The current instant in milliseconds since 1970, as the Delta log stores it."""
    return time.time_ns() // 10**6


def _stats(rows: int, columns: Mapping[str, Mapping[str, str]], types: Mapping[str, str]) -> str:
    """Delta statistics of a file, made from DuckDB's; readers skip files by them.

    Bounds of all columns or of none: delta-rs passes a missing bound to pyarrow as if no value were within bounds.
    """
    stats: dict[str, Any] = {"numRecords": rows, "minValues": {}, "maxValues": {}, "nullCount": {}}
    for name, sql_type in types.items():
        column = columns.get(quote(name))
        if column is None:
            if sql_type.endswith("[]"):
                continue
            return json.dumps({"numRecords": rows})
        empty = int(column.get("null_count", -1))
        stats["nullCount"][name] = empty
        if empty == rows:
            continue
        bounds = [_bound(column.get(end), sql_type) for end in ("min", "max")]
        if None in bounds or empty < 0 or column.get("has_nan") == "true":
            return json.dumps({"numRecords": rows})
        stats["minValues"][name], stats["maxValues"][name] = bounds
    return json.dumps(stats)


def _bound(text: str | None, sql_type: str) -> int | float | str | None:
    """A minimum or maximum as the Delta log writes it; None if it cannot be stated exactly."""
    if text is None:
        return None
    if sql_type in _NUMBERS:
        return int(text)
    if sql_type == "BOOLEAN":
        return {"0": False, "1": True}.get(text)
    if sql_type in ("FLOAT", "DOUBLE"):
        return number if math.isfinite(number := float(text)) else None
    if sql_type.startswith("DECIMAL"):
        return float(text) if len(text) <= EXACT_DIGITS else None
    if sql_type == "VARCHAR":
        return text if len(text) <= _LONGEST_BOUND else None
    if sql_type == "DATE":
        return text if len(text) == len("2026-01-01") else None
    is_instant = sql_type in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
    if (is_instant and text.endswith("+00")) or sql_type == "TIMESTAMP":
        return text.replace(" ", "T").replace("+00", "Z") if text[4:5] == "-" else None
    return None
