"""Source object and its columns, reflected from a database or read from a file's header."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import mysql

from include.sources.source_schema.column_types import SourceType

_FAMILIES: tuple[tuple[type[types.TypeEngine[Any]], str], ...] = (
    (types.Boolean, "boolean"),
    (types.Integer, "integer"),
    (types.Float, "float"),
    (types.Numeric, "number"),
    (types.DateTime, "timestamp"),
    (types.Date, "date"),
    (types.Time, "time"),
    (types._Binary, "binary"),
    (types.JSON, "json"),
    (types.String, "text"),
)


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of the source, with its reflected type, also as text; `landed` is its name in the landing zone.

    For a domain, `type` is its base type, the text its name. `identity` (`object.column`, or empty) distinguishes the
    column from a dropped one of the same name.
    """

    name: str
    landed: str
    type: types.TypeEngine[Any]
    type_text: str = ""
    is_nullable: bool = True
    is_domain: bool = False
    identity: str = ""

    @property
    def record(self) -> tuple[str, ...]:
        """The column's tuple in `drift.Columns`."""
        return (self.name, self.type_text, self.identity)[: 3 if self.identity else 2]

    @property
    def family(self) -> str:
        """boolean, integer, float, number, timestamp, date, time, binary, json, text, or other."""
        return next((name for kind, name in _FAMILIES if isinstance(self.type, kind)), "other")

    @property
    def is_aware(self) -> bool:
        """Whether it is a timestamp with time zone, which is an instant."""
        return bool(getattr(self.type, "timezone", False)) or isinstance(self.type, mysql.TIMESTAMP)


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The object that a contract's table is read from."""

    schema: str | None
    name: str
    columns: tuple[SourceColumn, ...]
    drift: tuple[str, ...]

    def column(self, name: str) -> SourceColumn | None:
        """The column of that name, ignoring letter case if there is no exact match."""
        exact = next((c for c in self.columns if c.name == name), None)
        return exact or next((c for c in self.columns if c.name.lower() == name.lower()), None)

    def only(self, columns: Collection[SourceColumn]) -> SourceTable:
        """The object with these columns only."""
        return replace(self, columns=tuple(c for c in self.columns if c in columns))

    def clause(self) -> sa.TableClause:
        """The table clause for SQLAlchemy Core."""
        return sa.table(self.name, *(sa.column(c.name, c.type) for c in self.columns), schema=self.schema)


def file_table(landed: Sequence[tuple[str, str]]) -> SourceTable:
    """A source table of a file's columns (name, DuckDB type)."""
    columns = (SourceColumn(n, n, SourceType.parse(kind).sqlalchemy, kind) for n, kind in landed)
    return SourceTable(None, "", tuple(columns), ())
