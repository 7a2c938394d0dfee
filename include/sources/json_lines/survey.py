"""Survey of JSON Lines: the columns, and the lines that cannot be read exactly.

JSON leaves duplicate keys undefined, and parsers accept `NaN`, lone surrogates and keys that map to one column. Each of
these would change or lose a value, so each refuses the file, with its lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json import JSONDecoder
from typing import Any

from include.sources.access import DropBroken
from include.sources.deliveries import LocalCopy, clean_name, shown

MAX_COLUMNS = 10_000
MAX_DEPTH = 200
MAX_LINE = 16 << 20  # the parsed line takes up to 40 times as much memory
_SYNTAX = "not one whole JSON object in UTF-8 (one object a line, no list around them, nothing behind it)"
_CONSTANT = "NaN or Infinity, which JSON does not have (a missing number is null)"
_DOUBLED = "a key twice in one object"
_NAMELESS = "a key without a name"
_ALIKE = (
    "a key that the file has elsewhere in another letter case, with other blanks around it or in another Unicode "
    "composition (one spelling for one column)"
)
_SURROGATE = "half a character (a lone surrogate, written \\ud800 to \\udfff)"
_DEEP = f"more than {MAX_DEPTH} levels of nesting"
_LONG = f"more than {MAX_LINE >> 20} MB in one line"
_HALF_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SHAPES_KEPT = 10_000


class _NotExact(Exception):
    """A line that cannot be read exactly; the message is the kind of fault."""


def _refuse_constant(_: str) -> None:
    raise _NotExact(_CONSTANT)


# Numbers as text, an object as a tuple of its pairs, which keeps duplicate keys.
DECODER = JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant, object_pairs_hook=tuple)


class Keys:
    """Columns of a delivery, in order of appearance, and the mapping of keys to columns."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._by_folded: dict[str, tuple[str, int]] = {}
        self._shapes: dict[tuple[str, ...], range | tuple[int, ...]] = {}

    def positions(self, keys: tuple[str, ...]) -> range | tuple[int, ...]:
        """Column number of each key of a line; new keys become columns.

        Raises:
            _NotTaken: two different keys (of this or another line) name the same column.
        """
        cached = self._shapes.get(keys)
        if cached is not None:
            return cached
        if len(set(keys)) < len(keys):
            raise _NotExact(_DOUBLED)
        found = tuple(self._position(key) for key in keys)
        if len(set(found)) < len(found):
            raise _NotExact(_ALIKE)
        positions = range(len(found)) if found == tuple(range(len(found))) else found
        if len(self._shapes) < _SHAPES_KEPT:
            self._shapes[keys] = positions
        return positions

    def _position(self, key: str) -> int:
        name = clean_name(key)
        if not name:
            raise _NotExact(_NAMELESS)
        spelling, position = self._by_folded.setdefault(name.lower(), (key, len(self.names)))
        if spelling != key:
            raise _NotExact(_ALIKE)
        if position == len(self.names):
            self.names.append(name)
        return position


def survey(copy: LocalCopy, keys: Keys) -> tuple[list[str], int]:
    """The names of a file's columns, and its number of rows.

    Raises:
        DropBroken: lines cannot be read exactly, keys are no column names, or the file is one JSON value.
    """
    faults: dict[str, list[int]] = {}
    columns: dict[int, None] = {}
    shapes: set[tuple[str, ...]] = set()
    rows = 0
    for number, line in _lines(copy):
        try:
            found = _keys(line)
            if found not in shapes:
                columns.update(dict.fromkeys(keys.positions(found)))
                if len(shapes) < _SHAPES_KEPT:
                    shapes.add(found)
            rows += 1
        except _NotExact as fault:
            if not rows and not faults and _is_document(line):
                raise DropBroken(
                    f"{copy.name} is one JSON document (a list, or an object over several lines), not JSON Lines: ask "
                    "the sender for one object a line, without a list around them (`jq -c '.[]'` writes a list so, "
                    "`jq -c .` an object)"
                ) from None
            faults.setdefault(str(fault), []).append(number)
        if len(keys.names) > MAX_COLUMNS:
            raise DropBroken(
                f"{copy.name}, line {number}: with it the delivery has more than {MAX_COLUMNS:,} different keys: they "
                "look like values. Ask the sender to write values as values, under keys that stay the same"
            )
    if faults:
        listed = "; ".join(f"{copy.name}, {shown(lines)}: {fault}" for fault, lines in faults.items())
        raise DropBroken(f"{listed}. Nothing of the delivery was taken: ask the sender to correct these lines")
    return [keys.names[position] for position in columns], rows


def _is_document(first: bytes) -> bool:
    """Whether the first line of a file begins a list, or an object that ends on another line."""
    begun = first.strip()
    return begun.startswith(b"[") or (begun.startswith(b"{") and not begun.endswith(b"}"))


def _lines(copy: LocalCopy) -> Iterator[tuple[int, bytes]]:
    """Lines that are not empty, with their numbers. One that is too long is cut off, so it is no valid object."""
    with copy.path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if not line.isspace():
                yield number, line
            while len(line) > MAX_LINE and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE + 1)


def _keys(line: bytes) -> tuple[str, ...]:
    """The keys of a line's object, as written. Raises _NotTaken if a value cannot be read exactly."""
    if len(line) > MAX_LINE:
        raise _NotExact(_LONG)
    try:
        text = line.decode()
        pairs = DECODER.decode(text)
    except RecursionError:
        raise _NotExact(_DEEP) from None
    except ValueError:
        raise _NotExact(_SYNTAX) from None
    if not isinstance(pairs, tuple):
        raise _NotExact(_SYNTAX)
    if _HALF_ESCAPE.search(text):
        _check_characters(pairs)
    if "[" in text or text.count("{") > 1:
        for _, value in pairs:
            _check_nested(value, depth=1)
    return tuple(key for key, _ in pairs)


def _check_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _NotExact(_SURROGATE) from None


def _check_nested(value: Any, depth: int) -> None:
    """Check nested objects and lists. Their keys may differ in case only: they stay as written."""
    if depth > MAX_DEPTH:
        raise _NotExact(_DEEP)
    if isinstance(value, tuple):
        if len({key for key, _ in value}) < len(value):
            raise _NotExact(_DOUBLED)
        for _, inner in value:
            _check_nested(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_nested(inner, depth + 1)
