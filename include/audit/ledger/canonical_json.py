"""Canonical JSON (RFC 8785, JSON Canonicalization Scheme), so that equal content has an equal hash."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

# RFC 8785 builds on I-JSON (RFC 7493): larger integers are not exact for every reader.
_LARGEST_INTEGER = 2**53 - 1


class NotCanonical(ValueError):
    """A value that has no canonical JSON form."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind} has no canonical JSON form: give a string, a number up to 2^53, a list or a mapping")


def canonical(value: object) -> str:
    """`value` as RFC 8785 JSON: no spaces, keys in UTF-16 order, numbers as ECMAScript writes them.

    Takes None, bool, int, float, str, sequences and mappings with string keys. Raises NotCanonical for all else.
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, int):
        if abs(value) > _LARGEST_INTEGER:
            raise NotCanonical("an integer beyond 2^53")
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise NotCanonical("a mapping with keys that are not strings")
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_string(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    raise NotCanonical(f"a value of type {type(value).__name__}")


def _string(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotCanonical("a string with half a surrogate pair") from None
    return json.dumps(text, ensure_ascii=False)


def _number(value: float) -> str:
    """ECMAScript's Number::toString: the shortest digits, an exponent only from 1e21 up and below 1e-6."""
    if not math.isfinite(value):
        raise NotCanonical("a number that is not finite")
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)
    if 0 < point <= 21:
        body = text[:point].ljust(point, "0") + (f".{text[point:]}" if len(text) > point else "")
    elif -6 < point <= 0:
        body = "0." + "0" * -point + text
    else:
        fraction = f".{text[1:]}" if len(text) > 1 else ""
        body = f"{text[0]}{fraction}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return ("-" if sign else "") + body
