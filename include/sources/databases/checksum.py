"""SQL query by which PostgreSQL computes the row-set checksum of its rows (see `include.lake.incremental`).

Comparing all keys of a table takes reading all keys. On most days nothing was deleted and no change was missed; equal
checksums show that, and only the checksum leaves the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import types

from include.contracts.model import Column, Table
from include.lake.incremental import INTEGER_TYPES, hashed_values
from include.lake.storage import literal
from include.sources.open_object import Conditions
from include.sources.source_schema import SourceColumn, SourceTable

ChecksumQuery = sa.Executable
_Hash = sa.ColumnElement[Any]
_TWO_TO_THE_32_MICROSECONDS: _Hash = sa.literal_column("INTERVAL '4294.967296 seconds'")
_UTC: _Hash = sa.literal_column("'UTC'")
_YEAR_2000: _Hash = sa.literal_column("TIMESTAMP '2000-01-01'")


def checksum_query(source: SourceTable, table: Table, rows: Conditions) -> ChecksumQuery | None:
    """Query for count and checksum of the rows that meet none of the conditions; None if it cannot be computed.

    Key and cursor columns must be integers, dates, timestamps or texts that are published unchanged.
    """
    if hashed_values(table) is None:
        return None
    asked = []
    for column in (table.column(name) for name in dict.fromkeys((*table.primary_key, *table.extract.cursor))):
        found = source.column(column.source_name or column.name)
        value = None if found is None or column.expression else _as_published(column, found)
        if found is None or value is None:
            return None
        asked.append((found.family, value))
    xor = sa.func.coalesce(sa.func.bit_xor(_hash(asked)), sa.literal_column("0"))
    return sa.select(sa.func.count(), xor).select_from(source.clause()).where(sa.not_(sa.or_(*rows)))


def _as_published(column: Column, source: SourceColumn) -> _Hash | None:
    """SQL expression of a column's hashed value as published; None if the server cannot compute it."""
    value: _Hash = sa.column(source.name, types.NullType())
    kind = column.sql_type
    if source.family == "integer" and kind in INTEGER_TYPES:
        return sa.cast(value, types.BigInteger)
    if source.family == "text" and kind == "VARCHAR" and isinstance(source.type, types.VARCHAR | types.TEXT):
        return value
    if source.family == "date" and kind == "DATE":
        return sa.cast(value - sa.literal_column("DATE '2000-01-01'"), types.BigInteger)
    if source.family != "timestamp" or kind not in ("TIMESTAMP", "TIMESTAMPTZ"):
        return None
    zone = str(column.options.get("defaultTimezone") or "UTC")
    there: _Hash = sa.literal_column(literal(zone))
    if source.is_aware:
        return sa.func.timezone(_UTC if kind == "TIMESTAMPTZ" else there, value)
    if kind == "TIMESTAMPTZ" and zone != "UTC":
        return sa.func.timezone(_UTC, sa.func.timezone(there, value))
    return value


def _hash(columns: Sequence[tuple[str, _Hash]]) -> _Hash:
    """SQL hash of a row: each column's is the seed of the next; an integer that comes first is itself the seed.

    PostgreSQL folds integers and timestamps from 64 bits to 32 before hashing. So an integer goes into the seed too,
    and a timestamp's upper half is hashed before the whole.
    """
    (family, first), *others = columns
    seed: _Hash = sa.literal_column("0")
    if others and family in ("integer", "date"):
        seed, columns = first, others
    for family, value in columns:
        if family == "text":
            seed = sa.func.hashtextextended(value, seed)
        elif family == "timestamp":
            upper_half = sa.func.date_bin(_TWO_TO_THE_32_MICROSECONDS, value, _YEAR_2000)
            seed = sa.func.timestamp_hash_extended(value, sa.func.timestamp_hash_extended(upper_half, seed))
        else:
            seed = sa.func.hashint8extended(value, value.op("#")(seed))
    return seed
