"""From the logical types of ODCS to the types of the engine (DuckDB SQL) and of the lake (Arrow)."""

from __future__ import annotations

import re
from typing import Any

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


def sql_type(logical_type: str, physical_type: str, options: dict[str, Any]) -> str:
    """The DuckDB type of a published column.

    A `number` is a DECIMAL when `physicalType` states precision and scale, else a DOUBLE. A `timestamp` is an
    instant in UTC unless `logicalTypeOptions.timezone` is false. Delta has no time of day and we publish no
    nested values: `time`, `object`, `array`, `map` and `vector` are text (JSON).
    """
    if logical_type == "integer":
        return _INTEGERS.get(str(options.get("format", "i64")), "BIGINT")
    if logical_type == "number":
        stated = _DECIMAL.search(physical_type)
        if stated and int(stated[1]) <= 38:
            return f"DECIMAL({stated[1]},{stated[2] or 0})"
        return "FLOAT" if options.get("format") == "f32" else "DOUBLE"
    if logical_type == "timestamp":
        return "TIMESTAMP" if options.get("timezone") is False else "TIMESTAMPTZ"
    return {"date": "DATE", "boolean": "BOOLEAN"}.get(logical_type, "VARCHAR")


def arrow_type(type_name: str) -> pa.DataType:
    """The Arrow type of a DuckDB type that `sql_type` gives."""
    if type_name.startswith("DECIMAL"):
        precision, scale = (int(n) for n in re.findall(r"\d+", type_name))
        return pa.decimal128(precision, scale)
    return _ARROW[type_name]
