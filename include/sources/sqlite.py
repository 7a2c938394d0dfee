r"""SQLite, read by DuckDB's scanner in one statement, everything as text.

SQLite checks no types: any column may hold any value. So every value lands as the text it is: blobs as `\x` and hex
digits, floating-point numbers with as many digits as it takes to read back the same number. One statement sees one
state of the file, even while somebody writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
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
from include.sources.reading import Reading
from include.sources.streaming import ROWS_PER_BATCH, VIEW, batch_of, text_of_bytes

BUSY_MILLISECONDS = 30_000


@contextmanager
def read_sqlite(
    connection: Connection, contract: Contract, table: Table, duck: duckdb.DuckDBPyConnection
) -> Iterator[Reading]:
    """Open a reading of a table or view of an SQLite file."""
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

    try:
        duck.execute(
            f"ATTACH {literal(connection.path)} AS source (TYPE sqlite, READ_ONLY, BUSY_TIMEOUT {BUSY_MILLISECONDS})"
        )
    except duckdb.Error as error:
        raise explain(error) or unknown_error(error, object_name=table.qualified_name) from None

    def plain(_: str) -> str:
        duck.execute("DETACH source")  # closing one of two SQLite libraries in a process drops the locks of the other
        return _stream(connection.path, found, duck)

    sql = str(_select(found).compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    yield Reading(
        "sqlite",
        f"SELECT * FROM sqlite_query('source', {literal(sql)})",
        found.drift,
        explain,
        plain=plain,
        plain_note="text that is not UTF-8 landed as \\x and hex digits",
    )


def _stream(path: str, found: reflect.SourceTable, duck: duckdb.DuckDBPyConnection) -> str:
    """The same rows through Python, for a file with text that is not UTF-8: such a value lands as its bytes in hex."""
    schema = pa.schema([(column.landed, pa.string()) for column in found.columns])
    sql = str(_select(found).compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))

    def batches() -> Iterator[pa.RecordBatch]:
        with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as file:
            file.text_factory = _text
            rows = file.execute(sql)
            while part := rows.fetchmany(ROWS_PER_BATCH):
                yield batch_of(part, schema)

    duck.register(VIEW, pa.RecordBatchReader.from_batches(schema, batches()))
    return f"SELECT * FROM {VIEW}"


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return text_of_bytes(value)


def _select(found: reflect.SourceTable) -> sa.Select[Any]:
    clause = found.clause()
    listed: list[sa.ColumnElement[Any]] = [_as_text(clause.c[c.name]).label(c.landed) for c in found.columns]
    return sa.select(*listed).select_from(clause)


def _as_text(value: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    kind = sa.func.typeof(value)
    text = sa.cast(value, sa.TEXT)
    value = sa.type_coerce(value, sa.types.NullType())
    return sa.case(
        (sa.and_(kind == "real", sa.cast(text, sa.REAL) != value), sa.func.printf("%!.17g", value)),
        (kind == "blob", sa.literal_column(r"'\x'").op("||")(sa.func.hex(value))),
        else_=text,
    )


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
            f"encrypted "
            "one): check the path"
        )
