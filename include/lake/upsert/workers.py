"""A Spark cluster's workers on a table of the lake: whether they can do a part of the work, and a session with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from include.cluster import (
    ClusterUnusable,
    Spark,
    WorkerEngine,
    WorkerFault,
    equal_ranges,
    new_folder,
    remove_folder,
    session,
)
from include.lake.delta import StagedFiles
from include.lake.storage import Lake, lake_errors, scan

FILE_BYTES = 64 * 1024**2  # of staged rows for one data file: maintenance joins smaller files


def parts_to_write(lake: Lake, spark: Spark, connection: duckdb.DuckDBPyConnection, staged: StagedFiles) -> list[range]:
    """The numbers of staged rows that each task writes to a data file of its own; none if this machine writes them.

    It does where they fit into one file, and where workers may not see the lake: on S3, which they have no keys of, or
    if they are given another folder for what is handed over.
    """
    files = lake.size(staged.conformed) // FILE_BYTES
    if lake.is_s3 or spark.folder is not None or files < 2:
        return []
    rows = extracted_rows(connection, staged)
    return equal_ranges(rows, max(1, -(-rows // files)))


def extracted_rows(connection: duckdb.DuckDBPyConnection, staged: StagedFiles) -> int:
    """The number of extracted rows: `_row` counts them from 0."""
    last = connection.execute(f"SELECT coalesce(max(_row), -1) FROM {scan(staged.conformed)}").fetchall()
    return int(last[0][0]) + 1


@contextmanager
def workers(
    spark: Spark, run_folder: str, *, doing: str, definitions: Sequence[str] = ()
) -> Iterator[tuple[Any, WorkerEngine]]:
    """A session, and the workers' engine with a folder for what is handed over, which is removed at the end.

    Raises:
        ClusterUnusable: the cluster cannot do it; the message names the remedy.
    """
    shared = new_folder(spark.folder or Path(run_folder))
    try:
        with lake_errors("handing rows to the Spark cluster"):
            shared.mkdir(parents=True)
        with session(spark, doing=doing) as begun:
            yield begun, WorkerEngine(shared, tuple(definitions))
    except WorkerFault as fault:
        raise ClusterUnusable(
            f"while {doing}: the engine of a Spark worker stopped with {fault.kind}: run this table with ENGINE=duckdb"
        ) from None
    finally:
        with lake_errors("removing what the Spark cluster was given"):
            remove_folder(shared)
