"""A source object and its columns as every reader sees them, whether reflected from a database or found in a file."""

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

    Of a domain `type` is what it is made of, the text its name. `identity` (`object.column`, perhaps empty) is by what
    the source tells the column from one that was dropped and had the same name.
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
        """For `drift.Columns`."""
        return (self.name, self.type_text, self.identity)[: 3 if self.identity else 2]

    @property
    def family(self) -> str:
        """boolean, integer, float, number, timestamp, date, time, binary, json, text, or other."""
        return next((name for kind, name in _FAMILIES if isinstance(self.type, kind)), "other")

    @property
    def is_aware(self) -> bool:
        """Whether it is a timestamp with time zone: an instant, whatever clock it is read by."""
        return bool(getattr(self.type, "timezone", False)) or isinstance(self.type, mysql.TIMESTAMP)


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The object that a contract's table is read from."""

    schema: str | None
    name: str
    columns: tuple[SourceColumn, ...]
    drift: tuple[str, ...]

    def column(self, name: str) -> SourceColumn | None:
        """The column of that name, in any case if there is none in the same."""
        exact = next((c for c in self.columns if c.name == name), None)
        return exact or next((c for c in self.columns if c.name.lower() == name.lower()), None)

    def only(self, columns: Collection[SourceColumn]) -> SourceTable:
        """The same object with fewer columns."""
        return replace(self, columns=tuple(c for c in self.columns if c in columns))

    def clause(self) -> sa.TableClause:
        """For a SELECT by SQLAlchemy Core."""
        return sa.table(self.name, *(sa.column(c.name, c.type) for c in self.columns), schema=self.schema)


def file_table(landed: Sequence[tuple[str, str]]) -> SourceTable:
    """The columns of a file, (name, DuckDB type), as if they were those of a database."""
    columns = (SourceColumn(n, n, SourceType.parse(kind).sqlalchemy, kind) for n, kind in landed)
    return SourceTable(None, "", tuple(columns), ())
