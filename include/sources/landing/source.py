"""Source objects opened in one state, from which parts can be landed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import duckdb

from include.contracts.model import Contract, Table
from include.lake.incremental import RowSetChecksum
from include.lake.storage import Lake
from include.sources.access import (
    READ_WHOLE,
    Connection,
    LoadLimits,
    SourceError,
    SourceLost,
    Throttle,
    check_hours,
    load_limits_of,
    source_error,
)
from include.sources.databases import (
    ChecksumQuery,
    checksum_query,
    conditions,
    cursor_of,
    greatest,
    next_condition,
)
from include.sources.landing.landed import Extract, Landed, digest_of, land
from include.sources.landing.list_entries import entries_of
from include.sources.landing.openers import open_object
from include.sources.open_object import OpenObject, Reading, ReadRequest
from include.sources.source_schema import Columns, Drift, DriftedSchema, SourceTable, file_table, needed, reads_anew

MEMORY_LIMIT = "700MB"
MAX_THREADS = 4  # more would load the source, and buffer more row groups than memory takes


class Source:
    """A source object opened in one state by `open_source`.

    `kind` names the source, and whether its replica served. `columns` are (name, type, ...) as the source has them;
    `drift` is the difference to the columns that `open_source` was given, `anew` the reason why it requires reading
    the whole object (empty if it does not).
    """

    kind: str
    columns: Columns
    drift: tuple[Drift, ...]
    anew: str

    def __init__(
        self,
        opened: OpenObject,
        *,
        table: Table,
        connection: Connection,
        load_limits: LoadLimits,
        duck: duckdb.DuckDBPyConnection,
        lake: Lake,
        at: datetime,
        before: Columns | None,
        is_taken_as_it_is: bool,
        note: str,
    ) -> None:
        self._opened, self._table, self._duck, self._lake = opened, table, duck, lake
        self._connection, self._load_limits, self._at, self._note = connection, load_limits, at, note
        # PostgreSQL and MySQL limit their statements themselves.
        seconds = load_limits.statement_seconds if opened.kind in {"sqlite", "sqlalchemy"} else 0
        self._throttle = Throttle(duck, rows_per_second=load_limits.rows_per_second, seconds=seconds)
        is_file = opened.table is None
        whole = opened.whole.query if opened.whole else ""
        self.columns = tuple(c.record for c in opened.table.columns) if opened.table else _described(duck, whole)
        self.anew = "" if is_file else reads_anew(table, before, self.columns)
        self._schema = DriftedSchema.of(table, None if is_taken_as_it_is else before, self.columns, is_file=is_file)
        self.drift = self._schema.drift
        self.kind = opened.label + (" replica" if connection.is_replica else "")

    def can_select(self, table: Table, since: Sequence[str] | None = None) -> str:
        """Reason why rows past a cursor (past this one, if given) cannot be read; empty if they can."""
        if self._opened.table is None:
            return READ_WHOLE
        parts = cursor_of(table, self._opened.table)
        if isinstance(parts, str):
            return parts
        try:
            for part, text in zip(parts, since or (), strict=False):
                part.value(text)
        except (ValueError, OverflowError):
            return f"the last cursor is no value of the source column {part.source.name} ({part.source.type_text})"
        return ""

    def landed_types(self) -> Columns:
        """Names and DuckDB types of all columns as landed, without reading a row; consumes a file delivery."""
        reading, _ = self._reading(ReadRequest())
        listed = self._table.rows_from_list
        return _described(self._duck, entries_of(reading.query, listed) if listed else reading.query)

    @property
    def columns_to_tell(self) -> Columns:
        """`columns` for a message or a report: of a file, names that the contract does not read are empty."""
        read = {name.lower() for name in needed(self._table)}
        is_file = self._opened.table is None
        return tuple(("", *c[1:]) if is_file and c[0].lower() not in read else c for c in self.columns)

    @property
    def snapshot(self) -> str:
        """The transactions of PostgreSQL that are seen, as `pg_current_snapshot()` has them; else empty."""
        return self._opened.snapshot

    def types_as_landed(self, names: Sequence[str]) -> Columns:
        """(source column, landed name, DuckDB type) of columns of a database, without reading a row."""
        reading, part = self._reading(ReadRequest(columns=tuple(names), only_keys=True))
        kinds = {column[0]: column[1] for column in _described(self._duck, reading.query)}
        return tuple((c.name, c.landed, kinds[c.landed]) for c in part.columns) if part else ()

    def land(self, uri: str, request: ReadRequest = ReadRequest()) -> Landed:  # noqa: B008 - it cannot be changed
        """Read a part of the object into one Parquet file; repeated calls read the same state.

        For a subset of columns, neither digest nor cursor is computed.

        Raises:
            SourceError: one of its classes; a file delivery can only be landed whole, and once.
            LakeError: the lake is full, unreachable or refuses.
        """
        started = time.perf_counter()
        reading, columns = self._reading(request)
        is_whole = request.columns is None

        def wrap(query: str) -> str:
            query = self._throttle.query(query)
            if self._schema.drift:
                by_landed = {c.landed: c.name for c in columns.columns} if columns else {}
                landed = [(by_landed.get(name, name), name, kind) for name, kind in _described(self._duck, query)]
                query = self._schema.query(query, landed, is_whole=is_whole, is_text=self._opened.kind == "sqlite")
            listed = self._table.rows_from_list
            return entries_of(query, listed) if listed and is_whole else query

        def explain(error: BaseException) -> SourceError | None:
            if self._throttle.is_over:
                name = self._table.qualified_name
                return source_error(SourceLost, variable=self._connection.variable, object_name=name)
            return reading.explain(error)

        explained = replace(reading, explain=explain)
        landed = land(explained, duck=self._duck, lake=self._lake, uri=uri, wrap=wrap, with_digest=is_whole)
        cursor = self._greatest(landed) if is_whole else None
        notes = (*landed.drift, *self._schema.notes, *((self._note,) if self._note else ()))
        return replace(
            landed,
            drift=tuple(dict.fromkeys(notes)),
            cursor=cursor,
            since=request.since,
            next_digest=self._digest_of_next(landed, cursor) if cursor else "",
            seconds=round(time.perf_counter() - started, 3),
        )

    def checksum_query(self, request: ReadRequest) -> ChecksumQuery | None:
        """Query for the row-set checksum of the rows outside the request; None if the source cannot compute it.

        None as well if load limits throttle the source or allow one connection, or if it has drifted.
        """
        opened, load_limits = self._opened, self._load_limits
        is_limited = load_limits.rows_per_second or load_limits.connections == 1
        if opened.run_checksum is None or opened.table is None or is_limited or self._schema.drift:
            return None
        return checksum_query(
            opened.table, self._table, conditions(opened.table, self._table, request, kind=opened.kind)
        )

    def checksum(self, query: ChecksumQuery) -> RowSetChecksum | None:
        """The checksum, of the same state as landed rows; may run at the same time. None if the server refuses."""
        found = self._opened.run_checksum(query) if self._opened.run_checksum else None
        return RowSetChecksum(*found) if found else None

    def extract(self, landed: Landed, *, run_id: str, mode: str = "full", seconds: float | None = None) -> Extract:
        """The extract's record of a landed file."""
        table = self._table
        return Extract(
            registry=table.registry,
            table=table.name,
            run_id=run_id,
            uri=landed.uri,
            rows=landed.rows,
            digest=landed.digest,
            columns=landed.columns,
            bytes=landed.bytes,
            seconds=landed.seconds if seconds is None else seconds,
            snapshot_at=self._at.isoformat(),
            drift=landed.drift,
            cursor=landed.cursor,
            source=self.kind,
            mode=mode,
            since=landed.since,
            source_columns=self._schema.next_columns,
            via=landed.via,
            next_digest=landed.next_digest,
            protection="; ".join(filter(None, (self._opened.safeguards, self._load_limits.describe()))),
        )

    def _reading(self, request: ReadRequest) -> tuple[Reading, SourceTable | None]:
        opened, name = self._opened, self._table.qualified_name
        if opened.table is None and self._table.rows_from_list:
            raise SourceError(
                f"{name}: `rowsFromList` is read from databases only: ask the sender for a row for each entry"
            )
        if opened.table is None or opened.read is None:
            if request != ReadRequest() or opened.whole is None:
                raise SourceError(f"{name}: a file drop can only be read whole, and once: run it with --full")
            self._opened = replace(opened, whole=None)
            return opened.whole, None
        rows = conditions(opened.table, self._table, request, kind=opened.kind)
        chosen = [c for c in opened.table.columns if c.name not in self._schema.not_landed]
        if request.columns is not None:
            named = [opened.table.column(column) for column in request.columns]
            chosen = [column for column in chosen if column in named]
        part = opened.table.only(chosen)
        return opened.read(part, rows), part

    def _digest_of_next(self, landed: Landed, cursor: tuple[str, ...]) -> str:
        """The digest of what the next read past the cursor brings if nothing changes; empty if it cannot be told."""
        if self._opened.table is None:
            return ""
        try:
            where = next_condition(self._opened.table, self._table, cursor)
            return digest_of(self._duck, landed.uri, landed.columns, where)
        except (ValueError, OverflowError, duckdb.DataError, duckdb.ProgrammingError, duckdb.NotSupportedError):
            return ""  # the next run judges what it reads

    def _greatest(self, landed: Landed) -> tuple[str, ...] | None:
        source = self._opened.table or file_table(landed.columns)
        parts = cursor_of(self._table, source)
        kinds = dict(landed.columns)
        if isinstance(parts, str) or any(part.source.landed not in kinds for part in parts):
            return None
        return greatest(self._duck, landed.uri, parts, kinds=kinds, at=self._at)


@contextmanager
def open_source(
    contract: Contract,
    table: Table,
    *,
    lake: Lake,
    at: datetime,
    environ: Mapping[str, str] = os.environ,
    since_columns: Sequence[Sequence[str]] | None = None,
    is_taken_as_it_is: bool = False,
) -> Iterator[Source]:
    """Open the table's source object: on its replica if there is one and it answers, else on the source itself.

    Args:
        contract: states the load limits.
        table: the contract's table.
        lake: where parts will be landed.
        at: now; becomes `snapshot_at`, and must be within the allowed hours.
        environ: holds `AIRFLOW_CONN_<SERVER>`, perhaps also `..._REPLICA`.
        since_columns: `source_columns` of the extract last published; None for the first.
        is_taken_as_it_is: differences are no drift, because the contract's version was raised since. Rows read before
            may have to be read again (`Source.anew`).

    Raises:
        SourceClosed: outside the allowed hours.
        SourceDrifted: the source schema drifted, and the contract's policy stops at that.
        SourceError: any other of its classes.
    """
    load_limits = load_limits_of(contract.server)
    check_hours(contract, load_limits, at)
    before = tuple(tuple(map(str, column)) for column in since_columns) if since_columns else None
    duck = lake.connect(memory_limit=MEMORY_LIMIT, threads=min(os.cpu_count() or 1, MAX_THREADS))
    with ExitStack() as stack:
        stack.callback(duck.close)
        former_columns = None if is_taken_as_it_is else before
        opened, connection, note = open_object(stack, contract, table, load_limits, duck, lake, former_columns, environ)
        given: dict[str, Any] = {"load_limits": load_limits, "duck": duck, "lake": lake, "at": at, "before": before}
        given |= {"is_taken_as_it_is": is_taken_as_it_is, "note": note}
        yield Source(opened, table=table, connection=connection, **given)


def _described(duck: duckdb.DuckDBPyConnection, query: str) -> Columns:
    """Names and DuckDB types of a query's columns."""
    return tuple((str(row[0]), str(row[1])) for row in duck.execute(f"DESCRIBE {query}").fetchall())
