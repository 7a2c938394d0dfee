"""Decoder of pgoutput, PostgreSQL's logical replication messages: transactions and the keys of changed rows.

Source: PostgreSQL documentation, "Logical Replication Message Formats", protocol version 1. Only the columns of a key
are decoded; all values come as text.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_INT16, _INT32, _INT64 = struct.Struct(">H"), struct.Struct(">I"), struct.Struct(">Q")
_UNCHANGED = object()
Key = tuple[str, ...]


class Undecodable(Exception):
    """A message cannot be decoded to keys; the message says why, without a value."""


@dataclass(slots=True)
class Begin:
    """Begin of a transaction: where its commit record begins, and its transaction number (32 bits)."""

    commit_lsn: int
    xid: int


@dataclass(slots=True)
class Message:
    """A message of `pg_logical_emit_message`, and where its record ends."""

    lsn: int
    prefix: str
    content: bytes


@dataclass(slots=True)
class Changed:
    """Keys of a changed row: the new, the old, or both if the key changed."""

    keys: tuple[Key, ...]


@dataclass(slots=True)
class Truncated:
    """Relations of which all rows were deleted."""

    relations: tuple[int, ...]


@dataclass(slots=True)
class Decoder:
    """Decoder of one stream for the key columns `names`; it remembers where each relation has them."""

    names: Sequence[str]
    _places: dict[int, list[int]] = field(default_factory=dict)

    def decode(self, data: bytes) -> Iterator[Begin | Message | Changed | Truncated]:
        """What a message says; nothing for those that need no action.

        Raises:
            Undecodable: the message lacks a key column.
        """
        kind = data[:1]
        if kind == b"B":
            yield Begin(_INT64.unpack_from(data, 1)[0], _INT32.unpack_from(data, 17)[0])
        elif kind == b"R":
            self._relation(data)
        elif kind == b"M":
            prefix, at = _text(data, 10)
            size = _INT32.unpack_from(data, at)[0]
            yield Message(_INT64.unpack_from(data, 2)[0], prefix, data[at + 4 : at + 4 + size])
        elif kind == b"T":
            many = _INT32.unpack_from(data, 1)[0]
            yield Truncated(tuple(_INT32.unpack_from(data, 6 + 4 * n)[0] for n in range(many)))
        elif kind in (b"I", b"U", b"D"):
            yield Changed(tuple(self._keys(data)))

    def _relation(self, data: bytes) -> None:
        at = _text(data, _text(data, 5)[1])[1] + 1
        columns = _INT16.unpack_from(data, at)[0]
        at += 2
        found: dict[str, int] = {}
        for place in range(columns):
            name, at = _text(data, at + 1)
            found[name] = place
            at += 8
        missing = [name for name in self.names if name not in found]
        if missing:
            raise Undecodable(f"the log does not hold the key column {missing[0]}")
        self._places[_INT32.unpack_from(data, 1)[0]] = [found[name] for name in self.names]

    def _keys(self, data: bytes) -> Iterator[Key]:
        places = self._places[_INT32.unpack_from(data, 1)[0]]
        tuples: dict[bytes, list[object]] = {}
        at = 5
        while at < len(data):
            mark = data[at : at + 1]
            tuples[mark], at = _values(data, at + 1, places)
        new = tuples.get(b"N")
        old = tuples.get(b"K") or tuples.get(b"O")
        if new and old:  # a value kept out of line (TOAST) and unchanged is not logged again
            new = [before if value is _UNCHANGED else value for value, before in zip(new, old, strict=True)]
        for values in (new, old):
            if values is not None:
                if not all(isinstance(value, str) for value in values):
                    raise Undecodable("a key in the log is not whole")
                yield tuple(map(str, values))


def _values(data: bytes, at: int, places: Sequence[int]) -> tuple[list[object], int]:
    """Values at these places of a tuple, and where the tuple ends."""
    columns = _INT16.unpack_from(data, at)[0]
    at += 2
    found: dict[int, object] = {}
    for place in range(columns):
        kind = data[at : at + 1]
        at += 1
        if kind == b"t":
            size = _INT32.unpack_from(data, at)[0]
            if place in places:
                found[place] = data[at + 4 : at + 4 + size].decode()
            at += 4 + size
        elif kind == b"u":
            found[place] = _UNCHANGED
        elif kind != b"n":
            raise Undecodable("the log holds a value in a form that was not asked for")
    return [found.get(place) for place in places], at


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode(), end + 1
