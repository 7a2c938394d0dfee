"""Comparison of a patched file with what was meant: values and bounds when encoded, bytes when stored.

Columns that are encoded anew are decoded again while they are in memory. The stored file is then read once more: its
footer by Arrow, and the pages of every chunk, copied or new, by a checksum. No copied page is decoded.
"""

from __future__ import annotations

import zlib

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.lake.file_patch.not_patchable import ensure, patching, read_at
from include.lake.file_patch.parquet_footer import Assembly, stored_footer

_BITS = {pa.float16(): pa.int16(), pa.float32(): pa.int32(), pa.float64(): pa.int64()}


def read_back(file: pa.NativeFile, meant: Assembly) -> pq.FileMetaData:
    """The description of a patched file as storage gives it back.

    Raises:
        NotPatchable: it has other rows, chunks or bytes than were laid into it.
        LakeError: storage failed.
    """
    with patching():
        footer = stored_footer(file)
        ensure(footer == meant.footer and file.size() == meant.size, "the footer")
        metadata = pq.read_metadata(pa.BufferReader(footer))
        ensure(metadata.num_row_groups == len(meant.laid), "row groups")
        ensure(metadata.num_rows == sum(rows for rows, _ in meant.laid), "rows")
        for at, (rows, chunks) in enumerate(meant.laid):
            group = metadata.row_group(at)
            ensure(group.num_rows == rows and group.num_columns == len(chunks), "a row group")
            for column, (checksum, described) in enumerate(chunks):
                chunk = group.column(column)
                ensure(_description(chunk) == _description(described), "a chunk's description")
                pages = read_at(file, _start(chunk), chunk.total_compressed_size)
                ensure(zlib.crc32(pages) == checksum, "a chunk's bytes")
        return metadata


def _start(chunk: pq.ColumnChunkMetaData) -> int:
    return min(int(at) for at in (chunk.dictionary_page_offset, chunk.data_page_offset) if at)


def _description(chunk: pq.ColumnChunkMetaData) -> tuple[object, ...]:
    """All that does not follow from the chunk's place."""
    stats = chunk.statistics
    bounds = (stats.null_count, stats.min_raw, stats.max_raw) if stats is not None and stats.has_min_max else None
    sizes = (chunk.num_values, chunk.total_compressed_size, chunk.total_uncompressed_size)
    return chunk.physical_type, chunk.compression, chunk.encodings, chunk.has_dictionary_page, *sizes, bounds


def ensure_same(meant: pa.ChunkedArray, found: pa.ChunkedArray) -> None:
    """Raise NotPatchable unless the columns have the same values, to the last bit."""
    if pa.types.is_dictionary(meant.type):  # texts that repeat are not laid out
        values = meant.combine_chunks()
        codes = [_codes(chunk, values.dictionary) for chunk in found.chunks]
        meant, found = pa.chunked_array([values.indices]), pa.chunked_array(codes, values.indices.type)
    else:
        found = found.cast(meant.type)
    if meant.type in _BITS:  # what is no number equals itself
        meant, found = (pa.chunked_array([c.view(_BITS[c.type]) for c in side.chunks]) for side in (meant, found))
    ensure(meant.equals(found), "values")


def _codes(coded: pa.DictionaryArray, dictionary: pa.Array) -> pa.Array:
    """The places of the values in another dictionary."""
    if coded.dictionary.equals(dictionary):
        return coded.indices
    return pc.index_in(coded.dictionary, dictionary).take(coded.indices)


def ensure_bounds(values: pa.ChunkedArray, chunk: pq.ColumnChunkMetaData) -> None:
    """Raise NotPatchable unless the chunk's statistics, if it has any, hold for its values."""
    ensure(chunk.num_values == len(values), "a chunk with other rows than its footer says")
    stats = chunk.statistics
    if stats is None:
        return
    ensure(not stats.has_null_count or stats.null_count == values.null_count, "a false count of nulls")
    if stats.has_min_max:
        if pa.types.is_dictionary(values.type):
            values = pa.chunked_array([chunk.dictionary for chunk in values.chunks])
        is_temporal = pa.types.is_temporal(values.type)
        if is_temporal:  # as numbers: there are instants that Python does not know
            values = values.cast(pa.int32() if pa.types.is_date32(values.type) else pa.int64())
        least, greatest = (stats.min_raw, stats.max_raw) if is_temporal else (stats.min, stats.max)
        ends = pc.min_max(values)
        low, high = ends["min"].as_py(), ends["max"].as_py()
        ensure(low is None or least <= low <= high <= greatest, "false bounds")


def is_same_type(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether the types are the same; writers name the parts of a list each in its own way."""
    if pa.types.is_list(one) and pa.types.is_list(other):
        return is_same_type(one.value_type, other.value_type)
    return bool(one == other)
