r"""SQLite, read by DuckDB's scanner in one statement, everything as text.

SQLite checks no types: any column may hold any value. So every value lands as the text it is: blobs as `\x` and hex
digits, floating-point numbers with as many digits as it takes to read back the same number. One statement sees one
state of the file, even while somebody writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from include.contracts.model import Contract, Table
from include.lake.engine import literal, load_extension
from include.sources import reflect
from include.sources.connection import Connection
from include.sources.errors import SourceDenied, SourceError, SourceUnavailable, unknown_error
from include.sources.protection import ONE_STATE, Protection
from include.sources.reading import Conditions, Opened, Reading
from include.sources.rows_wanted import sqlite_text
from include.sources.streaming import ROWS_PER_BATCH, VIEW, batch_of, text_of_bytes

BUSY_MILLISECONDS = 30_000
_DIALECT: sa.Dialect = sqlite.dialect()


@contextmanager
def open_sqlite(
    connection: Connection, table: Table, contract: Contract, protection: Protection, duck: duckdb.DuckDBPyConnection
) -> Iterator[Opened]:
    """Open a table or view of an SQLite file."""
    _check_file(connection, table)
    with reflect.engine_errors(connection, table):
        url = f"sqlite:///{Path(connection.path).absolute().as_uri()}?mode=ro&uri=true"
        engine = sa.create_engine(
            url, connect_args={"timeout": BUSY_MILLISECONDS / 1000}, poolclass=sa.pool.NullPool, hide_parameters=True
        )
        with engine.connect() as session:
            found = reflect.reflect(session, contract, table)
    load_extension(duck, "sqlite")
    duck.execute("SET sqlite_all_varchar = true")

    explain = reflect.explainer(connection, table)

    def attach() -> None:
        _end(duck)
        duck.execute(
            f"ATTACH {literal(connection.path)} AS source (TYPE sqlite, READ_ONLY, BUSY_TIMEOUT {BUSY_MILLISECONDS})"
        )
        duck.execute("BEGIN")

    try:
        attach()
    except duckdb.Error as error:
        raise explain(error) or unknown_error(error, object_name=table.qualified_name) from None

    def read(part: reflect.SourceTable, rows: Conditions) -> Reading:
        if not _is_attached(duck):
            attach()
        chosen = [_compiled(_select(part).where(row)) for row in rows] or [_compiled(_select(part))]

        def plain(_: str) -> str:
            _end(duck)  # closing one of two SQLite libraries in a process drops the locks of the other
            return _stream(connection.path, part, chosen, duck)

        return Reading(
            " UNION ALL ".join(f"SELECT * FROM sqlite_query('source', {literal(sql)})" for sql in chosen),
            found.drift,
            explain,
            plain=plain,
            plain_note="text that is not UTF-8 landed as \\x and hex digits",
        )

    try:
        yield Opened("sqlite", "sqlite", found, read, spared=ONE_STATE)
    finally:
        _end(duck)


def _is_attached(duck: duckdb.DuckDBPyConnection) -> bool:
    return bool(duck.execute("SELECT 1 FROM duckdb_databases() WHERE database_name = 'source'").fetchall())


def _end(duck: duckdb.DuckDBPyConnection) -> None:
    for statement in ("ROLLBACK", "DETACH DATABASE IF EXISTS source"):
        with suppress(duckdb.Error):
            duck.execute(statement)


def _compiled(select: sa.Select[Any]) -> str:
    return str(select.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))


def _stream(path: str, part: reflect.SourceTable, chosen: list[str], duck: duckdb.DuckDBPyConnection) -> str:
    """The same rows through Python, for a file with text that is not UTF-8: such a value lands as its bytes in hex."""
    schema = pa.schema([(column.landed, pa.string()) for column in part.columns])

    def batches() -> Iterator[pa.RecordBatch]:
        with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as file:
            file.text_factory = _text
            rows = file.execute(" UNION ALL ".join(chosen))
            while fetched := rows.fetchmany(ROWS_PER_BATCH):
                yield batch_of(fetched, schema)

    duck.register(VIEW, pa.RecordBatchReader.from_batches(schema, batches()))
    return f"SELECT * FROM {VIEW}"


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return text_of_bytes(value)


def _select(found: reflect.SourceTable) -> sa.Select[Any]:
    clause = found.clause()
    listed: list[sa.ColumnElement[Any]] = [sqlite_text(clause.c[c.name]).label(c.landed) for c in found.columns]
    return sa.select(*listed).select_from(clause)


def _check_file(connection: Connection, table: Table) -> None:
    """SQLite makes a file that is not there, and calls most other faults malformed: look first."""
    path = Path(connection.path)
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except FileNotFoundError:
        raise SourceUnavailable(
            f"{table.qualified_name}: there is no SQLite file where {connection.variable} points: check the path "
            "(four slashes for an absolute one: sqlite:////folder/file.sqlite)"
        ) from None
    except (PermissionError, IsADirectoryError):
        raise SourceDenied(
            f"{table.qualified_name}: the SQLite file that {connection.variable} points to cannot be read: "
            "check its owner and mode"
        ) from None
    if start and start != b"SQLite format 3\x00":
        raise SourceError(
            f"{table.qualified_name}: the file that {connection.variable} points to is no SQLite database (or an "
            "encrypted one): check the path"
        )
