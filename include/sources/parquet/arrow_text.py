"""Lossless text of Arrow values: exact numbers, ISO dates and times, JSON for nested values."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.sources.open_object import text_of_bytes

_TICKS = {"s": 0, "ms": 3, "us": 6, "ns": 9}  # digits of a fraction of a second
_NOT_FINITE = {"nan": "NaN", "-nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


class KeyTwice(ValueError):
    """A map holds a duplicate key, of which JSON would lose a value."""


def texts(array: pa.Array) -> pa.Array:
    r"""Each value as text, an array of strings.

    Decimals in plain notation; instants in UTC, with `+00:00`; durations as `PT1.500S`; bytes as `\x` and hex digits;
    lists, structs and maps as JSON. Raises KeyTwice.
    """
    array = bare(array)
    kind = array.type
    if pa.types.is_null(kind):
        return pa.nulls(len(array), pa.string())
    if pa.types.is_nested(kind):
        written = _nested(array)
        return pa.array([text if there else None for text, there in zip(written, _is_there(array), strict=True)])
    if pa.types.is_timestamp(kind):
        return _timestamps(array)
    if pa.types.is_duration(kind):
        return _each(array.cast(pa.int64()), lambda ticks: _duration(ticks, _TICKS[kind.unit]))
    if _is_binary(kind):
        return _each(array, text_of_bytes)
    if pa.types.is_float16(kind):
        array = array.cast(pa.float32())
    text = array.cast(pa.string())
    if pa.types.is_floating(kind):
        return _each(text, lambda value: _NOT_FINITE.get(value, value))
    if pa.types.is_decimal(kind) and pc.any(pc.match_substring(text, "E")).as_py():
        return _each(text, lambda value: format(Decimal(value), "f"))
    return text


def bare(array: pa.Array) -> pa.Array:
    """The array without dictionary and extension types; a UUID as its text."""
    if isinstance(array.type, pa.UuidType):
        return pa.array([None if value is None else str(value) for value in array.to_pylist()], pa.string())
    if isinstance(array, pa.ExtensionArray):
        return bare(array.storage)
    return bare(array.dictionary_decode()) if isinstance(array, pa.DictionaryArray) else array


def _each(array: pa.Array, text: Callable[[Any], str]) -> pa.Array:
    return pa.array([None if value is None else text(value) for value in array.to_pylist()], pa.string())


def _is_there(array: pa.Array) -> list[bool]:
    there: list[bool] = array.is_valid().to_pylist()
    return there


def _is_binary(kind: pa.DataType) -> bool:
    return any(
        is_kind(kind)
        for is_kind in (
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_binary_view,
            pa.types.is_fixed_size_binary,
        )
    )


def _timestamps(array: pa.Array) -> pa.Array:
    zone = "+00:00" if array.type.tz else ""
    local = array.cast(pa.timestamp(array.type.unit)).cast(pa.string())
    return pc.replace_substring_regex(local, r"^([-+0-9]+) (.*)$", rf"\1T\2{zone}")


def _duration(ticks: int, digits: int) -> str:
    return f"{'-' if ticks < 0 else ''}PT{Decimal(abs(ticks)).scaleb(-digits):f}S"


def _json(array: pa.Array) -> list[str]:
    """Each value as JSON, `null` for a null."""
    array = bare(array)
    kind = array.type
    if pa.types.is_nested(kind):
        written = _nested(array)
    else:
        written = [text or "" for text in texts(array).to_pylist()]
        is_number = pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_boolean(kind)
        is_float = pa.types.is_floating(kind)
        if not is_number:
            written = [
                text if is_float and text not in _NOT_FINITE.values() else json.dumps(text, ensure_ascii=False)
                for text in written
            ]
    return [text if there else "null" for text, there in zip(written, _is_there(array), strict=True)]


def _nested(array: pa.Array) -> list[str]:
    """JSON of lists, structs and maps; the text at a null is undefined."""
    kind = array.type
    if pa.types.is_struct(kind):
        names = [json.dumps(field.name, ensure_ascii=False) + ": " for field in kind]
        members = zip(*(_json(array.field(index)) for index in range(kind.num_fields)), strict=True)
        if not names:
            return ["{}"] * len(array)
        return ["{" + ", ".join(map("".join, zip(names, row, strict=True))) + "}" for row in members]
    if pa.types.is_map(kind):
        keys = [json.dumps(key, ensure_ascii=False) for key in texts(array.keys).to_pylist()]
        values = _json(array.items)
        return [_object(keys[a:b], values[a:b]) for a, b in pairwise(array.offsets.to_pylist())]
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        array = array.cast(pa.large_list(kind.value_type))
    values = _json(array.values)
    return ["[" + ", ".join(values[a:b]) + "]" for a, b in pairwise(array.offsets.to_pylist())]


def _object(keys: list[str], values: list[str]) -> str:
    if len(set(keys)) < len(keys):
        raise KeyTwice
    return "{" + ", ".join(f"{key}: {value}" for key, value in zip(keys, values, strict=True)) + "}"
