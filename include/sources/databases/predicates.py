"""Row predicates (WHERE) of a read request, in SQLAlchemy Core: rows past a cursor, and rows of given keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import postgresql

from include.contracts.model import Table
from include.sources.access import SourceError, SourceMissing
from include.sources.databases.cursor import Write, cursor_of, past
from include.sources.open_object import Conditions, ReadRequest
from include.sources.source_schema import SourceColumn, SourceTable, key_columns

# Keys in one condition. SQLite takes a million characters of SQL; unknown dialects get few keys.
_KEYS_EACH = {"postgresql": 50_000, "mysql": 50_000, "sqlite": 5_000}
_KEYS_EACH_ELSEWHERE = 200
_DUCKDB = postgresql.dialect()  # type: ignore[no-untyped-call] # whose SQL it reads
_FLOAT = re.compile(r"-?([0-9]+\.[0-9]+(e[+-][0-9]+)?|[0-9]+e[+-][0-9]+|inf)")


def conditions(source: SourceTable, table: Table, request: ReadRequest, *, kind: str) -> Conditions:
    """Disjoint conditions for the requested rows; empty for all rows.

    Raises:
        SourceError: the source cannot be read by this cursor or these keys.
    """
    write = writer(kind)
    found: list[sa.ColumnElement[bool]] = []
    if request.since is not None or request.until is not None:
        parts = cursor_of(table, source)
        if isinstance(parts, str):
            raise SourceError(f"{table.qualified_name}: it cannot be read by its cursor: {parts}. Run it with --full")
        try:
            bounds = {"since": request.since, "until": request.until}
            found.append(past(parts, **bounds, lag=request.lag, write=write, is_sqlite=kind == "sqlite"))
        except (ValueError, OverflowError):
            raise SourceError(
                f"{table.qualified_name}: the last cursor is no value of the source's column "
                f"{parts[0].source.name} ({parts[0].source.type_text}). Run it with --full"
            ) from None
    if request.only_keys and not request.keys:
        return (sa.false(),)
    if request.keys:
        columns = _key_columns(source, table)
        keys = list(dict.fromkeys(request.keys))
        each = _KEYS_EACH.get(kind, _KEYS_EACH_ELSEWHERE)
        for start in range(0, len(keys), each):
            test = _among(columns, keys[start : start + each], kind)
            found.append(sa.and_(test, sa.not_(found[0])) if request.since or request.until else test)
    return tuple(found)


def next_condition(source: SourceTable, table: Table, cursor: Sequence[str]) -> str:
    """SQL, over a landed file, of the rows that the next read past this cursor should bring if nothing changes.

    The source may see it otherwise (it knows other orders of texts): compare what came with what should have come.

    Raises:
        ValueError: the cursor is no value of its columns, or they have no order.
    """
    parts = cursor_of(table, source)
    if isinstance(parts, str):
        raise ValueError(parts)
    landed = [replace(part, source=replace(part.source, name=part.source.landed)) for part in parts]
    condition = past(landed, since=cursor, until=None, lag=table.extract.lag, write=writer("postgresql"))
    return str(condition.compile(dialect=_DUCKDB)).replace("%%", "%")


def _key_columns(source: SourceTable, table: Table) -> list[SourceColumn]:
    columns = []
    for name in key_columns(table):
        column = source.column(name)
        if column is None:
            raise SourceMissing(f"{table.qualified_name}: the source has no column {name}, of which the key is made")
        columns.append(column)
    if not columns:
        raise SourceError(
            f"{table.qualified_name}: the contract states no primary key to find rows by: run with --full"
        )
    return columns


def _among(columns: Sequence[SourceColumn], keys: Sequence[tuple[object, ...]], kind: str) -> sa.ColumnElement[bool]:
    """Condition for rows of these keys."""
    sides = [_side(column, kind, {key[n] for key in keys}) for n, column in enumerate(columns)]
    is_odd = any(value is None or (kind == "postgresql" and _bytes_of(value)) for key in keys for value in key)
    if is_odd or (len(columns) > 1 and kind not in _KEYS_EACH):
        return sa.or_(*(sa.and_(*(_is(s, v, kind) for s, v in zip(sides, key, strict=True))) for key in keys))
    if kind not in _TEXTS:
        return sides[0].in_([sa.literal(value) for (value,) in keys])
    if len(columns) == 1:
        return _is_in(sides[0], f"({', '.join(form for (value,) in keys for form in _forms(value, kind))})")
    rows = [row for key in keys for row in product(*(_forms(value, kind) for value in key))]
    if kind == "postgresql":  # the first row fixes the types of all
        rows[0] = tuple(
            f"CAST({text} AS {'TEXT' if isinstance(side, sa.Cast) else column.type_text})"
            for text, side, column in zip(rows[0], sides, columns, strict=True)
        )
    listed = ", ".join(f"({', '.join(row)})" for row in rows)
    return _is_in(sa.tuple_(*sides), f"({listed})" if kind == "mysql" else f"(VALUES {listed})")


def _is_in(side: sa.ColumnElement[Any], values: str) -> sa.ColumnElement[bool]:
    """Condition with a list written as text: an element of SQLAlchemy for each of 50,000 keys takes half a second."""
    return side.op("IN", is_comparison=True)(sa.literal_column(values))


def _is(side: sa.ColumnElement[object], value: object, kind: str) -> sa.ColumnElement[bool]:
    """Condition that a column has the value. In PostgreSQL, hex digits may stand for text of unknown encoding."""
    if value is None:
        return side.is_(None)
    same = _is_in(side, f"({', '.join(_forms(value, kind))})") if kind in _TEXTS else side == sa.literal(value)
    if kind == "postgresql" and (raw := _bytes_of(value)):
        text = sa.cast(side, sa.TEXT)
        same = sa.or_(same, sa.func.convert_to(text, sa.literal_column("'SQL_ASCII'")) == writer(kind)(raw))
    return same


def _bytes_of(value: object) -> bytes:
    r"""Bytes of a text of `\\x` and hex digits; empty for any other value."""
    if not isinstance(value, str) or not re.fullmatch(r"\\x([0-9a-f]{2})+", value):
        return b""
    return bytes.fromhex(value[2:])


def _side(column: SourceColumn, kind: str, values: Collection[object]) -> sa.ColumnElement[object]:
    """Expression compared with a key's values: the column, for its index, or its text as landed."""
    value: sa.ColumnElement[object] = sa.column(column.name, types.NullType())
    if kind == "sqlite":
        is_as_it_landed = column.family in {"integer", "text"} and not any(str(v).startswith("\\x") for v in values)
        return value if is_as_it_landed else _sqlite_text(value)
    if kind == "postgresql" and (column.is_domain or isinstance(column.type, types.Enum)):
        return sa.cast(value, sa.TEXT)
    return value


def writer(kind: str) -> Write:
    """Function that makes a literal of a value: inline for a scanner's query, bound for SQLAlchemy's."""
    if kind in _TEXTS:
        as_text = _TEXTS[kind]
        return lambda value: sa.literal_column(as_text(value))
    return sa.literal


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return format(value, "f" if isinstance(value, Decimal) and value.is_finite() else "")
    text = value.isoformat(" ") if isinstance(value, datetime) else str(value)
    return "'" + text.replace("'", "''") + "'"


def _postgres_text(value: object) -> str:
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    if isinstance(value, str) and "\\" in value:  # the same whatever standard_conforming_strings says
        return "E" + _plain(value.replace("\\", "\\\\"))
    return _plain(value)


def _mysql_text(value: object) -> str:
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, datetime) and value.tzinfo:  # sessions have the time zone UTC; MySQL literals take no offsets
        return _plain(value.astimezone(UTC).replace(tzinfo=None))
    if isinstance(value, str) and any(sign in value for sign in "\\'\0"):  # the same whatever sql_mode says
        return f"_utf8mb4 x'{value.encode().hex()}'"
    return _plain(value)


def _sqlite_literal(value: object) -> str:
    text = _plain(value if isinstance(value, int) else str(value))
    return "(" + text.replace("\0", "'||char(0)||'") + ")" if "\0" in text else text  # a NUL would end the statement


_TEXTS: dict[str, Callable[[object], str]] = {
    "postgresql": _postgres_text,
    "mysql": _mysql_text,
    "sqlite": _sqlite_literal,
}


def _forms(value: object, kind: str) -> list[str]:
    """Literals of a key's value. In SQLite, a text may have been a floating-point number."""
    forms = [_TEXTS[kind](value)]
    if kind == "sqlite" and isinstance(value, str) and _FLOAT.fullmatch(value):
        number = {"inf": "9e999", "-inf": "-9e999"}.get(value, value)
        forms.append(f"printf('%!.20g', {number})")
    return forms


def _sqlite_text(value: sa.ColumnElement[object]) -> sa.ColumnElement[object]:
    r"""Comparable text of an SQLite value: blobs as `\x` and hex digits, reals with all their digits."""
    kind = sa.func.typeof(value)
    text = sa.cast(value, sa.TEXT)
    value = sa.type_coerce(value, types.NullType())
    return sa.case(
        (kind == "real", sa.func.printf("%!.20g", value)),
        (kind == "blob", sa.literal_column(r"'\x'").op("||")(sa.func.lower(sa.func.hex(value)))),
        else_=text,
    )
