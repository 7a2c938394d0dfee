"""Apply a difference too large to merge in memory: one commit, of files that are new and of the change feed's own.

A file of which few rows change is patched: what changes is written anew, the rest is copied as it is (see file_patch).
Of a file of which many rows change, or that cannot be patched for whatever reason, the rows that stay are written anew,
by DuckDB, whose memory is bounded. Rows whose file cannot take them, and those that are inserted, go to new files.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable

from include.lake.delta import (
    FILE,
    LAKE_COLUMNS,
    PLACE,
    WARNINGS,
    File,
    as_published,
    commit,
    listed,
    live_files,
    patched_file,
    published_rows,
    swap,
    without_warnings,
)
from include.lake.file_patch import (
    IS_NEW,
    LARGEST_CHANGE,
    LEAVES,
    WAS,
    NotPatchable,
    Original,
    patch,
    patching,
    read_back,
)
from include.lake.storage import literal, quote, scan
from include.lake.upsert.cdf_commit import commit_with_feed, ensure_writable
from include.lake.upsert.delta_merge import Writing
from include.lake.upsert.diff_sql import (
    changed_columns,
    feed,
    is_new,
    new_value,
    old_value,
    rows_to_remove,
    rows_to_write,
)

_LOG, _NOT_PATCHED = logging.getLogger(__name__), "%s is not patched, but rewritten by DuckDB: %s"
# Of a file's rows. Beyond it nearly every column of every row group is written anew, which DuckDB does faster.
_MOST_PATCHED = 0.25
_BATCH_ROWS = 122_880
_FEED_FOLDER = "_change_data/"  # the protocol's name


@dataclass(frozen=True, slots=True)
class _Touched:
    """A file with rows that change: how many, whether one is deleted, whether the place of all is known."""

    file: File
    rows: int
    has_deleted: bool
    has_places: bool

    @property
    def is_whole(self) -> bool:
        """Whether all its rows change."""
        return self.rows == self.file.rows

    @property
    def is_little(self) -> bool:
        """Whether few enough rows change for a patch."""
        share = self.rows / self.file.rows if self.file.rows else 1
        return self.has_places and not self.is_whole and share <= _MOST_PATCHED


@dataclass(frozen=True, slots=True)
class _Patch:
    """A file to be patched: its footer, the columns that change, and SQL of its updated rows that move to a new file.

    A row moves if it now has a value in a column that the file lacks.
    """

    file: File
    original: Original
    columns: list[str]
    moves: str


def empty_commit(current: DeltaTable, properties: CommitProperties) -> int:
    """Commit a run that changed nothing: no file, only what the run says of itself."""
    return commit(current, [], properties)


def apply(writing: Writing, current: DeltaTable, uri: str) -> int:
    """Apply the difference at `uri` to the table. Gives the version of the commit that carries the run.

    Files without a row that changes are not read, nor are those whose rows all change.
    """
    ensure_writable(current)
    table_schema = writing.table_schema
    with writing.connection() as connection:
        touched = _touched(connection, uri, live_files(current))
        names = changed_columns(connection, table_schema, uri)
        types = {field.name: field.type for field in pa.schema(current.schema().to_arrow())}
        little = [each for each in touched if each.is_little] if writing.lake.patches_files else []
        # All footers are read before anything is written.
        plans = [_planned(writing, connection, uri, each, names, types) for each in little]
        added: list[File] = []
        moves: dict[str, str] = {}  # by file that is patched
        for plan in plans:
            if plan is not None and (patched := _patched(writing, connection, uri, plan)) is not None:
                added.append(patched)
                moves[plan.file.uri] = plan.moves
        rest = [each.file for each in touched if each.file.uri not in moves and not each.is_whole]
        if rest:
            added += _staying(writing, connection, uri, rest)
        new = f"_change = 'insert' OR {_moving(moves)}"
        if connection.execute(f"FROM {scan(uri)} WHERE {new} LIMIT 1").fetchall():
            rows = as_published(table_schema, rows_to_write(table_schema, uri, where=new))
            added += writing.write(connection, rows)
        removed = [each.file for each in touched]
        if all(each.is_whole for each in touched):  # then files that come and go tell the feed by themselves
            return swap(current, removed, added, writing.at, writing.properties)
        feed_files = writing.write(connection, feed(table_schema, uri), below=_FEED_FOLDER)
        return commit_with_feed(writing, current, removed, added, feed_files)


def _touched(connection: duckdb.DuckDBPyConnection, uri: str, files: Iterable[File]) -> list[_Touched]:
    rows = connection.execute(
        f"SELECT {FILE}, count(*), bool_or(_change = 'delete'), count({PLACE}) = count(*) FROM {scan(uri)} "
        f"WHERE _change IN ('update', 'delete') GROUP BY {FILE}"
    ).fetchall()
    by_uri = {file.uri: file for file in files}
    return [_Touched(by_uri[name], *figures) for name, *figures in rows]


def _planned(
    writing: Writing,
    connection: duckdb.DuckDBPyConnection,
    uri: str,
    touched: _Touched,
    names: Sequence[str],
    types: Mapping[str, pa.DataType],
) -> _Patch | None:
    """How to patch a file; None if these columns of it cannot be, or what comes into it is too much to hold."""
    table_schema, file = writing.table_schema, touched.file
    texts = [
        f"coalesce(strlen(CAST({quote(name)} AS VARCHAR)), 0)" for name in names if name in dict(table_schema.columns)
    ]
    coming = connection.execute(
        f"SELECT coalesce(sum({' + '.join(texts) or '0'}), 0) FROM {scan(uri)} "
        f"WHERE {_of_file(file)} AND _change = 'update'"
    ).fetchall()[0][0]
    if coming > LARGEST_CHANGE:
        return None
    try:
        with writing.lake.open_input(file.uri) as stored:
            original = Original.read_from(stored, rows=file.rows)
        missing = [name for name in names if name not in original.schema.names]
        original.ensure_takes(types, names, leaves=touched.has_deleted or bool(missing))
    except NotPatchable as error:
        _LOG.info(_NOT_PATCHED, file.path, error)
        return None
    moves = " OR ".join(f"{new_value(table_schema, name)} IS NOT NULL" for name in missing) or "false"
    return _Patch(file, original, [name for name in names if name not in missing], moves)


def _patched(writing: Writing, connection: duckdb.DuckDBPyConnection, uri: str, plan: _Patch) -> File | None:
    """The file with its rows changed, read back; those that it cannot hold leave it. None if it cannot be patched."""
    table_schema, lake = writing.table_schema, writing.lake
    values = "".join(
        f", {new_value(table_schema, name)} AS {quote(name)}, {is_new(table_schema, name)} AS {quote(IS_NEW + name)}, "
        f"{old_value(name)} AS {quote(WAS + name)}"
        for name in plan.columns
    )
    rows = connection.execute(
        f"SELECT {PLACE}, _change = 'delete' OR ({plan.moves}) AS {LEAVES}{values} FROM {scan(uri)} "
        f"WHERE {_of_file(plan.file)} AND _change IN ('update', 'delete') ORDER BY {PLACE}"
    ).to_arrow_reader(_BATCH_ROWS)
    path = f"{writing.below}part-{uuid4()}.parquet"
    new = f"{writing.root}/{path}"
    try:
        with lake.open_input(plan.file.uri) as stored, lake.open_output(new) as out:
            laid = patch(plan.original, stored, rows, out)
        with lake.open_input(new) as stored, patching():
            types = dict((*table_schema.columns, *LAKE_COLUMNS, *table_schema.dropped))
            return patched_file(path, new, laid.size, read_back(stored, laid), types)
    except NotPatchable as error:
        lake.delete_tree(new)
        _LOG.info(_NOT_PATCHED, plan.file.path, error)
        return None


def _of_file(file: File) -> str:
    return f"{FILE} = {literal(file.uri)}"


def _staying(writing: Writing, connection: duckdb.DuckDBPyConnection, uri: str, files: Sequence[File]) -> list[File]:
    """The rows of these files that do not change, in new files."""
    table_schema, keys = writing.table_schema, listed(writing.table_schema.key)
    rows = published_rows(connection, table_schema, [file.uri for file in files], with_file=False)
    if connection.execute(f"SELECT count({WARNINGS}) FROM ({rows})").fetchall() == [(0,)]:
        rows = without_warnings(rows)
    gone = f"SELECT {keys} FROM ({rows_to_remove(table_schema, uri)})"
    return writing.write(connection, f"SELECT * FROM ({rows}) ANTI JOIN ({gone}) USING ({keys})")


def _moving(moves: dict[str, str]) -> str:
    """SQL: whether an updated row goes to a new file: its file is not patched, or cannot hold it."""
    if not moves:
        return "_change = 'update'"
    cases = " ".join(f"WHEN {literal(uri)} THEN {rows}" for uri, rows in moves.items())
    return f"_change = 'update' AND (CASE {FILE} {cases} ELSE true END)"
