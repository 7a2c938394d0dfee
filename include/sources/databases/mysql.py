"""Reader for MySQL and MariaDB by DuckDB's scanner, each part in one statement on one connection.

One SELECT of InnoDB sees one snapshot of the table. The scanner ends its transactions with each statement, so the
second of two parts may be of a later snapshot.

Every connection has the time zone UTC: a TIMESTAMP, which the server shows in the session's zone, lands as an instant;
a DATETIME as the local time it states.

The scanner silently damages a few values (measured with 1.5.5: the date 0000-00-00 becomes NULL, TINYINT(1) 2 becomes
true, DECIMAL over 38 digits loses digits, ZEROFILL loses its zeros, text in a `_bin` collation becomes bytes). So the
server itself converts to text each type that the scanner cannot carry, and a guard column stops the reading at an
invalid date (a zero in it, or the year 0); then the columns that have such dates are read as text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import duckdb
import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import mysql

from include.contracts.model import Contract, Table
from include.lake.storage import literal, load_extension, quote
from include.sources.access import LOCK_SECONDS, LOCKS, Connection, LoadLimits, mysql_tls_mode, unknown_error
from include.sources.databases import reflection
from include.sources.open_object import GUARD, TEXT_NOTE, Conditions, OpenObject, Reading, guarded
from include.sources.source_schema import SourceTable

_DIALECT: sa.Dialect = mysql.dialect()
_TLS_FILES = ("ssl_ca", "ssl_capath", "ssl_cert", "ssl_key", "ssl_cipher")
_SETTINGS = {
    "mysql_tinyint1_as_boolean": "false",  # a TINYINT(1) may hold 2
    "mysql_sql_buffer_result": "false",  # would copy the table into the source's scratch space
    "mysql_query_timeout_enabled": "false",  # would stop a long extract after five minutes
    "mysql_session_time_zone": "'+00:00'",
}
# Charsets within Unicode: text of others may arrive as `?` or U+FFFD.
_WHOLE_CHARSETS = {"", "utf8mb4", "utf8mb3", "utf8", "ascii", "latin1", "binary"}
_HEX: sa.ColumnElement[Any] = sa.literal_column(
    "_utf8mb4 x'5c78'"
)  # a backslash and x, whatever sql_mode makes of a backslash
_CHARSETS = """
SELECT column_name, CASE WHEN data_type IN ('inet4', 'inet6') THEN 'ascii' ELSE character_set_name END
FROM information_schema.columns WHERE table_schema = coalesce(:schema, database()) AND table_name = :name
"""


@contextmanager
def open_mysql(
    connection: Connection, table: Table, contract: Contract, load_limits: LoadLimits, duck: duckdb.DuckDBPyConnection
) -> Iterator[OpenObject]:
    """Open a table or view of MySQL or MariaDB."""
    with reflection.engine_errors(connection, table):
        engine = reflection.make_engine(connection, contract)
        with engine.connect() as session:
            found = reflection.reflect(session, contract, table)
            reflection.probe(session, _select(found, {}))
            charsets = {
                str(name): str(charset or "")
                for name, charset in session.execute(sa.text(_CHARSETS), {"schema": found.schema, "name": found.name})
            }
            is_mariadb = bool(getattr(session.dialect, "is_mariadb", False))
        engine.dispose()
    explain = reflection.explainer(connection, table)

    load_extension(duck, "mysql")
    for name, value in _SETTINGS.items():
        duck.execute(f"SET {name} = {value}")
    try:
        _end(duck)
        duck.execute(reflection.duckdb_secret(connection, "mysql"))
        duck.execute(f"ATTACH {literal(_conninfo(connection))} AS source (TYPE mysql, SECRET source, READ_ONLY)")
    except duckdb.Error as error:
        raise explain(error) or unknown_error(error, object_name=table.qualified_name) from None

    def read(part: SourceTable, rows: Conditions) -> Reading:
        def ask(select: sa.Select[Any]) -> str:
            text = " UNION ALL ".join(_compiled(select.where(row)) for row in rows) or _compiled(select)
            text = _limited(text, load_limits, is_mariadb=is_mariadb)
            return f"SELECT * FROM mysql_query('source', {literal(text)}, stream_results = true)"

        def query(as_text: Collection[str]) -> str:
            instants = [
                f"make_timestamptz(epoch_us({quote(c.landed)})) AS {quote(c.landed)}"
                for c in part.columns
                if c.is_aware and c.name not in as_text
            ]
            found = ask(_select(part, charsets, as_text=as_text))
            return guarded(found.replace("*", f"* REPLACE ({', '.join(instants)})", 1) if instants else found)

        def plain(failure: str) -> str:
            if GUARD not in failure and "out of range" not in failure:
                return query({c.name for c in part.columns if not isinstance(c.type, types.Float)})
            clause = part.clause()
            dates = {c.name: odd for c in part.columns if (odd := _odd(clause.c[c.name], c.type)) is not None}
            listed: list[sa.ColumnElement[Any]] = [sa.func.max(odd).label(name) for name, odd in dates.items()]
            try:
                invalid = duck.execute(ask(sa.select(*listed).select_from(clause))).fetchall()
            except duckdb.Error as error:
                raise explain(error) or unknown_error(error, object_name=table.qualified_name) from None
            return query({name for row in invalid for name, is_odd in zip(dates, row, strict=True) if is_odd})

        return Reading(query(()), found.drift, explain, plain=plain, plain_note=TEXT_NOTE)

    try:
        lock = f"; {LOCKS}" if is_mariadb else ""
        yield OpenObject("mysql", "mysql", found, read, safeguards=f"read only, each part in one state{lock}")
    finally:
        _end(duck)


def _end(duck: duckdb.DuckDBPyConnection) -> None:
    with suppress(duckdb.Error):
        duck.execute("DETACH DATABASE IF EXISTS source")


def _limited(sql: str, load_limits: LoadLimits, *, is_mariadb: bool) -> str:
    """The statement with its time limits. The scanner resets its connections, so they cannot be set for a session."""
    if is_mariadb:
        seconds = f", max_statement_time = {load_limits.statement_seconds:g}" if load_limits.statement_seconds else ""
        limits = f"lock_wait_timeout = {LOCK_SECONDS}, sql_select_limit = {reflection.EVERY_ROW}{seconds}"
        return f"SET STATEMENT {limits} FOR {sql}"
    hints = f"SET_VAR(sql_select_limit = {reflection.EVERY_ROW})"
    if load_limits.statement_seconds:
        hints += f" MAX_EXECUTION_TIME({load_limits.statement_milliseconds})"
    return sql.replace("SELECT", f"SELECT /*+ {hints} */", 1)


def _compiled(select: sa.Select[Any]) -> str:
    return str(select.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})).replace("%%", "%")


def _select(found: SourceTable, charsets: Mapping[str, str], *, as_text: Collection[str] = ()) -> sa.Select[Any]:
    """SELECT of all columns, with `as_text` and types the scanner cannot carry as text, and a guard over other dates.

    `charsets`: character sets of the text columns.
    """
    clause = found.clause()
    listed: list[sa.ColumnElement[Any]] = []
    odd: list[sa.ColumnElement[bool]] = []
    for column in found.columns:
        value, kind = clause.c[column.name], column.type
        carried: sa.ColumnElement[Any] = value
        if _is_bytes(kind):
            pass
        elif isinstance(kind, mysql.BIT):
            carried = value if (kind.length or 1) == 1 else sa.cast(value, mysql.INTEGER(unsigned=True))
        elif isinstance(kind, types.NullType) and not charsets.get(column.name):  # geometry and the like: its bytes
            carried = _hex(value)
        elif not _is_carried(kind) or column.name in as_text:
            carried = _text(value, kind, charsets.get(column.name, ""))
        elif (guard := _odd(value, kind)) is not None:
            odd.append(guard)
        listed.append(carried.label(column.landed))
    guards: sa.ColumnElement[Any] = (
        sa.func.coalesce(sa.or_(*odd), sa.literal_column("0")) if odd else sa.literal_column("0")
    )
    return sa.select(*listed, guards.label(GUARD)).select_from(clause)


def _odd(value: sa.ColumnElement[Any], kind: types.TypeEngine[Any]) -> sa.ColumnElement[bool] | None:
    """SQL condition for an invalid date: with a zero in it, in the year 0, or 31 February."""
    if not isinstance(kind, types.Date | types.DateTime):
        return None
    zero: sa.ColumnElement[int] = sa.literal_column("0")
    last = sa.func.last_day(value)
    return sa.or_(
        *(part == zero for part in (sa.func.year(value), sa.func.month(value), sa.func.dayofmonth(value))),
        sa.and_(value.is_not(None), sa.or_(last.is_(None), sa.func.dayofmonth(value) > sa.func.dayofmonth(last))),
    )


def _is_bytes(kind: types.TypeEngine[Any]) -> bool:
    return isinstance(kind, types._Binary)  # TINYBLOB and its kin are no LargeBinary


def _is_carried(kind: types.TypeEngine[Any]) -> bool:
    """Whether the scanner carries values of this type exactly (apart from those the guard finds).

    Text is not: the scanner takes text in a `_bin` collation for bytes, so the server converts it, which fixes its
    type.
    """
    if getattr(kind, "zerofill", False):
        return False
    if isinstance(kind, types.Numeric) and not isinstance(kind, types.Float):
        return (kind.precision or 10) <= 38
    carried = (types.Integer, types.Float, types.Boolean, types.Date, types.DateTime, mysql.TIME, mysql.YEAR)
    return isinstance(kind, carried)


def _text(value: sa.ColumnElement[Any], kind: types.TypeEngine[Any], charset: str) -> sa.ColumnElement[Any]:
    """SQL of the value as text. Not by CAST, which makes values longer than max_allowed_packet NULL.

    Moments have the engine's format: no trailing zeros, an instant with its offset.
    """
    text: sa.ColumnElement[Any] = sa.func.convert(value.op("USING")(sa.literal_column("utf8mb4")))
    if isinstance(kind, types.DateTime):
        if getattr(kind, "fsp", None):
            text = sa.func.trim(_trailing("0", text))
            text = sa.func.trim(_trailing(".", text))
        if isinstance(kind, mysql.TIMESTAMP):
            is_moment = sa.func.year(value) > sa.literal_column("0")
            text = sa.case((is_moment, sa.func.concat(text, sa.literal_column("'+00'"))), else_=text)
    if charset in _WHOLE_CHARSETS:
        return text
    unknown: sa.ColumnElement[Any] = sa.literal_column("_utf8mb4 x'efbfbd'")
    exact = text.op("COLLATE")(sa.literal_column("utf8mb4_bin"))
    is_whole = sa.and_(
        sa.func.instr(exact, unknown) == sa.literal_column("0"), _question_marks(exact) == _question_marks(value)
    )
    return sa.case((sa.or_(value.is_(None), is_whole), text), else_=_hex(value))


def _trailing(sign: str, text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.literal_column(f"TRAILING '{sign}'").op("FROM")(text)


def _question_marks(text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    without = sa.func.replace(text, sa.literal_column("'?'"), sa.literal_column("''"))
    return sa.func.char_length(text) - sa.func.char_length(without)


def _hex(value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.concat(_HEX, sa.func.lower(sa.func.hex(value)))


def _conninfo(connection: Connection) -> str:
    """Connection string of the scanner, with the URI's socket and its demands of TLS."""
    given = connection.engine_url.query
    options = {"socket": given.get("unix_socket"), "ssl_mode": mysql_tls_mode(connection.engine_url)}
    options |= {name: given.get(name) for name in _TLS_FILES}
    return " ".join(f'{name}="{_escape(str(value))}"' for name, value in options.items() if value)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
