"""The first step of a sync: read one table of a source, whole and in one state, into the landing zone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime

import duckdb

from include.contracts.model import Contract, Table
from include.lake.errors import LakeError
from include.lake.root import Lake
from include.sources.connection import Connection, Kind, connect
from include.sources.drop import read_files
from include.sources.landing import FILE, Extract, earlier, greatest, land, record
from include.sources.mysql import read_mysql
from include.sources.postgres import read_postgres
from include.sources.reading import Reading
from include.sources.sqlite import read_sqlite
from include.sources.streaming import read_any

Reader = Callable[[Connection, Contract, Table, duckdb.DuckDBPyConnection], AbstractContextManager[Reading]]

READERS: dict[Kind, Reader] = {
    "postgresql": read_postgres,
    "mysql": read_mysql,
    "sqlite": read_sqlite,
    "sqlalchemy": read_any,
}
MEMORY_LIMIT = "700MB"
MAX_THREADS = 4  # more would load the source, and hold more half-written row groups than the memory takes


def extract(
    contract: Contract,
    table: Table,
    *,
    lake: Lake,
    run_id: str,
    at: datetime,
    environ: Mapping[str, str] = os.environ,
) -> Extract:
    """Land every row and column of the table's source object, as received.

    Called again with the same `run_id` it returns the extract that is there and reads nothing. Takes the source from
    `AIRFLOW_CONN_<SERVER>` in `environ`; `at` becomes `snapshot_at`.

    Raises:
        SourceError: one of its classes; `is_retryable` says whether the same call may succeed later.
        LakeError: the lake is full, unreachable or refuses.
    """
    folder = lake.landing_path(table.registry, table.name, run_id)
    done = earlier(lake, folder)
    if done is not None:
        return done
    connection = connect(contract, environ)
    started = time.perf_counter()
    duck = lake.connect(memory_limit=MEMORY_LIMIT, threads=min(os.cpu_count() or 1, MAX_THREADS))
    try:
        with _open(connection, contract, table, duck, lake) as reading:
            landed = land(reading, duck=duck, lake=lake, folder=folder)
        cursor = _cursor(table, folder, duck, landed.columns)
    except Exception:
        with suppress(LakeError):
            lake.delete_tree(folder)  # nothing is complete without its record; leave no rows that nobody will read
        raise
    finally:
        duck.close()
    extracted = Extract(
        registry=table.registry,
        table=table.name,
        run_id=run_id,
        uri=f"{folder}/{FILE}",
        rows=landed.rows,
        digest=landed.digest,
        columns=landed.columns,
        bytes=landed.bytes,
        seconds=round(time.perf_counter() - started, 3),
        snapshot_at=at.isoformat(),
        drift=landed.drift,
        cursor=cursor,
        source=reading.kind,
    )
    record(lake, folder, extracted)
    return extracted


def _open(
    connection: Connection, contract: Contract, table: Table, duck: duckdb.DuckDBPyConnection, lake: Lake
) -> AbstractContextManager[Reading]:
    if connection.kind == "files":
        return read_files(connection, contract, table, duck, lake.scratch)
    return READERS[connection.kind](connection, contract, table, duck)


def _cursor(
    table: Table, folder: str, duck: duckdb.DuckDBPyConnection, columns: tuple[tuple[str, str], ...]
) -> str | None:
    """The greatest value of the (one) cursor column, if it lands in a type that has an order, or as it is published."""
    if len(table.extract.cursor) != 1:
        return None
    named = table.extract.cursor[0]
    column = next((c for c in table.columns if c.name == named), None)
    source_name = (column.source_name or column.name) if column else named
    landed = {name.lower(): (name, sql_type) for name, sql_type in columns}.get(source_name.lower())
    if landed is None:
        return None
    name, sql_type = landed
    is_ordered = sql_type != "VARCHAR" or (column is not None and not column.expression)
    return greatest(duck, folder, name) if is_ordered else None
