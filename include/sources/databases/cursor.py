"""Cursor conditions in the source: whether its columns are ordered there, and SQL for the rows past a cursor.

No row may be missed, so values without an order are always read: a null cursor, and in a text column a value that is
not an ISO 8601 date. Dates and timestamps of SQLite are texts (`open_sqlite` says so). Two notations of one instant may
select more rows, never fewer; a row that is read again unchanged is not published again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from include.contracts.model import Column, Table
from include.contracts.rules import columns_read
from include.lake.storage import lake_errors, literal, quote, scan
from include.sources.source_schema import SourceColumn, SourceTable

_ISO = "____-__-__%"
_ONLY_A_DAY = "____-__-__"
_WITH_T = "____-__-__T%"
_WITH_OFFSET = (f"{_ISO}Z%", f"{_ISO}+%", f"{_ISO}-%")
_LOWEST_OFFSET = timedelta(hours=12)  # the zone furthest behind UTC
_AHEAD = timedelta(days=2)  # one day of tolerance: clocks differ, and zones by up to 14 hours
_DATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY = timedelta(days=1)
_ORDERED = {"timestamp", "date", "integer", "number"}
Value = datetime | date | int | Decimal | str
Write = Callable[[object], sa.ColumnElement[object]]


@dataclass(frozen=True, slots=True)
class CursorColumn:
    """One part of the cursor: its published column, and the source column it is made of."""

    published: Column
    source: SourceColumn

    @property
    def family(self) -> str:
        """timestamp, date, integer, number, or text."""
        return self.source.family

    def value(self, text: str, *, is_end: bool = False) -> Value:
        """A cursor value in the source column's type; of an end within a day, the day after. Raises ValueError."""
        if self.family == "integer":
            return int(text)
        if self.family == "number":
            try:
                return Decimal(text)
            except InvalidOperation:
                raise ValueError("not a number") from None
        moment = datetime.fromisoformat(text)
        if isinstance(self.source.type, mysql.TIMESTAMP) and moment.tzinfo is None:
            raise ValueError("a MySQL timestamp as it was read before its clock was known")
        if self.source.is_aware:
            return moment if moment.tzinfo else moment.replace(tzinfo=self.zone)
        if self.family != "text":
            moment = moment.astimezone(self.zone).replace(tzinfo=None) if moment.tzinfo else moment
        if self.family != "date":
            return moment
        return _day_after(moment) if is_end else moment.date()

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of the source's timestamps without offset."""
        return ZoneInfo(str(self.published.options.get("defaultTimezone") or "UTC"))

    @property
    def tells_instants(self) -> bool:
        """Whether it is known what instants the source means: by its type, or by the zone that the contract states."""
        return self.source.is_aware or bool(self.published.options.get("defaultTimezone"))


def cursor_of(table: Table, source: SourceTable) -> tuple[CursorColumn, ...] | str:
    """The cursor parts used in the source's condition, or the reason why the source cannot be read by it.

    Collations differ, so a text part that is not the first is left out, and the parts after it too.
    """
    if not table.extract.cursor:
        return "the contract names no cursor"
    parts: list[CursorColumn] = []
    for name in table.extract.cursor:
        published = table.column(name)
        read = columns_read(published)
        if len(read) != 1:
            return f"the cursor column {name} is made of {len(read)} source columns"
        column = source.column(read[0])
        if column is None:
            return f"the source has no column {read[0]}, of which the cursor is made"
        if parts and column.family == "text":
            break
        is_date_text = column.family == "text" and published.sql_type in {"DATE", "TIMESTAMP", "TIMESTAMPTZ", "VARCHAR"}
        if column.family not in _ORDERED and not is_date_text:
            return f"the source column {column.name} ({column.type_text}) has no order that the cursor could follow"
        parts.append(CursorColumn(published, column))
    return tuple(parts)


def past(
    parts: Sequence[CursorColumn],
    *,
    since: Sequence[str] | None,
    until: Sequence[str] | None,
    lag: timedelta,
    write: Write,
    is_sqlite: bool = False,
) -> sa.ColumnElement[bool]:
    """The condition for the rows from `since` (less the lag) to before `until`; never NULL.

    With a lag on a timestamp or date, only the first column is compared. `write` makes a literal of a value. A day is
    read if any moment of it is in the stretch; where no zone is known, the stretch is a day longer on both sides.
    """
    bounds: list[sa.ColumnElement[bool]] = []
    slack = timedelta(0) if until is None or parts[0].tells_instants else _DAY
    if since is not None:
        bounds.append(_bound(parts, since, lag + slack, write, is_lower=True))
    if until is not None:
        bounds.append(_bound(parts, until, -slack, write, is_lower=False))
    return sa.or_(sa.and_(*bounds), *(test for part in parts for test in _always(part, is_sqlite=is_sqlite)))


def greatest(
    duck: duckdb.DuckDBPyConnection, uri: str, parts: Sequence[CursorColumn], *, kinds: Mapping[str, str], at: datetime
) -> tuple[str, ...] | None:
    """The greatest cursor of a landed file, as text, without values that have no order.

    Values more than a day after `at` are ignored: one row with a wrong year would hide all changes until that year.
    `kinds` are the DuckDB types by landed name.
    """
    ahead = (at + _AHEAD).date()
    values = [_ordered_value(part, kinds[part.source.landed], ahead) for part in parts]
    kept = [f"{value} IS NOT NULL" for value in values]
    found: list[str] = []
    with lake_errors("reading back what was landed"):
        # The greatest first part, then the greatest second part of its rows. Sorting by all parts is slower.
        for part, value in zip(parts, values, strict=True):
            row = duck.execute(
                f"SELECT CAST(arg_max({quote(part.source.landed)}, {value}) AS VARCHAR), CAST(max({value}) AS VARCHAR) "
                f"FROM {scan(uri)} WHERE {' AND '.join(kept)}"
            ).fetchone()
            if row is None or row[0] is None:
                return None
            found.append(str(row[0]))
            kept.append(f"CAST({value} AS VARCHAR) = {literal(row[1])}")
    return tuple(found)


def is_ahead(text: str, at: datetime) -> bool:
    """Whether a cursor value returned by `greatest` is a date or an instant more than a day after `at`."""
    return bool(_DATED.match(text)) and text[:10] >= f"{(at + _AHEAD).date()}"


def _ordered_value(part: CursorColumn, kind: str, ahead: date) -> str:
    """SQL of the landed value in a comparable type; NULL if it has no order (infinity, a word, a future day)."""
    column = quote(part.source.landed)
    if part.family in {"integer", "number"}:
        return f"TRY_CAST({column} AS {'HUGEINT' if part.family == 'integer' else 'DECIMAL(38, 9)'})"
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"CASE WHEN isfinite({column}) AND {column} < DATE '{ahead}' THEN {column} END"
    text = f"CAST({column} AS VARCHAR)"
    is_dated = f"regexp_matches({text}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') AND {text} < '{ahead}'"
    return f"CASE WHEN {is_dated} THEN {column} END"


def _bound(
    parts: Sequence[CursorColumn], texts: Sequence[str], lag: timedelta, write: Write, *, is_lower: bool
) -> sa.ColumnElement[bool]:
    deciding = [*parts[: len(texts)]]
    if lag and deciding[0].family in {"timestamp", "date", "text"}:
        deciding = deciding[:1]
    values = [part.value(text, is_end=not is_lower) for part, text in zip(deciding, texts, strict=False)]
    first = values[0]
    if lag and isinstance(first, datetime):
        values[0] = first - lag
    elif lag and isinstance(first, date):
        values[0] = (datetime.combine(first, time()) - lag).date()
    return _compare(deciding, values, write, is_lower=is_lower)


def _compare(
    parts: Sequence[CursorColumn], values: Sequence[Value], write: Write, *, is_lower: bool
) -> sa.ColumnElement[bool]:
    """Condition that the columns' row value is at least (or below) the values; the first also alone, for its index."""
    part, value = parts[0], values[0]
    column: sa.ColumnElement[Any] = sa.column(part.source.name, part.source.type)
    if part.family == "text" and isinstance(value, datetime):
        return _compare_text(part, column, value, write, is_lower=is_lower)
    bound = write(value)
    if len(parts) == 1:
        return column >= bound if is_lower else column < bound
    rest = _compare(parts[1:], values[1:], write, is_lower=is_lower)
    if is_lower:
        return sa.and_(column >= bound, sa.or_(column > bound, rest))
    return sa.and_(column <= bound, sa.or_(column < bound, rest))


def _compare_text(
    part: CursorColumn, column: sa.ColumnElement[str], value: datetime, write: Write, *, is_lower: bool
) -> sa.ColumnElement[bool]:
    """Condition on a text column: values without offset against local time, others against the earliest zone's."""
    instant = value if value.tzinfo else value.replace(tzinfo=part.zone)
    has_offset = sa.or_(*(column.like(write(form)) for form in _WITH_OFFSET))
    local = _notations(column, instant.astimezone(part.zone), write, is_lower=is_lower)
    if not is_lower:
        return sa.or_(local, has_offset)
    anywhere = _notations(column, instant.astimezone(UTC) - _LOWEST_OFFSET, write, is_lower=True)
    return sa.or_(local, sa.and_(anywhere, has_offset))


def _notations(
    column: sa.ColumnElement[str], moment: datetime, write: Write, *, is_lower: bool
) -> sa.ColumnElement[bool]:
    """Condition on a text column against a moment written with a blank or a T between date and time, or days alone."""
    is_day = sa.func.rtrim(column).like(write(_ONLY_A_DAY))
    day = write(str(moment.date() if is_lower else _day_after(moment)))
    if not is_lower and moment.microsecond:  # it is compared by whole seconds
        moment = moment.replace(microsecond=0) + timedelta(seconds=1)
    has_t = column.like(write(_WITH_T))
    blank = write(_shortest(moment))
    t = write(_shortest(moment).replace(" ", "T"))
    if is_lower:
        at_least = sa.and_(column >= blank, sa.or_(sa.not_(has_t), column >= t))
        return sa.or_(at_least, sa.and_(is_day, column >= day))
    return sa.or_(column < blank, sa.and_(has_t, column < t), sa.and_(is_day, column < day))


def _day_after(moment: datetime) -> date:
    """The day before which a stretch to before this moment ends: that of a midnight, else the next."""
    return moment.date() + (_DAY if moment.time() != time() else timedelta(0))


def _shortest(moment: datetime) -> str:
    """The least ISO 8601 text of a moment with a blank instead of T: without trailing zeros."""
    text = moment.replace(tzinfo=None).isoformat(" ", timespec="seconds")
    return text.removesuffix(":00").removesuffix(" 00:00")


def _always(part: CursorColumn, *, is_sqlite: bool) -> list[sa.ColumnElement[bool]]:
    """Conditions for values without an order."""
    column: sa.ColumnElement[Any] = sa.column(part.source.name)
    is_number = part.family in {"integer", "number"}
    if is_sqlite:  # SQLite columns may hold any value
        kind = sa.func.typeof(column)
        if is_number:
            return [kind.not_in([sa.literal_column("'integer'"), sa.literal_column("'real'")])]
        return [kind != sa.literal_column("'text'"), column.not_like(sa.literal_column(f"'{_ISO}'"))]
    tests: list[sa.ColumnElement[bool]] = [column.is_(None)] if part.source.is_nullable else []
    if part.family == "text":
        tests.append(column.not_like(sa.literal_column(f"'{_ISO}'")))
    return tests
