"""Reader for PostgreSQL by DuckDB's scanner, in one snapshot.

A control connection opens a REPEATABLE READ transaction, reflects the table in it and exports its snapshot; every
reading connection takes that snapshot. So reflection and all readers see one state of the source.

A large plain table is scanned by pages over several connections. Anything else is one SELECT on one connection, in
which PostgreSQL itself converts to text the types that the scanner cannot carry. The scanner silently
damages a few values (measured with 1.5.5: NUMERIC 'NaN' becomes 0.00, NUMERIC without precision loses digits,
timestamps past 294246 wrap, TIMETZ loses its offset). Before a scan a query looks for such numbers, and the scan stops
at a wrapped timestamp; in a SELECT a guard column stops the reading. Their columns are then read as text.

No row is left out in silence: with `row_security = off` a policy that hides rows is an error, through views too. Text
comes in UTF-8 whatever the database's encoding is, and values are formatted by fixed settings, not the server's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import duckdb
import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from include.contracts.model import Contract, Table
from include.lake.storage import literal, load_extension, quote
from include.sources.access import (
    LOCK_SECONDS,
    LOCKS,
    ONE_STATE,
    Connection,
    LoadLimits,
    RowsHidden,
    source_error,
    unknown_error,
)
from include.sources.databases import reflection
from include.sources.databases.postgres_values import AsText, decoded, guard_of, is_carried, select_all
from include.sources.open_object import GUARD, TEXT_NOTE, Conditions, OpenObject, Reading, guarded
from include.sources.source_schema import SourceColumn, SourceTable

PAGES_WORTH_SCANNING = 8_000  # 64 MB: below that more connections cost more than they save
MAX_CONNECTIONS = 4
SOURCE = "source"
_NO_RIGHT = "42501"
_DIALECT: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
# As in pg_dump: rows hidden by a policy are an error, and every server formats values alike.
SETTINGS = (
    "row_security = off", "DateStyle = 'ISO'", "IntervalStyle = 'postgres'", "bytea_output = 'hex'",
    "extra_float_digits = 3",
)  # fmt: skip
_PLAIN_TABLE = """
SELECT n.nspname, c.relname
FROM pg_class c JOIN pg_am a ON a.oid = c.relam JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(:name) AND c.relkind IN ('r', 'm') AND a.amname = 'heap' AND NOT c.relhassubclass
  AND pg_relation_size(c.oid) / current_setting('block_size')::int >= :pages
  AND current_setting('server_version_num')::int >= 140000 AND NOT c.relrowsecurity
  AND (SELECT count(*) FROM pg_class o WHERE o.relnamespace = n.oid AND lower(o.relname) = lower(c.relname)) = 1
  AND (SELECT count(*) FROM pg_namespace o WHERE lower(o.nspname) = lower(n.nspname)) = 1
"""
_ATTRIBUTES = """
SELECT a.attname, a.attrelid || '.' || a.attnum, t.typcategory = 'A'
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(:name) AND a.attnum > 0 AND NOT a.attisdropped
"""


@contextmanager
def open_postgres(
    connection: Connection, table: Table, contract: Contract, load_limits: LoadLimits, duck: duckdb.DuckDBPyConnection
) -> Iterator[OpenObject]:
    """Open a table, view or any other object that PostgreSQL can SELECT from."""
    explain = reflection.explainer(connection, table)
    with reflection.engine_errors(connection, table):
        engine = reflection.make_engine(connection, contract)
        session = engine.connect()
    try:
        with reflection.engine_errors(connection, table):
            session.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            for statement in _limits(load_limits):
                session.execute(sa.text(statement))
            found = _with_attributes(session, reflection.reflect(session, contract, table))
            _probe(session, connection, table, found)
            snapshot = session.execute(sa.text("SELECT pg_export_snapshot()")).scalar_one()
            sees = session.execute(sa.text("SELECT txid_current_snapshot()::text")).scalar_one()
            is_bytes = session.execute(sa.text("SHOW server_encoding")).scalar_one() == "SQL_ASCII"
        allowed = _connections(load_limits, duck)

        def read(part: SourceTable, rows: Conditions) -> Reading:
            with reflection.engine_errors(connection, table):
                path = None if rows or is_bytes else _scannable(session, part)
                has_odd = path is not None and _has_odd_numbers(session, part)

            def select(as_text: AsText) -> str:
                _begin(connection, duck, snapshot, 1, load_limits)
                chosen = select_all(part, as_text=as_text, is_bytes=is_bytes)
                sql = " UNION ALL ".join(_compiled(chosen.where(row)) for row in rows) or _compiled(chosen)
                values = decoded(part) if is_bytes else "*"
                query = f"SELECT {values} FROM postgres_query({literal(SOURCE)}, {literal(sql)})"
                return guarded(query) if GUARD in chosen.selected_columns else query

            def plain(failure: str) -> str:
                return select("guarded" if GUARD in failure else "all")

            connections = 1 if path is None or has_odd else allowed
            try:
                if connections == 1:
                    query = select("guarded" if has_odd else "")
                else:
                    _begin(connection, duck, snapshot, connections, load_limits)
                    query = f"SELECT {', '.join(map(_scanned, part.columns))} FROM {path}{_unless_wrapped(part)}"
            except duckdb.Error as error:
                raise explain(error) or unknown_error(error, object_name=table.qualified_name) from None
            via = "select" if connections == 1 else f"scan over {connections} connections"
            notes = found.drift + ((TEXT_NOTE,) if has_odd else ())
            return Reading(query, notes, explain, plain=plain, plain_note=TEXT_NOTE, threads=connections, via=via)

        def run_checksum(select: sa.Executable) -> tuple[int, int] | None:
            # On the snapshot's connection and one core: the load stays within the limits.
            with suppress(SQLAlchemyError), session.begin_nested():
                session.execute(sa.text("SET LOCAL max_parallel_workers_per_gather = 0"))
                rows, xor = session.execute(select).one()
                return int(rows), int(xor)
            return None

        safeguards = f"{ONE_STATE}; {LOCKS}"
        yield OpenObject(
            "postgresql", "postgresql", found, read, run_checksum=run_checksum, safeguards=safeguards, snapshot=sees
        )
    finally:
        _end(duck)
        session.close()
        engine.dispose()


def _with_attributes(session: sa.Connection, found: SourceTable) -> SourceTable:
    """The table with each column's identity, and arrays among the types that SQLAlchemy does not know."""
    attributes = {
        name: (identity, is_array)
        for name, identity, is_array in session.execute(sa.text(_ATTRIBUTES), {"name": _qualified(session, found)})
    }

    def with_attributes(column: SourceColumn) -> SourceColumn:
        identity, is_array = attributes.get(column.name, ("", False))
        is_list = is_array and isinstance(column.type, types.NullType)
        return replace(column, identity=identity, type=postgresql.ARRAY(column.type) if is_list else column.type)

    return replace(found, columns=tuple(with_attributes(column) for column in found.columns))


def _qualified(session: sa.Connection, found: SourceTable) -> str:
    quoted = session.dialect.identifier_preparer
    return ".".join(quoted.quote(part) for part in (found.schema, found.name) if part is not None)


def _probe(session: sa.Connection, connection: Connection, table: Table, found: SourceTable) -> None:
    """As `reflection.probe`, and distinguishes row-level policies from missing rights without reading the message.

    Raises:
        RowsHidden: a row-level policy would hide rows.
    """
    select = select_all(found)
    try:
        with session.begin_nested():
            reflection.probe(session, select)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _NO_RIGHT:
            raise
        session.execute(sa.text("SET LOCAL row_security = on"))
        reflection.probe(session, select)  # an error without row security too is a missing right
        raise source_error(RowsHidden, variable=connection.variable, object_name=table.qualified_name) from None


def _limits(load_limits: LoadLimits) -> list[str]:
    """SET statements of a transaction: no idle timeout, a short lock timeout, an error for hidden rows, load limits."""
    limits = [*(f"SET LOCAL {setting}" for setting in SETTINGS)]
    limits += ["SET LOCAL idle_in_transaction_session_timeout = 0", f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"]
    # Otherwise what the source's administrator has set stays.
    if timeout := load_limits.statement_milliseconds:
        limits.append(f"SET LOCAL statement_timeout = {timeout}")
    if load_limits.connections or load_limits.rows_per_second:
        limits.append("SET LOCAL max_parallel_workers_per_gather = 0")
    return limits


def _compiled(select: sa.Select[Any]) -> str:
    return str(select.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})).replace("%%", "%")


def _begin(
    connection: Connection,
    duck: duckdb.DuckDBPyConnection,
    snapshot: str,
    connections: int,
    load_limits: LoadLimits,
) -> None:
    """Attach the database and open a transaction on the snapshot, which the scanner's other connections share."""
    _end(duck)
    load_extension(duck, "postgres")
    duck.execute(reflection.duckdb_secret(connection, "postgres"))
    duck.execute(f"SET pg_pool_max_connections = {connections}")
    duck.execute("SET pg_idle_in_transaction_timeout_millis = 0")
    if timeout := load_limits.statement_milliseconds:
        duck.execute(f"SET pg_statement_timeout_millis = {timeout}")
    duck.execute(f"ATTACH {literal(_conninfo(connection))} AS {SOURCE} (TYPE postgres, SECRET source, READ_ONLY)")
    duck.execute("BEGIN")
    for statement in (f"SET TRANSACTION SNAPSHOT {literal(snapshot)}", *_limits(load_limits)):
        duck.execute(f"CALL postgres_execute({literal(SOURCE)}, {literal(statement)})")


def _end(duck: duckdb.DuckDBPyConnection) -> None:
    """End the transaction. Closing DuckDB before, with the connection lost, would crash the process."""
    for statement in ("ROLLBACK", f"DETACH DATABASE IF EXISTS {SOURCE}"):
        with suppress(duckdb.Error):
            duck.execute(statement)


def _scanned(column: SourceColumn) -> str:
    name = quote(column.name)
    return f"CAST({name} AS VARCHAR) AS {name}" if isinstance(column.type, types.Uuid) else name


def _unless_wrapped(part: SourceTable) -> str:
    """SQL condition that fails at a wrapped timestamp, which is before the oldest of PostgreSQL."""
    wrapped = []
    for column in part.columns:
        if isinstance(column.type, types.DateTime):
            name, kind = quote(column.name), "TIMESTAMPTZ" if column.is_aware else "TIMESTAMP"
            wrapped.append(f"(isfinite({name}) AND {name} < {kind} '5000-01-01 (BC)')")
    return f" WHERE CASE WHEN {' OR '.join(wrapped)} THEN error('{GUARD}') ELSE true END" if wrapped else ""


def _has_odd_numbers(session: sa.Connection, found: SourceTable) -> bool:
    """Whether a numeric column holds a value that the scanner would change."""
    clause = found.clause()
    numbers = [c for c in found.columns if isinstance(c.type, types.Numeric)]
    odd = [guard for c in numbers if (guard := guard_of(clause.c[c.name], c.type)) is not None]
    if not odd:
        return False
    return bool(session.execute(sa.select(sa.exists().select_from(clause).where(sa.or_(*odd)))).scalar_one())


def _scannable(session: sa.Connection, found: SourceTable) -> str | None:
    """DuckDB's name of the table if it can be scanned by pages: large, plain, all columns carried; None otherwise.

    DuckDB ignores the case of names, so no other table may have that name; servers before version 14 read slowly by
    pages.
    """
    carried = (is_carried(c.type) or isinstance(c.type, types.Uuid) for c in found.columns)
    if not all(carried) or any(c.is_domain or c.landed != c.name for c in found.columns):
        return None
    asked = {"name": _qualified(session, found), "pages": PAGES_WORTH_SCANNING}
    row = session.execute(sa.text(_PLAIN_TABLE), asked).one_or_none()
    return None if row is None else f"{SOURCE}.{quote(row[0])}.{quote(row[1])}"


def _connections(load_limits: LoadLimits, duck: duckdb.DuckDBPyConnection) -> int:
    """Number of connections: one per DuckDB thread, at most four and the server's limit; one if rows are throttled."""
    row = duck.execute("SELECT current_setting('threads')").fetchone()
    allowed = 1 if load_limits.rows_per_second else load_limits.connections or MAX_CONNECTIONS
    return max(1, min(allowed, MAX_CONNECTIONS, int(row[0]) if row else 1))


def _conninfo(connection: Connection) -> str:
    """Libpq connection string, with the URI's other options; text arrives as UTF-8, whatever they say."""
    options = {
        "application_name": "lienthong",
        "connect_timeout": str(reflection.CONNECT_SECONDS),
        "client_encoding": "UTF8",
    }
    for name, value in connection.engine_url.query.items():
        if name != "client_encoding":
            options[name] = value if isinstance(value, str) else ",".join(value)
    return " ".join(f"{name}='{_escape(value)}'" for name, value in options.items())


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
