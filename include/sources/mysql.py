"""MySQL and MariaDB, read by DuckDB's scanner, each part in one statement on one connection.

One SELECT of InnoDB sees one state of the table, whoever writes meanwhile. The scanner ends its transactions with each
statement, so of two parts the second may be of a later state.

The scanner silently damages a few values (measured with 1.5.5: the date 0000-00-00 becomes NULL, TINYINT(1) 2 becomes
true, DECIMAL over 38 digits loses digits, ZEROFILL loses its zeros, text in a `_bin` collation becomes bytes). So the
server itself writes as text each type that the scanner cannot carry, and a guard column stops the reading when a zero
date comes by; then all dates are read again as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

import duckdb
import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import mysql

from include.contracts.model import Contract, Table
from include.lake.engine import literal, load_extension
from include.sources import reflect
from include.sources.connection import Connection
from include.sources.errors import unknown_error
from include.sources.protection import LOCK_SECONDS, LOCKS, Protection
from include.sources.reading import GUARD, TEXT_NOTE, Conditions, Opened, Reading, guarded

AsText = Literal["", "guarded", "all"]
_DIALECT: sa.Dialect = mysql.dialect()
_OPTIONS = {
    "unix_socket": "socket", "socket": "socket", "ssl_ca": "ssl_ca", "ssl_cert": "ssl_cert", "ssl_key": "ssl_key",
    "ssl_mode": "ssl_mode", "ssl_capath": "ssl_capath", "ssl_cipher": "ssl_cipher",
}  # fmt: skip
_SETTINGS = {
    "mysql_tinyint1_as_boolean": "false",  # a TINYINT(1) may hold 2
    "mysql_sql_buffer_result": "false",  # would copy the table into the source's scratch space
    "mysql_query_timeout_enabled": "false",  # would stop a long extract after five minutes
}


@contextmanager
def open_mysql(
    connection: Connection, table: Table, contract: Contract, protection: Protection, duck: duckdb.DuckDBPyConnection
) -> Iterator[Opened]:
    """Open a table or view."""
    with reflect.engine_errors(connection, table):
        engine = reflect.make_engine(connection, contract)
        with engine.connect() as session:
            found = reflect.reflect(session, contract, table)
            reflect.probe(session, _select(found))
            is_mariadb = bool(getattr(session.dialect, "is_mariadb", False))
        engine.dispose()
    explain = reflect.explainer(connection, table)

    load_extension(duck, "mysql")
    for name, value in _SETTINGS.items():
        duck.execute(f"SET {name} = {value}")
    try:
        _end(duck)
        duck.execute(_secret(connection))
        duck.execute(f"ATTACH {literal(_conninfo(connection))} AS source (TYPE mysql, SECRET source, READ_ONLY)")
    except duckdb.Error as error:
        raise explain(error) or unknown_error(error, object_name=table.qualified_name) from None

    def read(part: reflect.SourceTable, rows: Conditions) -> Reading:
        def query(as_text: AsText) -> str:
            chosen = [_select(part, as_text=as_text).where(row) for row in rows] or [_select(part, as_text=as_text)]
            text = _limited(" UNION ALL ".join(_compiled(one) for one in chosen), protection, is_mariadb=is_mariadb)
            return guarded(f"SELECT * FROM mysql_query('source', {literal(text)}, stream_results = true)")

        return Reading(
            query(""),
            found.drift,
            explain,
            plain=lambda failure: query("guarded" if GUARD in failure or "out of range" in failure else "all"),
            plain_note=TEXT_NOTE,
        )

    try:
        lock = f"; {LOCKS}" if is_mariadb else ""
        yield Opened("mysql", "mysql", found, read, spared=f"read only, each part in one state{lock}")
    finally:
        _end(duck)


def _end(duck: duckdb.DuckDBPyConnection) -> None:
    with suppress(duckdb.Error):
        duck.execute("DETACH DATABASE IF EXISTS source")


def _limited(sql: str, protection: Protection, *, is_mariadb: bool) -> str:
    """The statement with its limits. The scanner resets its connections, so they cannot be set for a session."""
    if is_mariadb:
        seconds = f", max_statement_time = {protection.statement_seconds:g}" if protection.statement_seconds else ""
        return f"SET STATEMENT lock_wait_timeout = {LOCK_SECONDS}{seconds} FOR {sql}"
    if protection.statement_seconds:
        return sql.replace("SELECT", f"SELECT /*+ MAX_EXECUTION_TIME({protection.statement_milliseconds}) */", 1)
    return sql


def _compiled(select: sa.Select[Any]) -> str:
    return str(select.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})).replace("%%", "%")


def _select(found: reflect.SourceTable, *, as_text: AsText = "") -> sa.Select[Any]:
    """All columns, those that the scanner cannot carry as text, and the guard over the dates."""
    clause = found.clause()
    listed: list[sa.ColumnElement[Any]] = []
    odd: list[sa.ColumnElement[bool]] = []
    for column in found.columns:
        value = clause.c[column.name]
        kind = column.type
        is_date = isinstance(kind, types.Date | types.DateTime)
        is_bytes = isinstance(kind, types.LargeBinary | mysql.BINARY | mysql.VARBINARY | mysql.BIT)
        if isinstance(kind, types.NullType):  # geometry and the like: its bytes
            listed.append(sa.func.hex(value).label(column.landed))
        elif isinstance(kind, mysql.BIT) and (kind.length or 1) > 1:
            listed.append(sa.cast(value, mysql.INTEGER(unsigned=True)).label(column.landed))
        elif not _is_carried(kind) or (is_date and as_text) or (as_text == "all" and not is_bytes):
            listed.append(sa.cast(value, types.CHAR).label(column.landed))
        else:
            listed.append(value.label(column.landed))
            if is_date:
                month, day = sa.func.month(value), sa.func.dayofmonth(value)
                odd.append(sa.or_(month == sa.literal_column("0"), day == sa.literal_column("0")))
    guard: sa.ColumnElement[Any] = (
        sa.func.coalesce(sa.or_(*odd), sa.literal_column("0")) if odd else sa.literal_column("0")
    )
    return sa.select(*listed, guard.label(GUARD)).select_from(clause)


def _is_carried(kind: types.TypeEngine[Any]) -> bool:
    """Whether the scanner keeps values of this type whole (apart from those the guard looks for).

    Text is not among them: the scanner takes text in a `_bin` collation for bytes, so the server casts it, which says
    what it is.
    """
    if getattr(kind, "zerofill", False):
        return False
    if isinstance(kind, types.Numeric) and not isinstance(kind, types.Float):
        return (kind.precision or 10) <= 38
    carried = (
        types.Integer, types.Float, types.Boolean, types.Date, types.DateTime, types.LargeBinary, mysql.TIME,
        mysql.YEAR, mysql.BIT, mysql.BINARY, mysql.VARBINARY,
    )  # fmt: skip
    return isinstance(kind, carried)


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
    return f"CREATE OR REPLACE SECRET source (TYPE mysql, {', '.join(parts)})"


def _conninfo(connection: Connection) -> str:
    """The URI's other options, as the scanner names them."""
    options = {
        _OPTIONS[name]: value
        for name, value in connection.engine_url.query.items()
        if name in _OPTIONS and isinstance(value, str)
    }
    return " ".join(f'{name}="{_escape(value)}"' for name, value in options.items())


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
