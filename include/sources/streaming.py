"""Rows from any database that SQLAlchemy speaks to, streamed in batches into DuckDB, without holding the table.

Slower than a scanner, and able to carry anything: what Arrow has a type for keeps its type, the rest becomes text.
"""

from __future__ import annotations

import decimal
import json
import uuid
from collections.abc import Iterator
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
from include.sources.reading import TEXT_NOTE, Reading

ROWS_PER_BATCH = 10_000
VIEW = "source_rows"


@contextmanager
def read_any(
    connection: Connection, contract: Contract, table: Table, duck: duckdb.DuckDBPyConnection
) -> Iterator[Reading]:
    """Open a reading through SQLAlchemy's server-side cursor: one statement, so one state of the source."""
    with reflect.engine_errors(connection, table):
        engine = reflect.make_engine(connection, contract)
        session = engine.connect()
    failures: list[SourceError] = []
    try:
        with reflect.engine_errors(connection, table):
            found = reflect.reflect(session, contract, table)
            select = sa.select(*found.clause().c)
            reflect.probe(session, select)

        def open_batches(*, as_text: bool) -> str:
            schema = pa.schema([(c.landed, pa.string() if as_text else arrow_type(c.type)) for c in found.columns])
            rows = session.execution_options(stream_results=True, yield_per=ROWS_PER_BATCH).execute(select)
            batches = _batches(rows.partitions(), schema, failures, connection, table)
            duck.register(VIEW, pa.RecordBatchReader.from_batches(schema, batches))
            return f"SELECT * FROM {VIEW}"

        def explain(_: BaseException) -> SourceError | None:
            return failures[-1] if failures else None

        def plain(_: str) -> str:
            session.rollback()
            return open_batches(as_text=True)

        with reflect.engine_errors(connection, table):
            query = open_batches(as_text=False)
        yield Reading(
            f"sqlalchemy:{engine.dialect.name}", query, found.drift, explain, plain=plain, plain_note=TEXT_NOTE
        )
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
