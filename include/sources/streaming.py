"""Rows from any database that SQLAlchemy speaks to, streamed in batches into DuckDB, without holding the table.

Slower than a scanner, and able to carry anything: what Arrow has a type for keeps its type, the rest becomes text.
"""

from __future__ import annotations

import decimal
import json
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import types

from include.contracts.model import Contract, Table
from include.sources import reflect
from include.sources.connection import Connection
from include.sources.errors import SourceError
from include.sources.protection import Protection
from include.sources.reading import TEXT_NOTE, Conditions, Opened, Reading

ROWS_PER_BATCH = 10_000
VIEW = "source_rows"
# Where readers hinder nobody. Elsewhere a snapshot would cost locks, or is not to be had.
_SNAPSHOTS = {"oracle": "SERIALIZABLE", "postgresql": "REPEATABLE READ", "mysql": "REPEATABLE READ"}


@contextmanager
def open_any(
    connection: Connection, table: Table, contract: Contract, protection: Protection, duck: duckdb.DuckDBPyConnection
) -> Iterator[Opened]:
    """Open an object through SQLAlchemy.

    Each statement sees one state of the source; all of them the same where the database has a snapshot to offer, else
    the later one is of a later state.
    """
    with reflect.engine_errors(connection, table):
        engine = reflect.make_engine(connection, contract)
        session = engine.connect()
    failures: list[SourceError] = []
    streams: list[Generator[Any]] = []

    def explain(_: BaseException) -> SourceError | None:
        return failures[-1] if failures else None

    try:
        with reflect.engine_errors(connection, table):
            if engine.dialect.name in _SNAPSHOTS:
                session.execution_options(isolation_level=_SNAPSHOTS[engine.dialect.name])
            found = reflect.reflect(session, contract, table)
            reflect.probe(session, sa.select(*found.clause().c))

        def read(part: reflect.SourceTable, rows: Conditions) -> Reading:
            every = sa.select(*part.clause().c)
            chosen = [every.where(row) for row in rows] or [every]

            def partitions() -> Generator[Any]:
                streamed = session.execution_options(stream_results=True, yield_per=ROWS_PER_BATCH)
                for select in chosen:
                    with streamed.execute(select) as result:
                        yield from result.partitions()

            def open_batches(*, as_text: bool) -> str:
                for earlier in streams:
                    earlier.close()
                streams[:] = [partitions()]
                schema = pa.schema([(c.landed, pa.string() if as_text else arrow_type(c.type)) for c in part.columns])
                batches = _batches(streams[0], schema, failures, connection, table)
                duck.register(VIEW, pa.RecordBatchReader.from_batches(schema, batches))
                return f"SELECT * FROM {VIEW}"

            return Reading(
                open_batches(as_text=False),
                found.drift,
                explain,
                plain=lambda _: open_batches(as_text=True),
                plain_note=TEXT_NOTE,
                via="rows streamed",
            )

        yield Opened("sqlalchemy", f"sqlalchemy:{engine.dialect.name}", found, read)
    finally:
        session.close()
        engine.dispose()


def _batches(
    parts: Iterator[Any], schema: pa.Schema, failures: list[SourceError], connection: Connection, table: Table
) -> Iterator[pa.RecordBatch]:
    """Arrow batches. A failure of the source is kept for `explain`: DuckDB only tells that the stream broke."""
    while True:
        try:
            rows = next(parts, None)
        except Exception as error:
            failures.append(reflect.explain(error, connection, table))
            raise RuntimeError("the source failed") from None
        if rows is None:
            return
        yield batch_of(rows, schema)


def batch_of(rows: list[Any], schema: pa.Schema) -> pa.RecordBatch:
    """Rows (sequences in the schema's order) as one batch."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    arrays = [
        pa.array((_as_text(value) for value in values) if field.type == pa.string() else values, field.type)
        for field, values in zip(schema, columns, strict=True)
    ]
    return pa.record_batch(arrays, schema=schema)


def arrow_type(kind: types.TypeEngine[Any]) -> pa.DataType:
    """The Arrow type that keeps every value of a reflected type; text when there is none."""
    if isinstance(kind, types.Boolean):
        return pa.bool_()
    if isinstance(kind, types.Integer):
        return pa.int64()
    if isinstance(kind, types.Float):
        return pa.float64()
    if isinstance(kind, types.DateTime):
        return pa.timestamp("us", tz="UTC" if kind.timezone else None)
    if isinstance(kind, types.Date):
        return pa.date32()
    if isinstance(kind, types.LargeBinary):
        return pa.binary()
    return pa.string()


def _as_text(value: object) -> str | None:
    """A value as the database would write it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | bytearray | memoryview):
        return text_of_bytes(bytes(value))
    if isinstance(value, decimal.Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, uuid.UUID):
        return str(value)
    return str(value)


def text_of_bytes(value: bytes) -> str:
    r"""`\x` and hex digits."""
    return "\\x" + value.hex()
