"""SELECT expressions by which every PostgreSQL value passes DuckDB's scanner unchanged."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import postgresql

from include.lake.storage import quote
from include.sources.open_object import GUARD
from include.sources.source_schema import SourceTable

AsText = Literal["", "guarded", "all"]
_LAST_TIMESTAMP = "294246-01-01"


def select_all(found: SourceTable, *, as_text: AsText = "", is_bytes: bool = False) -> sa.Select[Any]:
    """SELECT of all columns, types that the scanner cannot carry as text, and a guard over those it carries mostly.

    `is_bytes`: the database's text encoding is unknown (SQL_ASCII), so text is read as bytes.
    """
    clause = found.clause()
    listed: list[sa.ColumnElement[Any]] = []
    odd: list[sa.ColumnElement[bool]] = []
    for column in found.columns:
        kind = column.type
        value: sa.ColumnElement[Any] = clause.c[column.name]
        guard = guard_of(value, kind)
        is_text = isinstance(kind, types.String) and not isinstance(kind, types.Enum)
        if not is_carried(kind) or (as_text and guard is not None) or (as_text == "all" and not is_text):
            value = _text(value, kind)
        if guard is not None and is_carried(kind) and not as_text:
            odd.append(guard)
        if is_bytes and _may_be_in_any_encoding(kind):
            value = sa.func.convert_to(sa.cast(value, postgresql.TEXT), sa.literal_column("'SQL_ASCII'"))
        listed.append(value.label(column.landed))
    if odd:
        listed.append(sa.func.coalesce(sa.or_(*odd), sa.false()).label(GUARD))
    return sa.select(*listed).select_from(clause)


def decoded(part: SourceTable) -> str:
    r"""SQL that decodes columns of text read as bytes: invalid UTF-8 becomes `\\x` and hex digits."""
    texts = [quote(c.landed) for c in part.columns if _may_be_in_any_encoding(c.type)]
    decoded = [f"coalesce(TRY(decode({name})), '\\x' || lower(hex({name}))) AS {name}" for name in texts]
    return f"* REPLACE ({', '.join(decoded)})" if decoded else "*"


def _text(value: sa.ColumnElement[Any], kind: types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
    """SQL of the value as text: an array as JSON, an instant in UTC, else PostgreSQL's output."""
    if isinstance(kind, postgresql.ARRAY):
        return sa.cast(sa.func.to_json(value), postgresql.TEXT)
    if isinstance(kind, types.DateTime) and kind.timezone:
        in_utc = sa.cast(sa.func.timezone(sa.literal_column("'UTC'"), value), postgresql.TEXT)
        is_moment = sa.func.isfinite(value)
        return sa.case((is_moment, in_utc.op("||")(sa.literal_column("'+00'"))), else_=in_utc)
    return sa.cast(value, postgresql.TEXT)


def _may_be_in_any_encoding(kind: types.TypeEngine[Any]) -> bool:
    """Whether values of this type may hold non-ASCII letters."""
    plain = (types.Boolean, types.Numeric, types.Integer, types.Date, types.DateTime, types.Time, types.Uuid)
    return not isinstance(kind, (*plain, types.LargeBinary))


def is_carried(kind: types.TypeEngine[Any]) -> bool:
    """Whether the scanner carries values of this type exactly (apart from those the guard finds)."""
    if isinstance(kind, types.Enum | postgresql.ARRAY | types.Uuid | postgresql.TIME):
        return isinstance(kind, postgresql.TIME) and not kind.timezone
    if isinstance(kind, types.Numeric) and not isinstance(kind, types.Float):
        return kind.precision is not None and kind.precision <= 38 and 0 <= (kind.scale or 0) <= kind.precision
    carried = (
        types.Boolean, types.Integer, types.Float, types.Text, types.VARCHAR, types.CHAR, types.Date, types.DateTime,
        types.LargeBinary, postgresql.JSON,
    )  # fmt: skip
    return isinstance(kind, carried) and not isinstance(kind, postgresql.OID)


def guard_of(value: sa.ColumnElement[Any], kind: types.TypeEngine[Any]) -> sa.ColumnElement[bool] | None:
    """SQL condition for a value that the scanner would change silently."""
    if isinstance(kind, types.Numeric) and not isinstance(kind, types.Float):
        return value == sa.literal_column("'NaN'")
    if isinstance(kind, types.DateTime):
        return sa.and_(value > sa.literal_column(f"'{_LAST_TIMESTAMP}'"), value < sa.literal_column("'infinity'"))
    return None
