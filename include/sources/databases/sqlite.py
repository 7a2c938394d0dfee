r"""Reader for SQLite by DuckDB's scanner, in one statement, with every value as text.

SQLite checks no types: any column may hold any value. So every value lands as text: blobs as `\x` and hex digits,
floating-point numbers with the fewest digits that read back the same, as from any source. One statement sees one state
of the file, even during writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import sqlite

from include.contracts.model import Contract, Table
from include.lake.storage import literal, load_extension, quote
from include.sources.access import (
    ONE_STATE,
    Connection,
    LoadLimits,
    SourceDenied,
    SourceError,
    SourceUnavailable,
    unknown_error,
)
from include.sources.databases import reflection
from include.sources.databases.sqlalchemy_stream import ROWS_PER_BATCH, VIEW
from include.sources.open_object import Conditions, OpenObject, Reading, batch_of, text_of_bytes
from include.sources.source_schema import SourceTable

BUSY_MILLISECONDS = 30_000
_DIALECT: sa.Dialect = sqlite.dialect()
# With 17 digits SQLite is wrong in the last one once in a thousand times (measured with 3.38), with 20 never.
# char(1) marks values that are not plain text: `r` before a number's digits, `t` before a text beginning with char(1).
_VALUE = (
    "CASE typeof({0}) WHEN 'real' THEN char(1)||'r'||printf('%!.20g',{0}) WHEN 'blob' THEN '\\x'||lower(hex({0})) "
    "WHEN 'text' THEN CASE WHEN {0} GLOB char(1,42) THEN char(1)||'t'||{0} ELSE {0} END "
    "ELSE CAST({0} AS TEXT) END AS {0}"
)


@contextmanager
def open_sqlite(
    connection: Connection, table: Table, contract: Contract, load_limits: LoadLimits, duck: duckdb.DuckDBPyConnection
) -> Iterator[OpenObject]:
    """Open a table or view of an SQLite file."""
    _check_file(connection, table)
    with reflection.engine_errors(connection, table):
        url = f"sqlite:///{Path(connection.path).absolute().as_uri()}?mode=ro&uri=true"
        engine = sa.create_engine(
            url, connect_args={"timeout": BUSY_MILLISECONDS / 1000}, poolclass=sa.pool.NullPool, hide_parameters=True
        )
        with engine.connect() as session:
            found = _as_texts(reflection.reflect(session, contract, table))
    load_extension(duck, "sqlite")
    duck.execute("SET sqlite_all_varchar = true")

    explain = reflection.explainer(connection, table)

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

    def read(part: SourceTable, rows: Conditions) -> Reading:
        if not _is_attached(duck):
            attach()
        chosen = [_text_of_all(part, row) for row in rows or (None,)]
        values = f"SELECT {', '.join(_untagged(n, c.landed) for n, c in enumerate(part.columns))}"

        def plain(_: str) -> str:
            _end(duck)  # closing one of two SQLite libraries in a process drops the locks of the other
            return f"{values} FROM ({_stream(connection.path, part, chosen, duck)})"

        read = " UNION ALL ".join(f"SELECT * FROM sqlite_query('source', {literal(sql)})" for sql in chosen)
        return Reading(
            f"{values} FROM ({read})",
            found.drift,
            explain,
            plain=plain,
            plain_note="text that is not UTF-8 landed as \\x and hex digits",
        )

    try:
        yield OpenObject("sqlite", "sqlite", found, read, safeguards=ONE_STATE)
    finally:
        _end(duck)


def _as_texts(found: SourceTable) -> SourceTable:
    """The object with its dates and timestamps as the texts that SQLite keeps them as, in whatever notation."""
    is_text = (types.DateTime, types.Date)
    return replace(
        found, columns=tuple(replace(c, type=types.Text()) if isinstance(c.type, is_text) else c for c in found.columns)
    )


def _is_attached(duck: duckdb.DuckDBPyConnection) -> bool:
    return bool(duck.execute("SELECT 1 FROM duckdb_databases() WHERE database_name = 'source'").fetchall())


def _end(duck: duckdb.DuckDBPyConnection) -> None:
    for statement in ("ROLLBACK", "DETACH DATABASE IF EXISTS source"):
        with suppress(duckdb.Error):
            duck.execute(statement)


def _compiled(select: sa.Select[tuple[object, ...]]) -> str:
    return str(select.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))


def _stream(path: str, part: SourceTable, chosen: list[str], duck: duckdb.DuckDBPyConnection) -> str:
    """Read the rows through Python, for a file with text that is not UTF-8: such a value lands as its bytes in hex."""
    schema = pa.schema([(f"c{n}", pa.string()) for n in range(len(part.columns))])

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


def _text_of_all(part: SourceTable, rows: sa.ColumnElement[bool] | None) -> str:
    """SQL of all values as text, in columns c0, c1, ..., within SQLite's length limit for 2,000 columns too.

    Values that are not plain text are marked as in _VALUE.
    """
    clause = part.clause()
    raw = sa.select(*(clause.c[c.name].label(f"c{n}") for n, c in enumerate(part.columns))).select_from(clause)
    values = ", ".join(_VALUE.format(f"c{n}") for n in range(len(part.columns)))
    return f"SELECT {values} FROM ({_compiled(raw if rows is None else raw.where(rows))})"


def _untagged(number: int, landed: str) -> str:
    """DuckDB SQL that removes the marks of `_text_of_all` from a value; an error if it is not UTF-8."""
    value = f"c{number}"
    real = f"CAST(CAST({value}[3:] AS DOUBLE) AS VARCHAR)"
    text = f"decode(encode({value}))"
    untagged = f"CASE WHEN {value}[2] = 'r' THEN {real} ELSE {text}[3:] END"
    return f"CASE WHEN {value} >= chr(1) AND {value} < chr(2) THEN {untagged} ELSE {text} END AS {quote(landed)}"


def _check_file(connection: Connection, table: Table) -> None:
    """Check that the file exists and is SQLite, which creates missing files and reports most faults as malformed."""
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
