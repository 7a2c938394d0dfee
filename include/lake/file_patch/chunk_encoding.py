"""Column chunks encoded anew by Arrow, in place of others: how, and of which columns it can be done."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.lake.file_patch.not_patchable import ensure
from include.lake.file_patch.parquet_footer import BYTE_ARRAY, Chunk, Piece, read_footer, row_groups
from include.lake.file_patch.patch_verification import ensure_bounds, ensure_same, is_same_type

_INTEGERS = (1, 2)  # physical types of the format
_OPTIONS = {
    "compression": "zstd",
    "compression_level": 1,
    "data_page_version": "2.0",
    "store_schema": False,
    "store_decimal_as_integer": True,
}


def encoded(table: pa.Table, chunks: Sequence[Chunk]) -> dict[tuple[str, ...], Piece]:
    """The table's columns as chunks, encoded as those that they replace, and decoded again to compare."""
    replaced = [chunk for chunk in chunks if chunk.path[0] in table.column_names]
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        row_group_size=len(table),
        use_dictionary=[".".join(chunk.path) for chunk in replaced if chunk.has_dictionary],
        column_encoding={
            ".".join(chunk.path): _encoding(chunk.physical_type) for chunk in replaced if not chunk.has_dictionary
        },
        write_statistics=[".".join(chunk.path) for chunk in replaced if not _has_nan(table[chunk.path[0]])],
        **_OPTIONS,
    )
    written = sink.getvalue()
    coded = [name for name in table.column_names if pa.types.is_dictionary(table[name].type)]
    again = pq.ParquetFile(pa.BufferReader(written), read_dictionary=coded)
    found = again.read(use_threads=False)
    ensure(again.num_row_groups == 1 and len(found) == len(table), "rows were lost")
    described = again.metadata.row_group(0)
    pages = memoryview(written)
    (group,) = row_groups(read_footer(pa.BufferReader(written)))
    pieces = {
        old.path: Piece(new.called_as(old), pages[new.start : new.start + new.size], described.column(at))
        for at, (old, new) in enumerate(zip(replaced, group, strict=True))
    }
    for name in table.column_names:
        ensure_same(table[name], found[name])
        if (name,) in pieces:
            ensure_bounds(table[name], pieces[name,].described)
    return pieces


def _has_nan(column: pa.ChunkedArray) -> bool:
    """Bounds that Arrow writes leave out what is no number, and readers who skip by them would miss it."""
    return pa.types.is_floating(column.type) and bool(pc.any(pc.is_nan(column)).as_py())


def _encoding(physical_type: int) -> str:
    if physical_type in _INTEGERS:
        return "DELTA_BINARY_PACKED"
    return "DELTA_LENGTH_BYTE_ARRAY" if physical_type == BYTE_ARRAY else "PLAIN"


def encodable(there: pq.ParquetSchema, schema: pa.Schema) -> set[str]:
    """Columns that would be written with the types and levels that the file has."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink, **_OPTIONS)
    ours = pq.read_metadata(pa.BufferReader(sink.getvalue())).schema
    top = [name for name, leaves in ((f.name, _leaves(f.type)) for f in schema) for _ in range(leaves)]
    if not len(top) == len(there) == len(ours):
        return set()
    again = ours.to_arrow_schema()
    differ = {name for at, name in enumerate(top) if _layout(there.column(at)) != _layout(ours.column(at))}
    return {name for name in schema.names if is_same_type(again.field(name).type, schema.field(name).type)} - differ


def _layout(column: pq.ColumnSchema) -> tuple[object, ...]:
    return column.physical_type, column.length, column.max_definition_level, column.max_repetition_level


def _leaves(kind: pa.DataType) -> int:
    if pa.types.is_nested(kind):
        return sum(_leaves(kind.field(at).type) for at in range(kind.num_fields))
    return 1
