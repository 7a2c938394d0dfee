"""PostgreSQL, read by DuckDB's scanner over several connections that share one snapshot.

A control connection opens a REPEATABLE READ transaction, reflects the table in it and exports its snapshot; every
reading connection takes that snapshot before it reads its share of the table's pages. So what is reflected and what
all readers see is one moment of the source, whoever writes meanwhile.

The scanner silently damages a few values (measured with 1.5.5: NUMERIC 'NaN' becomes 0.00, NUMERIC without precision
loses digits, timestamps past 294246 wrap, TIMETZ loses its offset). So PostgreSQL itself writes as text each type that
the scanner cannot carry, and a guard column stops the reading when a value of the other kind comes by; then all
columns that were guarded are read again as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

import duckdb
import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import postgresql

from include.contracts.model import Contract, Table
from include.lake.engine import literal, load_extension
from include.sources import reflect
from include.sources.connection import Connection
from include.sources.errors import unknown_error
from include.sources.reading import GUARD, TEXT_NOTE, Reading, guarded

PAGES_PER_STREAM = 4_000  # 32 MB: below that a second connection costs more than it brings
MAX_STREAMS = 4
_DIALECT: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
_LAST_TIMESTAMP = "294246-01-01"
_LIBPQ_OPTIONS = {
    "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "channel_binding", "target_session_attrs", "gssencmode",
    "krbsrvname", "options", "connect_timeout", "keepalives", "keepalives_idle", "application_name", "host", "port",
}  # fmt: skip


@contextmanager
def read_postgres(
    connection: Connection, contract: Contract, table: Table, duck: duckdb.DuckDBPyConnection
) -> Iterator[Reading]:
    """Open a reading of a table, view or any other object that PostgreSQL can SELECT from."""
    with reflect.engine_errors(connection, table):
        engine = reflect.make_engine(connection, contract)
        session = engine.connect()
    opened: _Streams | None = None
    explain = reflect.explainer(connection, table)
    try:
        with reflect.engine_errors(connection, table):
            session.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            session.execute(sa.text("SET idle_in_transaction_session_timeout = 0"))
            found = reflect.reflect(session, contract, table)
            reflect.probe(session, _select(found))
            cuts = _cuts(session, found, _streams_allowed(contract, duck))
            snapshot = session.execute(sa.text("SELECT pg_export_snapshot()")).scalar_one()
        opened = streams = _Streams(connection, duck, snapshot, _timeout(contract))

        def plain(failure: str) -> str:
            return streams.query(_select(found, as_text="guarded" if GUARD in failure else "all"), cuts)

        try:
            query = streams.query(_select(found), cuts)
        except duckdb.Error as error:
            raise explain(error) or unknown_error(error, object_name=table.qualified_name) from None
        yield Reading("postgresql", query, found.drift, explain, plain=plain, plain_note=TEXT_NOTE)
    finally:
        if opened is not None:
            opened.close()
        session.close()
        engine.dispose()


class _Streams:
    """The reading connections, one attached database each."""

    def __init__(self, connection: Connection, duck: duckdb.DuckDBPyConnection, snapshot: str, timeout: int) -> None:
        self._duck = duck
        self._snapshot = snapshot
        self._timeout = timeout
        self._conninfo = _conninfo(connection)
        self._attached: list[str] = []
        load_extension(duck, "postgres")
        duck.execute("SET pg_pool_max_connections = 1")
        duck.execute(_secret(connection))

    def query(self, select: sa.Select[Any], cuts: list[tuple[int, int | None]]) -> str:
        """Open one transaction per cut, all on the snapshot, and give the DuckDB query that reads them side by side."""
        self.close()
        duck = self._duck
        for number in range(len(cuts)):
            name = f"source_{number}"
            duck.execute(f"ATTACH {literal(self._conninfo)} AS {name} (TYPE postgres, SECRET source, READ_ONLY)")
            self._attached.append(name)
        duck.execute("BEGIN")
        parts = []
        for name, (first, end) in zip(self._attached, cuts, strict=True):
            self._run(name, f"SET TRANSACTION SNAPSHOT {literal(self._snapshot)}")
            self._run(name, f"SET statement_timeout = {self._timeout}")
            self._run(name, "SET idle_in_transaction_session_timeout = 0")
            part: sa.Select[Any] = select
            if len(cuts) > 1:
                part = part.where(sa.text(f"ctid >= '({first},0)'::tid"))
                if end is not None:
                    part = part.where(sa.text(f"ctid < '({end},0)'::tid"))
            sql = str(part.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))
            parts.append(f"SELECT * FROM postgres_query({literal(name)}, {literal(sql.replace('%%', '%'))})")
        return guarded(parts) if GUARD in select.selected_columns else " UNION ALL ".join(parts)

    def _run(self, name: str, statement: str) -> None:
        self._duck.execute(f"CALL postgres_execute({literal(name)}, {literal(statement)})")

    def close(self) -> None:
        """End the transactions. DuckDB must not be closed before: where a connection is gone, that ends the process."""
        with suppress(duckdb.Error):
            if self._attached:
                self._duck.execute("ROLLBACK")
        for name in self._attached:
            with suppress(duckdb.Error):
                self._duck.execute(f"DETACH {name}")
        self._attached.clear()


def _select(found: reflect.SourceTable, *, as_text: Literal["", "guarded", "all"] = "") -> sa.Select[Any]:
    """All columns, those that the scanner cannot carry as text, and the guard over those that it mostly can."""
    clause = found.clause()
    listed: list[sa.ColumnElement[Any]] = []
    odd: list[sa.ColumnElement[bool]] = []
    for column in found.columns:
        value = clause.c[column.name]
        guard = _guard(value, column.type)
        is_text = isinstance(column.type, types.String)
        if not _is_carried(column.type) or (as_text and guard is not None) or (as_text == "all" and not is_text):
            listed.append(sa.cast(value, postgresql.TEXT).label(column.landed))
            continue
        listed.append(value.label(column.landed))
        if guard is not None:
            odd.append(guard)
    if odd:
        listed.append(sa.func.coalesce(sa.or_(*odd), sa.false()).label(GUARD))
    return sa.select(*listed).select_from(clause)


def _is_carried(kind: types.TypeEngine[Any]) -> bool:
    """Whether the scanner keeps values of this type whole (apart from those the guard looks for)."""
    if isinstance(kind, types.Enum | postgresql.DOMAIN | postgresql.ARRAY | postgresql.TIME):
        return isinstance(kind, postgresql.TIME) and not kind.timezone
    if isinstance(kind, types.Numeric) and not isinstance(kind, types.Float):
        return kind.precision is not None and kind.precision <= 38 and 0 <= (kind.scale or 0) <= kind.precision
    carried = (
        types.Boolean, types.Integer, types.Float, types.Text, types.VARCHAR, types.CHAR, types.Date, types.DateTime,
        types.Uuid, types.LargeBinary, postgresql.JSON,
    )  # fmt: skip
    return isinstance(kind, carried) and not isinstance(kind, postgresql.OID)


def _guard(value: sa.ColumnElement[Any], kind: types.TypeEngine[Any]) -> sa.ColumnElement[bool] | None:
    """True for a value that the scanner would change without a word."""
    if isinstance(kind, types.Numeric) and not isinstance(kind, types.Float):
        return value == sa.literal_column("'NaN'")
    if isinstance(kind, types.DateTime):
        return sa.and_(value > sa.literal_column(f"'{_LAST_TIMESTAMP}'"), value < sa.literal_column("'infinity'"))
    return None


def _cuts(session: sa.Connection, found: reflect.SourceTable, allowed: int) -> list[tuple[int, int | None]]:
    """Page ranges, one per connection. One range when the object is small, no plain table, or the server before 14."""
    quoted = session.dialect.identifier_preparer
    name = (
        quoted.quote(found.name) if found.schema is None else f"{quoted.quote(found.schema)}.{quoted.quote(found.name)}"
    )
    row = session.execute(
        sa.text(
            "SELECT pg_relation_size(c.oid) / current_setting('block_size')::int, "
            "current_setting('server_version_num')::int "
            "FROM pg_class c JOIN pg_am a ON a.oid = c.relam "
            "WHERE c.oid = to_regclass(:name) AND c.relkind IN ('r', 'm') AND a.amname = 'heap'"
        ),
        {"name": name},
    ).one_or_none()
    if row is None or row[1] < 140_000:
        return [(0, None)]
    streams = max(1, min(allowed, int(row[0]) // PAGES_PER_STREAM))
    step = -(-int(row[0]) // streams)
    return [(n * step, (n + 1) * step if n < streams - 1 else None) for n in range(streams)]


def _streams_allowed(contract: Contract, duck: duckdb.DuckDBPyConnection) -> int:
    """One connection for each thread of DuckDB, four at most, and no more than the server's `connectionLimit`."""
    row = duck.execute("SELECT current_setting('threads')").fetchone()
    return min(int(contract.server.options.get("connectionLimit", MAX_STREAMS)), int(row[0]) if row else 1)


def _timeout(contract: Contract) -> int:
    """Milliseconds that one statement may take on the source; 0 is no limit."""
    return int(float(contract.server.options.get("statementTimeoutSeconds", 0)) * 1000)


def _secret(connection: Connection) -> str:
    url = connection.engine_url
    given = {
        "HOST": url.host,
        "PORT": str(url.port) if url.port else None,
        "DATABASE": url.database,
        "USER": url.username,
        "PASSWORD": str(url.password) if url.password else None,
    }
    parts = [f"{name} {literal(value)}" for name, value in given.items() if value]
    return f"CREATE OR REPLACE SECRET source (TYPE postgres, {', '.join(parts)})" if parts else ""


def _conninfo(connection: Connection) -> str:
    """The URI's other options, in libpq's own form."""
    options = {"application_name": "lienthong", "connect_timeout": str(reflect.CONNECT_SECONDS)}
    for name, value in connection.engine_url.query.items():
        if name in _LIBPQ_OPTIONS:
            options[name] = value if isinstance(value, str) else ",".join(value)
    return " ".join(f"{name}='{_escape(value)}'" for name, value in options.items())


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
