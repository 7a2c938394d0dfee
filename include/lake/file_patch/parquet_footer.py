"""Footers of Parquet files, and files put together from column chunks of others.

A footer is a Thrift struct. It is held as it was read, `{field id: (type, value)}`, so that what is not known here is
passed on. Field ids and their meaning: parquet.thrift of the Apache Parquet format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.Thrift import TType
from thrift.transport.TTransport import TMemoryBuffer

Struct = dict[int, tuple[int, Any]]

BYTE_ARRAY = 6  # a physical type

_MAGIC = b"PAR1"
_TAIL_BYTES = 8  # the footer's length, and the magic
_SIMPLE = {
    TType.BOOL: "Bool",
    TType.BYTE: "Byte",
    TType.I16: "I16",
    TType.I32: "I32",
    TType.I64: "I64",
    TType.DOUBLE: "Double",
    TType.STRING: "Binary",
}
# FileMetaData
_FILE_ROWS, _ROW_GROUPS, _NOTES = 3, 4, 5
# RowGroup
_COLUMNS, _BYTES, _ROWS, _FILE_OFFSET, _COMPRESSED_BYTES = 1, 2, 3, 5, 6
# ColumnChunk
_CHUNK_OFFSET, _META = 2, 3
# ColumnMetaData
_TYPE, _PATH, _UNCOMPRESSED_SIZE, _COMPRESSED_SIZE = 1, 3, 6, 7
_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE, _BLOOM_FILTER, _BLOOM_FILTER_LENGTH = 9, 10, 11, 14, 15


@dataclass(frozen=True, slots=True)
class Chunk:
    """One column of one row group: what the footer says of it, and where its bytes are."""

    struct: Struct

    @property
    def meta(self) -> Struct:
        """Its ColumnMetaData."""
        meta: Struct = self.struct[_META][1]
        return meta

    @property
    def path(self) -> tuple[str, ...]:
        """The column's name; of a nested one, the names on the way to the leaf."""
        return tuple(name.decode() for name in self.meta[_PATH][1][1])

    @property
    def physical_type(self) -> int:
        """How the values are stored: a Type of the format."""
        return int(self.meta[_TYPE][1])

    @property
    def has_dictionary(self) -> bool:
        """Whether there is a dictionary page."""
        return bool(self.meta.get(_DICTIONARY_PAGE, (0, 0))[1])

    @property
    def is_coded_text(self) -> bool:
        """Whether it is a column of texts (or bytes) with a dictionary, and no list of them."""
        return self.has_dictionary and self.physical_type == BYTE_ARRAY and len(self.path) == 1

    @property
    def start(self) -> int:
        """The first byte of its pages. A dictionary comes before the data; an offset of 0 means that there is none."""
        return min(int(self.meta[at][1]) for at in (_DATA_PAGE, _DICTIONARY_PAGE) if self.meta.get(at, (0, 0))[1])

    @property
    def size(self) -> int:
        """Bytes of its pages."""
        return int(self.meta[_COMPRESSED_SIZE][1])

    def called_as(self, other: Chunk) -> Chunk:
        """The same under the other's name: writers name the parts of a list each in its own way."""
        return Chunk(self.struct | {_META: (TType.STRUCT, self.meta | {_PATH: other.meta[_PATH]})})

    def moved(self, start: int) -> Struct:
        """What a footer says of it once its pages begin at `start`: without indexes and filters, which stay behind."""
        by = start - self.start
        meta = {at: field for at, field in self.meta.items() if at not in (_BLOOM_FILTER, _BLOOM_FILTER_LENGTH)}
        for at in (_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE):
            if meta.get(at, (0, 0))[1]:
                meta[at] = (TType.I64, meta[at][1] + by)
        return {_CHUNK_OFFSET: (TType.I64, 0), _META: (TType.STRUCT, meta)}


def row_groups(footer: Struct) -> list[list[Chunk]]:
    """The chunks of each row group, in the order of the file's leaf columns."""
    groups = footer[_ROW_GROUPS][1][1]
    return [[Chunk(struct) for struct in group[_COLUMNS][1][1]] for group in groups]


def read_footer(file: pa.NativeFile) -> Struct:
    """The footer of an open Parquet file."""
    size = file.size()
    tail = file.read_at(_TAIL_BYTES, size - _TAIL_BYTES)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC:
        raise pa.ArrowInvalid("not a Parquet file, or one with an encrypted footer")
    buffer = TMemoryBuffer(file.read_at(length, size - _TAIL_BYTES - length))
    footer: Struct = _read(TCompactProtocol(buffer), TType.STRUCT)
    return footer


def without_notes(footer: Struct) -> Struct:
    """Without what writers note for themselves, such as the Arrow types that they had."""
    return {at: field for at, field in footer.items() if at != _NOTES}


def standing_alone(footer: Struct) -> bytes:
    """A file that has the footer and no rows, for readers of footers."""
    buffer = TMemoryBuffer()
    _write(TCompactProtocol(buffer), TType.STRUCT, dict(sorted(footer.items())))
    written: bytes = buffer.getvalue()
    return _MAGIC + written + len(written).to_bytes(4, "little") + _MAGIC


class Assembly:
    """A Parquet file in the making: chunks of other files, laid one behind the other."""

    def __init__(self, out: pa.NativeFile) -> None:
        """`out` is an output stream at its beginning."""
        self._out, self._at = out, 0
        self._groups: list[Struct] = []
        self._write(_MAGIC)

    def add(self, rows: int, chunks: Sequence[tuple[Chunk, bytes | memoryview]]) -> None:
        """Add a row group: for each leaf column a chunk and the bytes of its pages."""
        start, columns = self._at, []
        for chunk, pages in chunks:
            columns.append(chunk.moved(self._at))
            self._write(pages)
        self._groups.append(
            {
                _COLUMNS: (TType.LIST, (TType.STRUCT, columns)),
                _BYTES: (TType.I64, sum(chunk.meta[_UNCOMPRESSED_SIZE][1] for chunk, _ in chunks)),
                _ROWS: (TType.I64, rows),
                _FILE_OFFSET: (TType.I64, start),
                _COMPRESSED_BYTES: (TType.I64, self._at - start),
            }
        )

    def close(self, like: Struct) -> tuple[int, bytes]:
        """End the file with the footer `like`, but for its row groups. Gives the file's size, and its footer."""
        rows = sum(group[_ROWS][1] for group in self._groups)
        footer = like | {
            _FILE_ROWS: (TType.I64, rows),
            _ROW_GROUPS: (TType.LIST, (TType.STRUCT, self._groups)),
        }
        alone = standing_alone(footer)
        self._write(alone[len(_MAGIC) :])
        return self._at, alone

    def _write(self, data: bytes | memoryview) -> None:
        self._out.write(data)
        self._at += len(data)


def _read(protocol: TCompactProtocol, kind: int) -> Any:
    if kind == TType.STRUCT:
        fields: Struct = {}
        protocol.readStructBegin()
        while (begun := protocol.readFieldBegin())[1] != TType.STOP:
            fields[begun[2]] = (begun[1], _read(protocol, begun[1]))
            protocol.readFieldEnd()
        protocol.readStructEnd()
        return fields
    if kind == TType.LIST:
        of, length = protocol.readListBegin()
        values = [_read(protocol, of) for _ in range(length)]
        protocol.readListEnd()
        return of, values
    if kind not in _SIMPLE:
        raise pa.ArrowInvalid("a footer that is damaged, or of a newer Parquet")
    return getattr(protocol, f"read{_SIMPLE[kind]}")()


def _write(protocol: TCompactProtocol, kind: int, value: Any) -> None:
    if kind == TType.STRUCT:
        protocol.writeStructBegin("")
        for at, (of, field) in value.items():
            protocol.writeFieldBegin("", of, at)
            _write(protocol, of, field)
            protocol.writeFieldEnd()
        protocol.writeFieldStop()
        protocol.writeStructEnd()
    elif kind == TType.LIST:
        of, values = value
        protocol.writeListBegin(of, len(values))
        for one in values:
            _write(protocol, of, one)
        protocol.writeListEnd()
    else:
        getattr(protocol, f"write{_SIMPLE[kind]}")(value)
