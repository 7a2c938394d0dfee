"""Source column types as databases write them: comparison of two types, and whether a value fits one.

Covers the types that all dialects share; other types only compare as equal or different.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import types

_TYPE = re.compile(r"([A-Za-z][A-Za-z0-9_ ]*?)\s*(?:\(([0-9, ]+)\)([A-Za-z ]*))?")
_INTEGERS = {"TINYINT": 3, "SMALLINT": 5, "MEDIUMINT": 7, "INTEGER": 10, "BIGINT": 19, "HUGEINT": 38}
_ALIASES = {
    "INT": "INTEGER", "INT2": "SMALLINT", "INT4": "INTEGER", "INT8": "BIGINT", "SERIAL": "INTEGER", "YEAR": "SMALLINT",
    "BIGSERIAL": "BIGINT", "DECIMAL": "NUMERIC", "NUMBER": "NUMERIC", "DOUBLE PRECISION": "DOUBLE",
    "DOUBLE_PRECISION": "DOUBLE", "REAL": "FLOAT", "BOOL": "BOOLEAN", "DATETIME": "TIMESTAMP",
    "TIMESTAMP WITHOUT TIME ZONE": "TIMESTAMP", "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ", "CHAR": "VARCHAR",
    "CHARACTER VARYING": "VARCHAR", "NVARCHAR": "VARCHAR", "NCHAR": "VARCHAR", "VARCHAR2": "VARCHAR",
    "TEXT": "VARCHAR", "TINYTEXT": "VARCHAR", "MEDIUMTEXT": "VARCHAR", "LONGTEXT": "VARCHAR", "STRING": "VARCHAR",
}  # fmt: skip
_SIMPLE = {"BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "DOUBLE", "FLOAT", "UUID", "TIME"}
_MOMENTS = {"DATE": 0, "TIMESTAMP": 1}
_FLOATS = {"FLOAT": 0, "DOUBLE": 1}
_EXACT = ("INT", "DECIMAL", "DOUBLE", "FLOAT", "TIMESTAMP", "DATE")


@dataclass(frozen=True, slots=True)
class SourceType:
    """A source column type: its normalised `base` name, and its numbers in brackets."""

    text: str
    base: str
    sizes: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> SourceType:
        """Parse a type; an unknown one is compared by its text."""
        found = _TYPE.fullmatch(text.strip())
        if found is None:
            return cls(text, text.upper(), ())
        name, sizes, after = found.group(1).upper(), found.group(2), (found.group(3) or "").upper()
        base = f"{name} {after.strip()}".strip()
        base = _ALIASES.get(base, base)
        return cls(text, base, tuple(int(part) for part in sizes.split(",")) if sizes else ())

    @property
    def sql_type(self) -> str:
        """The DuckDB type it lands as; VARCHAR for text and unknown types."""
        if self.base in _INTEGERS:
            return "INTEGER" if self.base == "MEDIUMINT" else self.base
        if self.base == "NUMERIC" and self.sizes and self.sizes[0] <= 38:
            return f"DECIMAL({self.sizes[0]}, {self.sizes[1] if len(self.sizes) > 1 else 0})"
        return self.base if self.base in _SIMPLE else "VARCHAR"

    @property
    def sqlalchemy(self) -> types.TypeEngine[Any]:
        """The SQLAlchemy type of its kind."""
        if self.base in _INTEGERS:
            return types.BigInteger()
        known: dict[str, types.TypeEngine[Any]] = {
            "NUMERIC": types.Numeric(), "DATE": types.Date(), "TIMESTAMP": types.DateTime(),
            "TIMESTAMPTZ": types.DateTime(timezone=True), "VARCHAR": types.String(),
        }  # fmt: skip
        return known.get(self.base, types.NullType())

    def change_to(self, other: SourceType) -> Literal["widened", "narrowed", "changed"]:
        """Kind of a change to another type; `widened` if that type holds every value of this one."""
        if self._holds(other):
            return "narrowed"
        return "widened" if other._holds(self) else "changed"

    def fits(self, column: str, sql_type: str) -> str:
        """SQL condition, never NULL: this type could hold the landed value (of `sql_type`)."""
        test = f"TRY_CAST({column} AS {self.sql_type}) IS NOT NULL"
        if sql_type != "VARCHAR" and sql_type.startswith(_EXACT) and self.sql_type != "VARCHAR":
            test += f" AND TRY_CAST(TRY_CAST({column} AS {self.sql_type}) AS {sql_type}) = {column}"
        if self.base == "VARCHAR" and self.sizes:
            test += f" AND length(CAST({column} AS VARCHAR)) <= {self.sizes[0]}"
        return f"({column} IS NULL OR coalesce({test}, false))"

    def _holds(self, other: SourceType) -> bool:
        """Whether this type can hold every value of the other."""
        if self.base in _INTEGERS and other.base in _INTEGERS:
            return _INTEGERS[self.base] >= _INTEGERS[other.base]
        if self.base == "NUMERIC":
            if not self.sizes:
                return other.base in {"NUMERIC", *_INTEGERS}
            scale = self.sizes[1] if len(self.sizes) > 1 else 0
            if other.base in _INTEGERS:
                return self.sizes[0] - scale >= _INTEGERS[other.base]
            if other.base == "NUMERIC" and other.sizes:
                other_scale = other.sizes[1] if len(other.sizes) > 1 else 0
                return scale >= other_scale and self.sizes[0] - scale >= other.sizes[0] - other_scale
            return False
        if self.base == other.base == "VARCHAR":
            return not self.sizes or (bool(other.sizes) and self.sizes[0] >= other.sizes[0])
        for order in (_MOMENTS, _FLOATS):
            if self.base in order and other.base in order:
                return order[self.base] >= order[other.base]
        return self.base == other.base and self.sizes == other.sizes
