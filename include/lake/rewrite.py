"""Apply a difference too large to merge in memory, by files that DuckDB writes; and the commit without any change.

Delta's change feed of a commit without change files is what the commit removed and added, unless marked as no change
of data (`dataChange: false`, as compaction does). So the rows that are about to change are first moved into files of
their own, which is such a rearrangement: readers see the same content. Then one commit swaps those files for the new
rows. The feed of that commit holds the changed rows and nothing else (as delete and insert instead of update), the
memory is DuckDB's, which spills, and a run killed between the two has changed nothing that anybody can read.
"""

from __future__ import annotations

import duckdb
from deltalake import CommitProperties, DeltaTable

from include.lake.difference import arriving, leaving
from include.lake.engine import literal
from include.lake.files import File, commit, live_files, swap, write_files
from include.lake.rows import FILE, as_published, listed, published_rows, without_warnings
from include.lake.shape import WARNINGS
from include.lake.write import Writing


def note(current: DeltaTable, properties: CommitProperties) -> int:
    """Commit a run that changed nothing: no file, only what the run says of itself."""
    return commit(current, [], properties)


def move(writing: Writing, current: DeltaTable, uri: str) -> int:
    """Apply the difference at `uri` to the table. Gives the version of the commit that carries the run.

    Only files that hold a row that changes are read, once; a file whose rows all change is not read at all.
    """
    shape = writing.shape
    with writing.connection() as connection:
        touched = _touched(connection, leaving(shape, uri))
        files = [file for file in live_files(current) if file.uri in touched]
        whole = [file for file in files if touched[file.uri] == file.rows]
        part = [file for file in files if touched[file.uri] != file.rows]
        moved: list[File] = []
        if part:
            rows = published_rows(connection, shape, [file.uri for file in part], with_file=False)
            if connection.execute(f"SELECT count({WARNINGS}) FROM ({rows})").fetchall() == [(0,)]:
                rows = without_warnings(rows)
            keys = listed(shape.key)
            gone = f"SELECT {keys} FROM ({leaving(shape, uri)})"
            staying = write_files(connection, writing.uri, f"SELECT * FROM ({rows}) ANTI JOIN ({gone}) USING ({keys})")
            uris = ", ".join(literal(file.uri) for file in part)
            moving = f"SELECT * EXCLUDE ({FILE}) FROM ({leaving(shape, uri)}) WHERE {FILE} IN ({uris})"
            moved = write_files(connection, writing.uri, moving)
            swap(current, part, [*staying, *moved], writing.at, None)
        new = write_files(connection, writing.uri, as_published(shape, arriving(shape, uri)))
        return swap(current, [*whole, *moved], new, writing.at, writing.properties)


def _touched(connection: duckdb.DuckDBPyConnection, rows: str) -> dict[str, int]:
    """How many rows leave each file."""
    return dict(connection.execute(f"SELECT {FILE}, count(*) FROM ({rows}) GROUP BY {FILE}").fetchall())
