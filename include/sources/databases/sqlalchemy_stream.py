"""Reader for any database that SQLAlchemy supports, streaming rows in batches into DuckDB.

Slower than a scanner, but carries every type: those that Arrow has keep their type, the others become text.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.exc import DataError, SQLAlchemyError

from include.contracts.model import Contract, Table
from include.sources.access import Connection, LoadLimits, SourceError
from include.sources.databases import reflection
from include.sources.open_object import (
    TEXT_NOTE,
    Conditions,
    OddValue,
    OpenObject,
    Reading,
    array_of,
    arrow_type,
    batch_of,
    columns_of,
    is_finer,
)
from include.sources.source_schema import SourceColumn, SourceTable

ROWS_PER_BATCH = 10_000
VIEW = "source_rows"
_LONGEST_MOMENT = 100
# Databases with non-blocking snapshots. Elsewhere a snapshot takes locks or does not exist.
_SNAPSHOTS = {"oracle": "SERIALIZABLE", "postgresql": "REPEATABLE READ", "mysql": "REPEATABLE READ"}


@contextmanager
def open_any(
    connection: Connection, table: Table, contract: Contract, load_limits: LoadLimits, duck: duckdb.DuckDBPyConnection
) -> Iterator[OpenObject]:
    """Open an object through SQLAlchemy.

    Each statement sees one state of the source; all see the same one where the database offers a snapshot.
    """
    with reflection.engine_errors(connection, table):
        engine = reflection.make_engine(connection, contract)
        session = _connect_soon(engine)
    failures: list[SourceError] = []
    streams: list[Generator[Any]] = []

    def explain(_: BaseException) -> SourceError | None:
        return failures[-1] if failures else None

    try:
        with reflection.engine_errors(connection, table):
            if engine.dialect.name in _SNAPSHOTS:
                session.execution_options(isolation_level=_SNAPSHOTS[engine.dialect.name])
            found = reflection.reflect(session, contract, table)
            reflection.probe(session, _select(found, engine.dialect.name))

        def read(part: SourceTable, rows: Conditions) -> Reading:
            every = _select(part, engine.dialect.name)
            chosen = [every.where(row) for row in rows] or [every]
            odd: set[str] = set()

            def partitions() -> Generator[Any]:
                streamed = session.execution_options(stream_results=True, yield_per=ROWS_PER_BATCH)
                for select in chosen:
                    with streamed.execute(select) as result:
                        yield from result.partitions()

            def open_batches() -> Batches:
                for earlier in streams:
                    earlier.close()
                streams[:] = [partitions()]
                kinds = [pa.string() if c.landed in odd else arrow_type(c.type) for c in part.columns]
                schema = pa.schema(list(zip((c.landed for c in part.columns), kinds, strict=True)))
                return Batches(streams[0], schema, odd, failures, connection, table)

            def query() -> str:
                batches = open_batches()
                duck.register(VIEW, pa.RecordBatchReader.from_batches(batches.schema, batches.made()))
                return f"SELECT * FROM {VIEW}"

            def plain(_: str) -> str:
                """Fallback reading with columns as text in which a value is not of the column's type."""
                open_batches().find_odd()
                return query()

            return Reading(query(), found.drift, explain, plain=plain, plain_note=TEXT_NOTE, via="rows streamed")

        yield OpenObject("sqlalchemy", f"sqlalchemy:{engine.dialect.name}", found, read)
    finally:
        session.close()
        engine.dispose()


def _connect_soon(engine: sa.Engine) -> sa.Connection:
    """Connect within ANSWER_SECONDS, for drivers without a connect timeout.

    A driver that still waits is abandoned in its thread; the process does not wait for it.

    Raises:
        TimeoutError: no answer; `engine_errors` makes it a SourceUnavailable.
    """
    made: Future[sa.Connection] = Future()

    def connect() -> None:
        try:
            made.set_result(engine.connect())
        except BaseException as error:
            made.set_exception(error)

    threading.Thread(target=connect, daemon=True, name="connecting").start()
    return made.result(timeout=reflection.ANSWER_SECONDS)


def _select(part: SourceTable, dialect: str) -> sa.Select[Any]:
    """SELECT of all columns without SQLAlchemy's conversions, which round numbers and take 2 for true.

    Types that Python would truncate (nanoseconds, months, digits in JSON) are converted to text by the server.
    """
    clause = sa.table(part.name, *(sa.column(c.name) for c in part.columns), schema=part.schema)

    def value(column: SourceColumn) -> sa.ColumnElement[Any]:
        given = clause.c[column.name]
        if is_finer(column.type):
            return sa.cast(given, types.String(_LONGEST_MOMENT))
        is_json = isinstance(column.type, types.JSON) and dialect != "oracle"  # which casts none
        return sa.cast(given, types.Text) if is_json else given

    return sa.select(*(value(c).label(f"c{n}") for n, c in enumerate(part.columns))).select_from(clause)


@dataclass(frozen=True, slots=True)
class Batches:
    """Rows as Arrow batches. `odd` collects the columns that hold a value of another type than the schema's.

    A failure of the source is kept in `failures` for `explain`: DuckDB only reports a broken stream.
    """

    parts: Iterator[Any]
    schema: pa.Schema
    odd: set[str]
    failures: list[SourceError]
    connection: Connection
    table: Table

    def made(self) -> Iterator[pa.RecordBatch]:
        """Generator of the batches; raises at the first odd column."""
        for rows in self._fetched():
            try:
                yield batch_of(rows, self.schema)
            except OddValue as error:
                self.odd.add(str(error))
                raise RuntimeError("a value that is not of its column's type") from None

    def find_odd(self) -> None:
        """Collect the odd columns of all rows. Raises SourceError."""
        for rows in self._fetched():
            for field, values in columns_of(rows, self.schema):
                try:
                    array_of(values, field)
                except OddValue:
                    self.odd.add(field.name)

    def _fetched(self) -> Iterator[list[Any]]:
        while True:
            try:
                rows = next(self.parts, None)
            except Exception as error:
                self.failures.append(self._why(error))
                raise self.failures[-1] from None
            if rows is None:
                return
            yield rows

    def _why(self, error: Exception) -> SourceError:
        if isinstance(error, SQLAlchemyError | OSError) and not isinstance(error, DataError):
            return reflection.explain(error, self.connection, self.table)
        return SourceError(
            f"{self.table.qualified_name}: the driver of the database has no value for something that the source holds "
            f"({type(error).__name__}), as a date before the year 1 or after 9999. Let a view in the source write that "
            "column as text (CAST ... AS VARCHAR), and name the view in physicalName"
        )
