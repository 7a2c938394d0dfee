"""Footers of Parquet files, and files put together from column chunks of others.

A footer is a Thrift struct. It is held as it was read, `{field id: (type, value)}`, so that what is not known here is
passed on. Field ids and their meaning: parquet.thrift of the Apache Parquet format.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.Thrift import TType
from thrift.transport.TTransport import TMemoryBuffer

from include.lake.file_patch.not_patchable import NotPatchable, ensure, patching, read_at
from include.lake.storage import lake_errors

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
# Fields that are understood; a file, row group or chunk with any other (encryption is one) is not.
_FILE_FIELDS, _GROUP_FIELDS, _CHUNK_FIELDS, _META_FIELDS = range(1, 8), range(1, 8), range(2, 8), range(1, 18)
_CODECS = (0, 1, 2, 4, 5, 6, 7)  # all but LZO
_ENCODINGS = (0, *range(2, 10))
# FileMetaData
_SCHEMA, _FILE_ROWS, _ROW_GROUPS, _NOTES = 2, 3, 4, 5
# SchemaElement
_LEAF_TYPE, _LEAF_WIDTH, _CHILDREN = 1, 2, 5
# RowGroup
_COLUMNS, _BYTES, _ROWS, _FILE_OFFSET, _COMPRESSED_BYTES = 1, 2, 3, 5, 6
# ColumnChunk
_CHUNK_OFFSET, _META = 2, 3
# ColumnMetaData
_TYPE, _ENCODED, _PATH, _CODEC, _UNCOMPRESSED_SIZE, _COMPRESSED_SIZE = 1, 2, 3, 4, 6, 7
_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE, _STATISTICS = 9, 10, 11, 12
_LEFT_BEHIND = range(14, 18)  # bloom filters; statistics of sizes and of places, of which Arrow may end the process
# Statistics
_BOUNDS = (1, 2, 5, 6)
# Bytes of a bound, by physical type; others have what the schema says, or any number.
_WIDTHS = {0: 1, 1: 4, 2: 8, 3: 12, 4: 4, 5: 8}


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
        """What a footer says of it once its pages begin at `start`: without indexes, which stay behind."""
        by, meta = start - self.start, dict(self.meta)
        for at in (_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE):
            if meta.get(at, (0, 0))[1]:
                meta[at] = (TType.I64, meta[at][1] + by)
        return {_CHUNK_OFFSET: (TType.I64, 0), _META: (TType.STRUCT, meta)}


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk to be laid into a file: its pages, and its description by Arrow where it comes from."""

    chunk: Chunk
    pages: bytes | memoryview
    described: pq.ColumnChunkMetaData


def row_groups(footer: Struct) -> list[list[Chunk]]:
    """The chunks of each row group, in the order of the file's leaf columns."""
    groups = footer[_ROW_GROUPS][1][1]
    return [[Chunk(struct) for struct in group[_COLUMNS][1][1]] for group in groups]


def stored_footer(file: pa.NativeFile) -> bytes:
    """The footer of an open Parquet file, as a file without rows. Raises NotPatchable: there is none."""
    with lake_errors("reading a file of a table"):
        end = int(file.size()) - _TAIL_BYTES
    tail = read_at(file, end, _TAIL_BYTES)
    ensure(tail[4:] == _MAGIC, "not a Parquet file, or one with an encrypted footer")
    length = int.from_bytes(tail[:4], "little")
    return _MAGIC + read_at(file, end - length, length) + tail


def read_footer(file: pa.NativeFile) -> Struct:
    """The footer of an open Parquet file. Raises NotPatchable: it is not understood, or cannot be true."""
    with patching():
        alone = stored_footer(file)
        footer: Struct = _read(TCompactProtocol(TMemoryBuffer(alone[len(_MAGIC) : -_TAIL_BYTES])), TType.STRUCT)
        _check(footer, file.size() - len(alone) + len(_MAGIC))
        for chunk in (chunk for group in row_groups(footer) for chunk in group):
            for at in _LEFT_BEHIND:
                chunk.meta.pop(at, None)
    return footer


def _check(footer: Struct, end: int) -> None:
    """Ensure that a footer is understood, and can be true: chunks are of its schema, before it, none over another.

    pyarrow ends the process where Arrow throws while a chunk's description is looked at, so that is prevented here.
    """
    groups = footer[_ROW_GROUPS][1][1]
    ensure(set(footer) <= set(_FILE_FIELDS) and all(set(g) <= set(_GROUP_FIELDS) for g in groups), "unknown fields")
    ensure(sum(group[_ROWS][1] for group in groups) == footer[_FILE_ROWS][1], "row groups have other rows")
    leaves = [element for element in footer[_SCHEMA][1][1] if _CHILDREN not in element]
    for group in row_groups(footer):
        ensure([chunk.physical_type for chunk in group] == [leaf[_LEAF_TYPE][1] for leaf in leaves], "other columns")
        for chunk, leaf in zip(group, leaves, strict=True):
            width = _WIDTHS.get(chunk.physical_type, leaf.get(_LEAF_WIDTH, (0, 0))[1])
            bounds = [text for at, (_, text) in chunk.meta.get(_STATISTICS, (0, {}))[1].items() if at in _BOUNDS]
            is_wide = chunk.physical_type == BYTE_ARRAY or all(len(bound) == width for bound in bounds)
            ensure(is_wide, "bounds of another type")
    for group in groups:
        chunks = sorted(map(Chunk, group[_COLUMNS][1][1]), key=lambda chunk: chunk.start)
        whole = chunks[-1].start + chunks[-1].size - chunks[0].start
        sizes = {whole, sum(chunk.size for chunk in chunks), group.get(_COMPRESSED_BYTES, (0, whole))[1]}
        ensure(len(sizes) == 1, "chunks of other sizes")  # a copy would end too early
    place = len(_MAGIC)
    for chunk in sorted((chunk for group in row_groups(footer) for chunk in group), key=lambda chunk: chunk.start):
        meta = chunk.meta
        ensure(set(chunk.struct) <= set(_CHUNK_FIELDS) and set(meta) <= set(_META_FIELDS), "unknown fields")
        ensure(meta[_CODEC][1] in _CODECS and set(meta[_ENCODED][1][1]) <= set(_ENCODINGS), "unknown encoding")
        ensure(place <= chunk.start < chunk.start + chunk.size <= end, "chunks lie one over another")
        place = chunk.start + chunk.size


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
        self._out, self.size, self.footer = out, 0, b""
        self._groups: list[Struct] = []
        # Of each row group its rows, and of each chunk a checksum of its pages and its description where it comes from.
        self.laid: list[tuple[int, list[tuple[int, pq.ColumnChunkMetaData]]]] = []
        self._write(_MAGIC)

    def add(self, rows: int, pieces: Sequence[Piece]) -> None:
        """Add a row group: a chunk for each leaf column."""
        start, columns = self.size, []
        for piece in pieces:
            columns.append(piece.chunk.moved(self.size))
            self._write(piece.pages)
        self.laid.append((rows, [(zlib.crc32(piece.pages), piece.described) for piece in pieces]))
        self._groups.append(
            {
                _COLUMNS: (TType.LIST, (TType.STRUCT, columns)),
                _BYTES: (TType.I64, sum(piece.chunk.meta[_UNCOMPRESSED_SIZE][1] for piece in pieces)),
                _ROWS: (TType.I64, rows),
                _FILE_OFFSET: (TType.I64, start),
                _COMPRESSED_BYTES: (TType.I64, self.size - start),
            }
        )

    def close(self, like: Struct) -> None:
        """End the file with the footer `like`, but for its row groups."""
        footer = like | {
            _FILE_ROWS: (TType.I64, sum(rows for rows, _ in self.laid)),
            _ROW_GROUPS: (TType.LIST, (TType.STRUCT, self._groups)),
        }
        self.footer = standing_alone(footer)
        self._write(self.footer[len(_MAGIC) :])
        with lake_errors("writing a file of a table"):
            self._out.close()

    def _write(self, data: bytes | memoryview) -> None:
        with lake_errors("writing a file of a table"):
            self._out.write(data)
        self.size += len(data)


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
        raise NotPatchable("a footer that is damaged, or of a newer Parquet")
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
