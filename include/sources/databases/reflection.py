"""Reflection of a source database by SQLAlchemy, and classification of its failures."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import duckdb
import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SAWarning, SQLAlchemyError

from include.contracts.model import Contract, Table
from include.lake.storage import literal
from include.sources.access import (
    Connection,
    SourceError,
    SourceMissing,
    SourceUnavailable,
    kind_of,
    pymysql_tls,
    source_error,
    unknown_error,
    without_tls,
)
from include.sources.source_schema import (
    SourceColumn,
    SourceTable,
    judge_columns,
    judge_types,
    landed_names,
    near,
)

_PART = re.compile(r'"(?:[^"]|"")+"|[^".]+')
_QUOTED = re.compile(rf'(?=.*")(?:{_PART.pattern})(?:\.(?:{_PART.pattern}))*')
CONNECT_SECONDS = 10
ANSWER_SECONDS = 30
EVERY_ROW = 18446744073709551615  # MySQL's sql_select_limit would leave rows out silently


def duckdb_secret(connection: Connection, kind: str) -> str:
    """Statement that gives a DuckDB scanner (`mysql`, `postgres`) the connection's credentials; empty without any."""
    url = connection.engine_url
    given = {
        "HOST": url.host,
        "PORT": str(url.port) if url.port else None,
        "DATABASE": url.database,
        "USER": url.username,
        "PASSWORD": str(url.password) if url.password else None,
    }
    parts = [f"{name} {literal(value)}" for name, value in given.items() if value]
    return f"CREATE OR REPLACE SECRET source (TYPE {kind}, {', '.join(parts)})" if parts else ""


@contextmanager
def engine_errors(connection: Connection, table: Table) -> Iterator[None]:
    """Turn errors of SQLAlchemy and the drivers inside the block into a SourceError that quotes no value."""
    try:
        yield
    except SourceError:
        raise
    except (NoSuchModuleError, ModuleNotFoundError):
        raise SourceError(
            f"{table.qualified_name}: no driver is installed for the database in {connection.variable}: install the "
            "SQLAlchemy dialect and driver of that database (for Oracle: pip install oracledb, scheme oracle+oracledb)"
        ) from None
    except (SQLAlchemyError, OSError, ValueError) as error:
        raise explain(error, connection, table) from None


def explain(error: BaseException, connection: Connection, table: Table) -> SourceError:
    """The SourceError for a database's error."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    code = str(getattr(origin, "sqlstate", None) or "")
    kind = SourceUnavailable if isinstance(origin, TimeoutError) else kind_of(str(origin), code=code)
    if kind is not None:
        return source_error(kind, variable=connection.variable, object_name=table.qualified_name)
    return unknown_error(origin, object_name=table.qualified_name, code=code)


def explainer(connection: Connection, table: Table) -> Callable[[BaseException], SourceError | None]:
    """Function that maps a DuckDB error to the source's failure; None if it is not the source's."""

    def explain_duckdb(error: BaseException) -> SourceError | None:
        is_lake = isinstance(error, duckdb.HTTPException) or re.search(r"\bHTTP\b|s3://", str(error)) is not None
        kind = kind_of(str(error)) if isinstance(error, duckdb.Error) and not is_lake else None
        return source_error(kind, variable=connection.variable, object_name=table.qualified_name) if kind else None

    return explain_duckdb


def make_engine(connection: Connection, contract: Contract) -> sa.Engine:
    """An engine with one connection, a connect timeout and our application name. Raises what SQLAlchemy raises."""
    url = connection.engine_url
    arguments: dict[str, Any] = {}
    if connection.kind == "postgresql":
        arguments = {"connect_timeout": CONNECT_SECONDS, "application_name": "lienthong", "client_encoding": "UTF8"}
        arguments = {key: value for key, value in arguments.items() if key not in url.query}
    elif connection.kind == "mysql":
        arguments = {
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": ANSWER_SECONDS,  # used for reflection only, so a silent server may time out early
            "charset": "utf8mb4",
            "program_name": "lienthong",
            "init_command": f"SET time_zone = '+00:00', sql_select_limit = {EVERY_ROW}",
        }
        arguments = {key: value for key, value in arguments.items() if key not in url.query} | pymysql_tls(url)
        if url.password:
            arguments["password"] = str(url.password).encode()  # PyMySQL would take text for Latin-1
        url = without_tls(url)
    return sa.create_engine(url, connect_args=arguments, poolclass=sa.pool.NullPool, hide_parameters=True)


def reflect(session: sa.Connection, contract: Contract, table: Table) -> SourceTable:
    """Reflect the source object of a table, after checking its columns against the contract.

    Raises SourceMissing, with similar names, if the object or a column that the contract reads does not exist.
    """
    inspector = sa.inspect(session)
    source_name = table.source_name or table.name
    meant = meanings(source_name, contract.server.schema or None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # types that SQLAlchemy does not know are read as text
        schema, name = meant[0]
        for schema, name in meant:
            if found := _columns(inspector, schema, name):
                break
        else:
            raise _missing(inspector, meant, table)
        drift = _other_meanings(inspector, meant, (schema, name))
    drift += judge_columns(table, [str(c["name"]) for c in found])
    landed = landed_names(table, [str(c["name"]) for c in found])
    drift += tuple(f"'{name}' lands as '{other}': its name is taken" for name, other in landed.items() if name != other)
    columns = tuple(
        SourceColumn(
            str(c["name"]),
            landed[str(c["name"])],
            _base(c["type"]),
            _type_text(c["type"], session.dialect),
            bool(c.get("nullable", True)),
            is_domain=isinstance(c["type"], postgresql.DOMAIN),
        )
        for c in found
    )
    drift += judge_types(table, {c.name: c.family for c in columns})
    return SourceTable(schema, name, columns, drift)


def probe(session: sa.Connection, select: sa.Select[Any]) -> None:
    """Select no rows, so that a missing right shows, with the database's code, before any work is done."""
    session.execute(select.where(sa.false())).close()


def _base(kind: types.TypeEngine[Any]) -> types.TypeEngine[Any]:
    """The base type of a domain; any other type itself."""
    while isinstance(kind, postgresql.DOMAIN):
        kind = types.to_instance(kind.data_type)
    return kind


def _type_text(kind: types.TypeEngine[Any], dialect: sa.Dialect) -> str:
    """The type as the database writes it, without collation."""
    try:
        return re.sub(r" (COLLATE|CHARACTER SET) \S+", "", kind.compile(dialect))
    except SQLAlchemyError:
        return type(kind).__name__.upper()


def meanings(source_name: str, schema: str | None) -> list[tuple[str | None, str]]:
    """Possible (schema, name) of a physicalName, the likeliest first: the whole as a name, or `schema.name`.

    Double quotes delimit a name, as in SQL: `"a"."b"` is b of schema a, `"a.b"` a name with a dot.
    """
    found: dict[tuple[str | None, str], None] = {(schema, source_name): None}
    if _QUOTED.fullmatch(source_name):
        parts = [part[1:-1].replace('""', '"') if part.startswith('"') else part for part in _PART.findall(source_name)]
        found[(".".join(parts[:-1]) or schema, parts[-1])] = None
    else:
        dots = [at for at, sign in enumerate(source_name) if sign == "." and 0 < at < len(source_name) - 1]
        found |= dict.fromkeys((source_name[:at], source_name[at + 1 :]) for at in dots)
    return list(found)


def _columns(inspector: sa.Inspector, schema: str | None, name: str) -> list[Any]:
    try:
        return list(inspector.get_columns(name, schema=schema))
    except sa.exc.NoSuchTableError:
        return []
    except DBAPIError as error:
        if kind_of(str(error.orig)) is not SourceMissing:
            raise
        return []


def _other_meanings(
    inspector: sa.Inspector, meant: Sequence[tuple[str | None, str]], read: tuple[str | None, str]
) -> tuple[str, ...]:
    """A note if the physicalName could also mean another existing object."""
    for schema, name in meant[meant.index(read) + 1 :]:
        with suppress(SQLAlchemyError):
            if _columns(inspector, schema, name):
                written = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name) if part)
                return (f"'{read[1]}' is read as one name; table '{name}' in schema '{schema}' is written {written}",)
    return ()


def _missing(inspector: sa.Inspector, meant: Sequence[tuple[str | None, str]], table: Table) -> SourceMissing:
    """SourceMissing for a table, with similar names that exist."""
    missing = []
    for schema, name in meant:
        try:
            here = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
        except SQLAlchemyError:
            here = []
        where = f"schema '{schema}'" if schema else "the source"
        missing.append(f"no table or view '{name}' in {where}{near(name, here)}")
    elsewhere = ""
    schema, name = meant[0]
    if schema is None and len(meant) == 1:
        for other in _schemas(inspector):
            if name in inspector.get_table_names(other):
                written = f'"{other}"."{name}"' if "." in other or '"' in other else f"{other}.{name}"
                elsewhere = f" It is in schema '{other}': write '{written}'."
                break
    return SourceMissing(
        f"{table.qualified_name}: there is {', and '.join(missing)}.{elsewhere} "
        "Correct physicalName in the contract, or the database in the connection"
    )


def _schemas(inspector: sa.Inspector) -> list[str]:
    try:
        return [
            name for name in inspector.get_schema_names() if name not in {"information_schema", "pg_catalog", "sys"}
        ]
    except SQLAlchemyError:
        return []
