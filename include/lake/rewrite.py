"""Apply a difference too large to merge in memory: one commit, of files that are new and of the change feed's own.

A file of which few rows change is patched: what changes is written anew, the rest is copied as it is (see patch.py).
Of a file of which many rows change, or that cannot be patched, the rows that stay are written anew, by DuckDB, whose
memory is bounded. Rows whose file cannot take them, and those that are inserted, go to files of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import duckdb
from deltalake import CommitProperties, DeltaTable

from include.lake.commit import commit_with_feed
from include.lake.difference import arriving, changing, feed, is_new, leaving, new_value
from include.lake.engine import literal, quote, scan
from include.lake.files import File, commit, live_files, patched_file, swap, write_files
from include.lake.patch import IS_NEW, LEAVES, Original, patch
from include.lake.root import Lake
from include.lake.rows import FILE, PLACE, as_published, listed, published_rows, without_warnings
from include.lake.shape import RESERVED, WARNINGS, Shape
from include.lake.write import Writing

# Of a file's rows. Beyond it nearly every column of every row group is written anew, which DuckDB does faster.
_MOST_PATCHED = 0.25
_BATCH_ROWS = 122_880
_FEED_FOLDER = "_change_data/"  # the protocol's name


@dataclass(frozen=True, slots=True)
class _Touched:
    """A file with rows that change: how many, whether one is deleted."""

    file: File
    rows: int
    has_deleted: bool

    @property
    def is_whole(self) -> bool:
        """Whether all its rows change."""
        return self.rows == self.file.rows

    @property
    def is_little(self) -> bool:
        """Whether few enough rows change for a patch."""
        return self.file.rows is not None and not self.is_whole and self.rows <= _MOST_PATCHED * self.file.rows


def note(current: DeltaTable, properties: CommitProperties) -> int:
    """Commit a run that changed nothing: no file, only what the run says of itself."""
    return commit(current, [], properties)


def apply(writing: Writing, current: DeltaTable, uri: str) -> int:
    """Apply the difference at `uri` to the table. Gives the version of the commit that carries the run.

    Files without a row that changes are not read, nor are those whose rows all change.
    """
    shape = writing.shape
    with writing.connection() as connection:
        touched = _touched(connection, uri, live_files(current))
        names = changing(connection, shape, uri)
        added: list[File] = []
        homeless: dict[str, str] = {}  # by file: SQL of which updated rows it cannot hold
        for each in [each for each in touched if each.is_little]:
            with _original(writing.lake, each, shape, names) as original:
                if original is not None:
                    missing = [name for name in names if name not in original.schema.names]
                    homeless[each.file.uri] = " OR ".join(f"{new_value(shape, name)} IS NOT NULL" for name in missing)
                    added.append(_patched(writing, connection, uri, each, original, names, homeless[each.file.uri]))
        rest = [each.file for each in touched if each.file.uri not in homeless and not each.is_whole]
        if rest:
            added += _staying(writing, connection, uri, rest)
        new = f"_change = 'insert' OR {_moves(homeless)}"
        if connection.execute(f"FROM {scan(uri)} WHERE {new} LIMIT 1").fetchall():
            added += write_files(connection, writing.uri, as_published(shape, arriving(shape, uri, where=new)))
        removed = [each.file for each in touched]
        if all(each.is_whole for each in touched):  # then files that come and go tell the feed by themselves
            return swap(current, removed, added, writing.at, writing.properties)
        writing.lake.make_folder(f"{writing.uri}/{_FEED_FOLDER}")
        told = write_files(connection, writing.uri, feed(shape, uri), below=_FEED_FOLDER)
        return commit_with_feed(writing, current, removed, added, told)


def _touched(connection: duckdb.DuckDBPyConnection, uri: str, files: Iterable[File]) -> list[_Touched]:
    rows = connection.execute(
        f"SELECT {FILE}, count(*), bool_or(_change = 'delete') FROM {scan(uri)} "
        f"WHERE _change IN ('update', 'delete') GROUP BY {FILE}"
    ).fetchall()
    by_uri = {file.uri: file for file in files}
    return [_Touched(by_uri[name], count, has_deleted) for name, count, has_deleted in rows]


@contextmanager
def _original(lake: Lake, touched: _Touched, shape: Shape, names: Sequence[str]) -> Iterator[Original | None]:
    """The file, open; None if these columns of it cannot be patched."""
    with lake.open_input(touched.file.uri) as file:
        original = Original.of(file)
        leaves = touched.has_deleted or not set(names) <= set(original.schema.names)
        yield original if original.takes(names, leaves=leaves) else None


def _patched(
    writing: Writing,
    connection: duckdb.DuckDBPyConnection,
    uri: str,
    touched: _Touched,
    original: Original,
    names: Sequence[str],
    homeless: str,
) -> File:
    """The file with its rows changed; those that it cannot hold leave it."""
    shape = writing.shape
    columns = [name for name in names if name in original.schema.names]
    values = "".join(
        f", {new_value(shape, name)} AS {quote(name)}, {is_new(shape, name)} AS {quote(IS_NEW + name)}"
        for name in columns
    )
    rows = connection.execute(
        f"SELECT {PLACE}, _change = 'delete' OR ({homeless or 'false'}) AS {LEAVES}{values} FROM {scan(uri)} "
        f"WHERE {FILE} = {literal(touched.file.uri)} AND _change IN ('update', 'delete') ORDER BY {PLACE}"
    ).to_arrow_reader(_BATCH_ROWS)
    path = f"part-{uuid4()}.parquet"
    with writing.lake.open_output(f"{writing.uri}/{path}") as out:
        size, metadata = patch(original, rows, out)
    types = dict((*shape.columns, *RESERVED, *shape.dropped))
    return patched_file(path, f"{writing.uri}/{path}", size, metadata, types)


def _staying(writing: Writing, connection: duckdb.DuckDBPyConnection, uri: str, files: Sequence[File]) -> list[File]:
    """The rows of these files that do not change, in new files."""
    shape, keys = writing.shape, listed(writing.shape.key)
    rows = published_rows(connection, shape, [file.uri for file in files], with_file=False)
    if connection.execute(f"SELECT count({WARNINGS}) FROM ({rows})").fetchall() == [(0,)]:
        rows = without_warnings(rows)
    gone = f"SELECT {keys} FROM ({leaving(shape, uri)})"
    return write_files(connection, writing.uri, f"SELECT * FROM ({rows}) ANTI JOIN ({gone}) USING ({keys})")


def _moves(homeless: dict[str, str]) -> str:
    """SQL: whether an updated row goes to a new file, as the file that held it cannot take it."""
    if not homeless:
        return "_change = 'update'"
    cases = " ".join(f"WHEN {literal(uri)} THEN {rows or 'false'}" for uri, rows in homeless.items())
    return f"_change = 'update' AND (CASE {FILE} {cases} ELSE true END)"
