"""Type rules of Parquet files: which types DuckDB or pyarrow carry exactly, and common types of several files."""

from __future__ import annotations

import re
from collections.abc import Set

import pyarrow as pa
from pyarrow import types

_CARRIED = (
    types.is_integer, types.is_float32, types.is_float64, types.is_boolean, types.is_string, types.is_large_string,
    types.is_string_view, types.is_binary, types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary,
    types.is_date, types.is_time32,
)  # fmt: skip
_MAX_PRECISION = 38
_AS_TEXT = {"UUID", "JSON", "INTERVAL", "ENUM"}  # DuckDB derives them from the file's types, and writes them exactly
_EXACT = re.compile(
    r"U?(TINYINT|SMALLINT|INTEGER|BIGINT)|FLOAT|DOUBLE|BOOLEAN|VARCHAR|BLOB|DATE|TIME|TIMESTAMP|TIMESTAMP_NS"
    r"|TIMESTAMP WITH TIME ZONE|DECIMAL\(\d+,\d+\)"
)
_DIGITS = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19}
_UNSIGNED_DIGITS = {f"U{name}": digits for name, digits in {**_DIGITS, "BIGINT": 20}.items()}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def carried_type(kind: pa.DataType, *, as_text: bool = False) -> pa.DataType:
    """The Arrow type in which DuckDB takes such values exactly; string if there is none.

    `as_text`: timestamps too become text, as DuckDB's end at the year 294247.
    """
    if types.is_dictionary(kind):
        return carried_type(kind.value_type, as_text=as_text)
    if isinstance(kind, pa.BaseExtensionType) and not isinstance(kind, pa.UuidType):
        return carried_type(kind.storage_type, as_text=as_text)
    if types.is_float16(kind):
        return pa.float32()
    if types.is_decimal(kind):
        return pa.string() if kind.precision > _MAX_PRECISION else pa.decimal128(kind.precision, kind.scale)
    if types.is_timestamp(kind):
        return pa.string() if as_text or (kind.unit == "ns" and kind.tz) else kind
    is_carried = any(test(kind) for test in _CARRIED) or (types.is_time64(kind) and kind.unit == "us")
    return kind if is_carried else pa.string()


def engine_sql(kind: pa.DataType, found: str) -> str | None:
    """SQL suffix (a cast or nothing) for a column that DuckDB reads as `found`; None if it cannot carry it."""
    if types.is_null(kind) or found in _AS_TEXT or isinstance(kind, pa.UuidType):
        return "::VARCHAR"
    carried = carried_type(kind)
    if not _EXACT.fullmatch(found) or (carried == pa.string() and found != "VARCHAR"):
        return None
    if types.is_decimal(carried) and not found.startswith("DECIMAL"):
        return None
    return ""


def common(found: Set[str]) -> str | None:
    """The DuckDB type that holds every value of all these types unchanged; None if there is none."""
    if len(found) == 1:
        return next(iter(found))
    if found == {"FLOAT", "DOUBLE"}:
        return "DOUBLE"
    if all(kind in _DIGITS for kind in found):
        return max(found, key=lambda kind: _DIGITS[kind])
    if all(kind in _UNSIGNED_DIGITS for kind in found):
        return max(found, key=lambda kind: _UNSIGNED_DIGITS[kind])
    sizes = [_size(kind) for kind in found]
    if any(size is None for size in sizes):
        return None
    scale = max(size[1] for size in sizes if size)
    precision = max(size[0] for size in sizes if size) + scale
    return f"DECIMAL({precision},{scale})" if precision <= _MAX_PRECISION else None


def _size(kind: str) -> tuple[int, int] | None:
    """Digits before and after the decimal point; None for a type that is no exact number."""
    digits = {**_DIGITS, **_UNSIGNED_DIGITS}.get(kind)
    if digits is not None:
        return digits, 0
    match = _DECIMAL.fullmatch(kind)
    return (int(match[1]) - int(match[2]), int(match[2])) if match else None
