"""Parquet files of a Delta table that DuckDB writes, and the commit that puts them in and takes others out."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable
from deltalake.transaction import AddAction, RemoveAction

from include.lake.engine import PARQUET, literal
from include.lake.state import epoch_milliseconds

# A size limit without PER_THREAD_OUTPUT would use one core.
_PARQUET = f"{PARQUET}, PER_THREAD_OUTPUT true, FILE_SIZE_BYTES '256MB', RETURN_STATS"
_LONGEST_BOUND = 200
_EXACT_DIGITS = 15
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")


@dataclass(frozen=True, slots=True)
class File:
    """A file of a table: `path` as the log has it, `uri` as engines open it; `stats` is Delta's JSON."""

    path: str
    uri: str
    size: int
    rows: int
    stats: str = ""


def live_files(current: DeltaTable) -> list[File]:
    """The table's files."""
    actions = pa.table(current.get_add_actions()).select(["path", "size_bytes", "num_records"]).to_pylist()
    by_path = {uri.rpartition("/")[2]: uri for uri in current.file_uris()}
    return [
        File(a["path"], by_path[unquote(a["path"]).rpartition("/")[2]], a["size_bytes"], a["num_records"])
        for a in actions
    ]


def write_files(connection: duckdb.DuckDBPyConnection, table_uri: str, query: str) -> list[File]:
    """Write rows as new files inside the table's folder. Until a commit names them they are nobody's."""
    folder = f"part-{uuid4()}"
    types = {row[0]: row[1] for row in connection.execute(f"DESCRIBE {query}").fetchall()}
    written = connection.execute(
        f"COPY ({query}) TO {literal(f'{table_uri}/{folder}')} ({_PARQUET}, FILENAME_PATTERN {literal('{uuid}')})"
    ).fetchall()
    return [
        File(f"{folder}/{name.rpartition('/')[2]}", name, size, rows, _stats(rows, columns, types))
        for name, rows, size, _, columns, *_ in written
        if rows
    ]


def add_actions(files: Sequence[File], at: datetime, *, is_change: bool = True) -> list[AddAction]:
    """The actions that put files into a table."""
    return [AddAction(f.path, f.size, {}, epoch_milliseconds(at), is_change, f.stats) for f in files]


def swap(
    current: DeltaTable,
    leaving: Sequence[File],
    arriving: Sequence[File],
    at: datetime,
    properties: CommitProperties | None,
) -> int:
    """One commit that takes files out and puts others in: a run's change, or (no properties) a rearrangement."""
    is_change = properties is not None
    # The vacuum counts by the clock from when a file was removed, and a run may have begun days before it was approved.
    removed = [RemoveAction(f.path, is_change, _now(), f.size, {}) for f in leaving]
    added = add_actions(arriving, at, is_change=is_change)
    return commit(current, [*removed, *added], properties or CommitProperties(max_commit_retries=0))


def commit(current: DeltaTable, actions: list[AddAction | RemoveAction], properties: CommitProperties) -> int:
    """Commit at the next version, which is what no retries means, and bring the open table up to it."""
    version = current.version() + 1
    current.create_write_transaction(actions, "append", current.schema(), commit_properties=properties)
    current.load_as_version(version)
    return int(version)


def _now() -> int:
    return time.time_ns() // 10**6


def _stats(rows: int, columns: Mapping[str, Mapping[str, str]], types: Mapping[str, str]) -> str:
    """Delta's statistics of a file, from DuckDB's: readers skip files by them.

    All or nothing: where one column has no bounds, delta-rs tells pyarrow that its values are all beyond them.
    """
    stats: dict[str, Any] = {"numRecords": rows, "minValues": {}, "maxValues": {}, "nullCount": {}}
    for name, sql_type in types.items():
        column = columns.get('"' + name.replace('"', '""') + '"')
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
    """A smallest or greatest value as Delta's log writes it; None if it is not to be had exactly."""
    if text is None:
        return None
    if sql_type in _NUMBERS:
        return int(text)
    if sql_type == "BOOLEAN":
        return {"0": False, "1": True}.get(text)
    if sql_type in ("FLOAT", "DOUBLE"):
        return number if math.isfinite(number := float(text)) else None
    if sql_type.startswith("DECIMAL"):
        return float(text) if len(text) <= _EXACT_DIGITS else None
    if sql_type == "VARCHAR":
        return text if len(text) <= _LONGEST_BOUND else None
    if sql_type == "DATE":
        return text if len(text) == len("2026-01-01") else None
    is_instant = sql_type == "TIMESTAMP WITH TIME ZONE"
    if (is_instant and text.endswith("+00")) or sql_type == "TIMESTAMP":
        return text.replace(" ", "T").replace("+00", "Z") if text[4:5] == "-" else None
    return None
