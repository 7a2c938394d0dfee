"""What PostgreSQL is asked so that it says in one figure which rows it has, and the same of the lake's rows.

Comparing all keys of a table takes reading all keys. Where most days nothing was deleted and no row strays, the figure
alone tells that, and only the figure leaves the source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import types

from include.contracts.model import Column, Table
from include.lake.engine import literal, quote
from include.sources.reading import Conditions
from include.sources.reflect import SourceColumn, SourceTable

_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"}
_Hash = sa.ColumnElement[Any]
_TWO_TO_THE_32_MICROSECONDS: _Hash = sa.literal_column("INTERVAL '4294.967296 seconds'")
_UTC: _Hash = sa.literal_column("'UTC'")
_YEAR_2000: _Hash = sa.literal_column("TIMESTAMP '2000-01-01'")


@dataclass(frozen=True, slots=True)
class Question:
    """`select` gives the number of rows and the mark (see `include.lake.fingerprint`).

    `values` is SQL, over the published key and cursor columns, of what was hashed: BIGINT, TIMESTAMP or VARCHAR.
    """

    select: sa.Executable
    values: tuple[str, ...]


def question(source: SourceTable, table: Table, rows: Conditions) -> Question | None:
    """Of the rows that meet none of the conditions. None if it cannot be asked of this key and cursor.

    It can of integers, dates, timestamps and texts that are published as they are.
    """
    names = dict.fromkeys((*table.primary_key, *table.extract.cursor))
    columns = [table.column(name) for name in names]
    asked, values = [], []
    for column in columns:
        found = source.column(column.source_name or column.name)
        value = None if found is None or column.expression else _published(column, found)
        if found is None or value is None:
            return None
        asked.append(found)
        values.append(value)
    mark = sa.func.coalesce(sa.func.bit_xor(_hash(asked)), sa.literal_column("0"))
    select = sa.select(sa.func.count(), mark).select_from(source.clause()).where(sa.not_(sa.or_(*rows)))
    return Question(select, tuple(values))


def _published(column: Column, source: SourceColumn) -> str | None:
    """SQL of the source's value of a published one, as the hash takes it; None if it cannot be told from it."""
    name, kind = quote(column.name), column.sql_type
    if source.family == "integer" and kind in _INTEGERS:
        return f"CAST({name} AS BIGINT)"
    if source.family == "text" and kind == "VARCHAR" and isinstance(source.type, types.VARCHAR | types.TEXT):
        return name
    if source.family == "date" and kind == "DATE":
        return f"CAST({name} - DATE '2000-01-01' AS BIGINT)"
    if source.family == "timestamp" and kind in ("TIMESTAMP", "TIMESTAMPTZ"):
        zone = str(column.options.get("defaultTimezone") or "UTC")
        is_as_published = source.is_aware == (kind == "TIMESTAMPTZ")
        moment = name if is_as_published or zone == "UTC" else f"timezone({literal(zone)}, {name})"
        return f"make_timestamp(epoch_us({moment}))"
    return None


def _hash(columns: list[SourceColumn]) -> _Hash:
    """The hash of a row: each column's is the seed of the next; an integer that comes first is itself the seed.

    Of integers and timestamps PostgreSQL's hash takes 32 bits, which it folds of all 64. So an integer is put into the
    seed too, and a timestamp's upper half is hashed before the whole.
    """
    first, *others = columns
    seed: _Hash = sa.literal_column("0")
    if others and first.family in ("integer", "date"):
        seed, columns = _number(first), others
    for column in columns:
        if column.family == "text":
            seed = sa.func.hashtextextended(_value(column), seed)
        elif column.family == "timestamp":
            moment = sa.func.timezone(_UTC, _value(column)) if column.is_aware else _value(column)
            upper_half = sa.func.date_bin(_TWO_TO_THE_32_MICROSECONDS, moment, _YEAR_2000)
            seed = sa.func.timestamp_hash_extended(moment, sa.func.timestamp_hash_extended(upper_half, seed))
        else:
            number = _number(column)
            seed = sa.func.hashint8extended(number, number.op("#")(seed))
    return seed


def _number(column: SourceColumn) -> _Hash:
    value = _value(column)
    if column.family == "date":
        value = value - sa.literal_column("DATE '2000-01-01'")
    return sa.cast(value, types.BigInteger)


def _value(column: SourceColumn) -> _Hash:
    return sa.column(column.name, types.NullType())
