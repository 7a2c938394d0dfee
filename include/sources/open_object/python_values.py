"""Exact conversion of values from Python's database drivers to Arrow or text."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa
from sqlalchemy import types

_PYTHON: dict[int, set[type]] = {
    pa.bool_().id: {bool},
    pa.int64().id: {int},
    pa.float64().id: {float},
    pa.timestamp("us").id: {dt.datetime},
    pa.date32().id: {dt.date},
    pa.binary().id: {bytes, bytearray, memoryview},
}


class OddValue(Exception):
    """A column holds a value not of its type; the message is the column's name."""


def batch_of(rows: list[Any], schema: pa.Schema) -> pa.RecordBatch:
    """Rows (sequences in the schema's order) as one batch. Raises OddValue."""
    return pa.record_batch([array_of(values, field) for field, values in columns_of(rows, schema)], schema=schema)


def columns_of(rows: list[Any], schema: pa.Schema) -> Iterator[tuple[pa.Field, Sequence[Any]]]:
    """Each field with its column of values."""
    return zip(schema, zip(*rows, strict=True) if rows else [()] * len(schema), strict=True)


def array_of(values: Sequence[Any], field: pa.Field) -> pa.Array:
    """An exact Arrow array (Arrow itself would cut a timestamp to a date or drop a zone). Raises OddValue."""
    if field.type == pa.string():
        return pa.array(map(text_of, values), field.type)
    kinds = set(map(type, values)) - {type(None)}
    if pa.types.is_boolean(field.type) and kinds <= {bool, int} and set(values) <= {None, 0, 1}:
        return pa.array([None if value is None else bool(value) for value in values], field.type)
    is_aware = getattr(field.type, "tz", None) is not None
    if kinds <= _PYTHON[field.type.id] and not any(
        (value.tzinfo is not None) != is_aware for value in values if isinstance(value, dt.datetime)
    ):
        with suppress(pa.ArrowException, OverflowError):
            return pa.array(values, field.type)
    raise OddValue(field.name)


def is_finer(kind: types.TypeEngine[Any]) -> bool:
    """Whether Python's types would truncate its values: months in an interval, nanoseconds in a timestamp."""
    if isinstance(kind, types.Interval) or type(kind).__name__.upper() == "INTERVAL":
        return True
    name = type(kind).__name__.upper()
    is_moment = isinstance(kind, types.DateTime | types.Time) or name.startswith("TIMESTAMP")
    return is_moment and ((getattr(kind, "precision", None) or 0) > 6 or name.endswith("NS"))


def arrow_type(kind: types.TypeEngine[Any]) -> pa.DataType:
    """The Arrow type that holds every value of a reflected type; text if there is none."""
    if is_finer(kind):
        return pa.string()
    if isinstance(kind, types.Boolean):
        return pa.bool_()
    if isinstance(kind, types.Integer):
        return pa.int64()
    if isinstance(kind, types.Float):
        return pa.float64()
    if isinstance(kind, types.DateTime):
        return pa.timestamp("us", tz="UTC" if kind.timezone else None)
    if isinstance(kind, types.Date):
        return pa.date32()
    if isinstance(kind, types._Binary):
        return pa.binary()
    return pa.string()


def text_of(value: object) -> str | None:
    """Text of a value, in the engine's format."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | bytearray | memoryview):
        return text_of_bytes(bytes(value))
    if isinstance(value, decimal.Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, dict | list | tuple):
        return _json(value)
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            return f"{text_of(value.astimezone(dt.UTC).replace(tzinfo=None))}+00"
        return _trimmed(value.isoformat(" "))
    if isinstance(value, dt.time):
        return _trimmed(value.isoformat())
    if isinstance(value, dt.timedelta):
        return _duration(value)
    return str(value)


def _trimmed(moment: str) -> str:
    return moment.rstrip("0") if "." in moment else moment


def _duration(value: dt.timedelta) -> str:
    """A duration as hours (unbounded), minutes and seconds."""
    micros = value // dt.timedelta(microseconds=1)
    seconds, fraction = divmod(abs(micros), 1_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" + (f".{fraction:06}" if fraction else "")
    return ("-" if micros < 0 else "") + _trimmed(text)


def _json(value: object) -> str:
    """JSON of a value, with the digits of its numbers kept."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(k), ensure_ascii=False)}: {_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_json, value)) + "]"
    is_number = isinstance(value, int) or (isinstance(value, float | decimal.Decimal) and math.isfinite(value))
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return str(text_of(value)) if is_number else json.dumps(text_of(value), ensure_ascii=False)


def text_of_bytes(value: bytes) -> str:
    r"""Bytes as `\x` and hex digits."""
    return "\\x" + value.hex()
