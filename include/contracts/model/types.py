"""Mapping of ODCS logical types to DuckDB SQL types and Arrow types."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypedDict

import pyarrow as pa

_INTEGERS = {
    "i8": "TINYINT",
    "i16": "SMALLINT",
    "i32": "INTEGER",
    "i64": "BIGINT",
    "u8": "SMALLINT",
    "u16": "INTEGER",
    "u32": "BIGINT",
    "u64": "DECIMAL(20,0)",
}
_DECIMAL = re.compile(r"(?:decimal|numeric|number)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", re.IGNORECASE)
_BARE_NUMBER = re.compile(r"decimal|numeric|number|dec", re.IGNORECASE)
_FLOAT = re.compile(
    r"(?:float[48]?|double(?: precision)?|real|binary_(?:float|double))(?:\s*\([\d, ]+\))?", re.IGNORECASE
)
_MOST_DIGITS = 38
_BITS = {"TINYINT": 7, "SMALLINT": 15, "INTEGER": 31, "BIGINT": 63}
_ARROW = {
    "VARCHAR": pa.string(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
}


class TypeOptions(TypedDict, total=False):
    """`logicalTypeOptions` of a column, as ODCS names them."""

    minimum: str | float
    maximum: str | float
    exclusiveMinimum: str | float
    exclusiveMaximum: str | float
    multipleOf: float
    minLength: int
    maxLength: int
    pattern: str
    format: str
    timezone: bool
    defaultTimezone: str


class RuleArguments(TypedDict, total=False):
    """What a rule's metric is given: `arguments` as ODCS names them, or of a rule that a column implies.

    `value` is a bound; `list`, `listColumn` and `validOn` are of a code list.
    """

    pattern: str
    validValues: Sequence[Any]
    missingValues: Sequence[Any]
    properties: Sequence[str]
    value: Any
    list: str
    listColumn: str
    validOn: str


def sql_type(logical_type: str, physical_type: str, options: TypeOptions) -> str:
    """The DuckDB type of a published column.

    A `number` is a DECIMAL when `physicalType` states precision and scale, else a DOUBLE. A `timestamp` is an
    instant in UTC unless `logicalTypeOptions.timezone` is false. Delta has no time of day and we publish no
    nested values: `time` is text, `object` and `array` are JSON text.
    """
    if logical_type == "integer":
        return _INTEGERS.get(str(options.get("format", "i64")), "BIGINT")
    if logical_type == "number":
        stated = _DECIMAL.search(physical_type)
        if stated and 0 < int(stated[1]) <= _MOST_DIGITS and int(stated[2] or 0) <= int(stated[1]):
            return f"DECIMAL({stated[1]},{stated[2] or 0})"
        return "FLOAT" if options.get("format") == "f32" else "DOUBLE"
    if logical_type == "timestamp":
        return "TIMESTAMP" if options.get("timezone") is False else "TIMESTAMPTZ"
    return {"date": "DATE", "boolean": "BOOLEAN"}.get(logical_type, "VARCHAR")


@dataclass(frozen=True, slots=True)
class WrongNumber:
    """Mistake in the `physicalType` of a `number`."""

    message: str
    remedy: str
    is_warning: bool = False


def why_no_number(physical_type: str, options: TypeOptions) -> WrongNumber | None:
    """Mistake in the precision of a `number`; None if it is a decimal, or explicitly a binary float."""
    text = physical_type.strip()
    if stated := _DECIMAL.search(text):
        precision, scale = int(stated[1]), int(stated[2] or 0)
        if precision > _MOST_DIGITS:
            remedy = (
                f"write decimal({_MOST_DIGITS},{min(scale, _MOST_DIGITS)}) if the values fit, or publish it as string"
            )
            return WrongNumber(f"`{text}` has more than {_MOST_DIGITS} digits, which nothing here can hold", remedy)
        if precision == 0:
            return WrongNumber(f"`{text}` has no digits", "write the number of digits, e.g. decimal(18,2)")
        if scale > precision:
            remedy = f"write decimal({max(scale + 1, 18)},{scale}): precision counts all digits, scale the decimals"
            return WrongNumber(f"`{text}` has more decimals than digits", remedy)
        return None
    if _FLOAT.fullmatch(text) or (not text and options.get("format")):
        return None
    if not text or _BARE_NUMBER.fullmatch(text):
        return WrongNumber(
            "a number without precision is published as a binary float, and what that cannot hold is rejected",
            "state its digits, e.g. `physicalType: decimal(18,2)`, or `physicalType: double` if floats are meant",
            is_warning=True,
        )
    remedy = "write e.g. decimal(18,2), or double for binary floats; for whole numbers `logicalType: integer`"
    return WrongNumber(f"`physicalType: {text}` is no type of number known here", remedy)


def integer_range(type_name: str) -> tuple[Decimal, Decimal] | None:
    """The least and the greatest value of an exact type; None for any other."""
    if type_name in _BITS:
        return Decimal(-(2 ** _BITS[type_name])), Decimal(2 ** _BITS[type_name] - 1)
    if type_name.startswith("DECIMAL"):
        precision, scale = (int(n) for n in re.findall(r"\d+", type_name))
        greatest = Decimal(10**precision - 1).scaleb(-scale)
        return -greatest, greatest
    return None


def arrow_type(type_name: str) -> pa.DataType:
    """The Arrow type of a DuckDB type returned by `sql_type`."""
    if type_name.startswith("DECIMAL"):
        precision, scale = (int(n) for n in re.findall(r"\d+", type_name))
        return pa.decimal128(precision, scale)
    return _ARROW[type_name]
