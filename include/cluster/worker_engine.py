"""DuckDB on the workers of a Spark cluster: statements of ours, run on parts of a table, that write files.

What is sent to a worker is plain text and functions that import only `duckdb` and `pyarrow`: workers need not have this
package. A task writes a file of a name that no other attempt has, and its name comes back with its result, so an
attempt that was repeated, killed or speculative leaves a file that nobody reads.

A worker's error goes on as a word, without DuckDB's text, which may quote a row. What a worker's disk or mount causes
is raised, for Spark to repeat elsewhere; what the rows cause would be the same everywhere, and is the task's result.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pyarrow as pa

MEMORY_LIMIT = "512MB"  # of one task's DuckDB, which spills to the worker's scratch folder
_TRIES = 5
_FAULT = "worker-engine-"


class WorkerFault(Exception):
    """DuckDB refused a statement because of the rows or of the statement itself; `kind` is its exception's name."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Part:
    """A SELECT for one task, and the statements that come right before it (they close the engine around its files)."""

    query: str
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A Parquet file that a task wrote, in the folder that all machines see."""

    path: Path
    rows: int


@dataclass(frozen=True, slots=True)
class WorkerEngine:
    """DuckDB on the workers: `definitions` are statements for each connection, `folder` is seen by all machines.

    In a part's statements `out` stands for the file that the task writes.
    """

    folder: Path
    definitions: tuple[str, ...] = ()
    out: str = "out-6b1d1f7c0f4a4b0f9d0c"

    @property
    def out_uri(self) -> str:
        """The file that a task writes, as its statements name it."""
        return f"{self.folder}/{self.out}.parquet"

    def copy(self, session: Any, parts: Sequence[Part], *, options: str) -> list[Written]:
        """Write the rows of each part to a file of its own; the files in the order of the parts.

        Raises:
            WorkerFault: DuckDB refused a statement.
        """
        done = self.copy_to(self.out_uri, session, parts, options=options)
        return [Written(self.folder / f"{name}.parquet", rows[0][0]) for name, rows in done]

    def copy_to(
        self, to: str, session: Any, parts: Sequence[Part], *, options: str
    ) -> list[tuple[str, list[tuple[Any, ...]]]]:
        """Copy the rows of each part to `to`, a file or folder whose name has `out` in it.

        For each part, in their order: the name that stood for `out`, and what DuckDB's COPY returned.

        Raises:
            WorkerFault: DuckDB refused a statement.
        """
        opened, out = _opened(self.definitions), self.out
        target = f"TO '{to.replace(chr(39), chr(39) * 2)}' ({options})"
        tasks = [(f"COPY ({part.query}) {target}", part.before) for part in parts]

        def write(number: int) -> tuple[str, list[tuple[Any, ...]], str]:
            from uuid import uuid4

            import duckdb

            copy, before = tasks[number]
            name = f"part-{number}-{uuid4().hex}"
            try:
                with opened([sql.replace(out, name) for sql in before]) as connection:
                    return name, connection.execute(copy.replace(out, name)).fetchall(), ""
            except (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError, duckdb.OperationalError) as e:
                return name, [], type(e).__name__

        done = session.sparkContext.parallelize(range(len(parts)), len(parts)).map(write).collect()
        for _, _, fault in done:
            if fault:
                raise WorkerFault(fault)
        return [(name, rows) for name, rows, _ in done]

    def groups(
        self, session: Any, parts: Sequence[Part], *, columns: str, by: Sequence[str], sums: Sequence[str], where: str
    ) -> list[Path]:
        """Files with the groups of all parts' rows, by the columns `by`, of which `where` holds.

        Spark's shuffle brings equal rows together, and sums them up before and after. All is Spark's SQL: `columns` are
        the names and types of the parts' rows; `where` may speak of `sums`, aggregates with a name.

        Raises:
            WorkerFault: DuckDB refused a statement.
        """
        from pyspark.errors import PySparkException
        from pyspark.sql.functions import expr

        opened, folder, sign = _opened(self.definitions), str(self.folder), _FAULT
        tasks = [(part.query, part.before) for part in parts]

        def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            import duckdb

            for batch in batches:
                for number in batch.column(0).to_pylist():
                    query, before = tasks[number]
                    try:
                        with opened(list(before)) as connection:
                            # Read while it is computed, a UNION ALL of joins stood still for good, waiting for itself
                            # (DuckDB 1.5.5). A table of rows spills, and is read by one scan.
                            connection.execute(f"CREATE TEMP TABLE rows_of_part AS {query}")
                            yield from connection.execute("FROM rows_of_part").to_arrow_reader(100_000)
                    except (
                        duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError, duckdb.OperationalError,
                    ) as error:  # fmt: skip
                        raise RuntimeError(f"{sign}{type(error).__name__}") from None

        def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            from uuid import uuid4

            import pyarrow as pa
            import pyarrow.parquet as pq

            path, writer = f"{folder}/groups-{uuid4().hex}.parquet", None
            for batch in batches:
                if batch.num_rows:
                    writer = writer or pq.ParquetWriter(path, batch.schema)
                    writer.write_batch(batch)
            if writer is not None:
                writer.close()
                yield pa.RecordBatch.from_pydict({"path": [path]})

        numbers = session.range(0, len(parts), 1, len(parts))
        summed = numbers.mapInArrow(read, columns).groupBy(*by).agg(*map(expr, sums))
        kept = summed.where(where).select(*by).mapInArrow(write, "path string")
        try:
            return [Path(row.path) for row in kept.collect()]
        except PySparkException as error:
            if (found := re.search(rf"{_FAULT}(\w+)", str(error))) is None:
                raise
            raise WorkerFault(found[1]) from None


def shuffle_hash(values: str) -> str:
    """SQL of the 63-bit hash of values by which Spark brings rows together: its numbers have a sign."""
    return f"CAST(hash({values}) >> 1 AS BIGINT)"


def new_folder(below: Path) -> Path:
    """A folder for one run's parts, of a name that no other has."""
    return below / f"spark-{uuid4().hex}"


def remove_folder(folder: Path) -> None:
    """Remove it; an attempt that nobody waits for any more may still be writing into it. Raises OSError."""
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.2)
    shutil.rmtree(folder)


def _opened(definitions: Sequence[str]) -> Callable[[list[str]], Any]:
    """A context manager for workers: a DuckDB that was told the definitions, then the given statements."""
    version, memory, told = duckdb.__version__, MEMORY_LIMIT, list(definitions)

    @contextmanager
    def opened(before: list[str]) -> Iterator[Any]:
        import os
        import shutil
        import tempfile

        import duckdb

        if duckdb.__version__ != version:
            raise RuntimeError("worker-other-duckdb")
        scratch = None
        try:
            local = (os.environ.get("SPARK_LOCAL_DIRS") or "").split(",")[0]
            scratch = tempfile.mkdtemp(prefix="lienthong-", dir=local or None)
            config: dict[str, str | bool | int | float | list[str]] = {
                "threads": 1, "memory_limit": memory, "temp_directory": scratch, "preserve_insertion_order": False,
                "autoinstall_known_extensions": False, "autoload_known_extensions": False,
            }  # fmt: skip
            with duckdb.connect(config=config) as connection:
                connection.execute("SET TimeZone = 'UTC'")
                for statement in [*told, *before]:
                    connection.execute(statement)
                yield connection
        except (duckdb.IOException, OSError, duckdb.OutOfMemoryException) as error:
            text = str(error)
            if "No space left" in text or "max_temp_directory_size" in text or "offload" in text:
                raise RuntimeError("worker-disk-full") from None
            if isinstance(error, duckdb.OutOfMemoryException):
                raise
            raise RuntimeError("worker-sees-no-folder") from None
        finally:
            if scratch is not None:
                shutil.rmtree(scratch, ignore_errors=True)

    return opened
