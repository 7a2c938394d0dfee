"""Change rows of a Parquet file where they are: a new file, of which most is the old one, byte by byte.

Rows that change here and there lie in every row group, but most of them in few of its columns. Only the chunks of those
columns are decoded and encoded anew; the others are copied as they are. Where a row leaves, every column of its row
group is written anew.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.lake.file_patch.parquet_footer import (
    BYTE_ARRAY,
    Assembly,
    Chunk,
    Struct,
    read_footer,
    row_groups,
    standing_alone,
    without_notes,
)

# Of the rows that a patch brings: their place in the file, whether they leave it, and for each column `name` that may
# change, its values and (with this prefix) whether they are new.
PLACE, LEAVES, IS_NEW = "_place", "_leaves", "_is_new_"

# A patch holds one row group for each thread, with what comes into it. These are bytes before compression; texts with a
# dictionary keep it, so that they are not more when they are decoded. A greater file is DuckDB's, which spills.
LARGEST_GROUP = LARGEST_CHANGE = 128 * 1024**2

_INTEGERS = (1, 2)  # physical types of the format
_MOST_THREADS = 4

Pages = list[tuple[Chunk, bytes | memoryview]]


@dataclass(frozen=True, slots=True)
class Original:
    """A file to be patched."""

    file: pa.NativeFile
    metadata: pq.FileMetaData
    schema: pa.Schema
    footer: Struct
    groups: list[list[Chunk]]
    as_written: frozenset[str] = field(repr=False)

    @classmethod
    def read_from(cls, file: pa.NativeFile) -> Original | None:
        """From an open file; None if its footer is not understood.

        Its columns are read as the format says, in whatever types its writer had them.
        """
        try:
            footer = read_footer(file)
        except pa.ArrowInvalid:
            return None
        metadata = pq.read_metadata(pa.BufferReader(standing_alone(without_notes(footer))))
        opened = pq.ParquetFile(file, metadata=metadata)
        schema = opened.schema_arrow
        return cls(file, metadata, schema, footer, row_groups(footer), _as_written(opened.schema, schema))

    def takes(self, names: Sequence[str], *, leaves: bool) -> bool:
        """Whether these columns (and all, if rows leave) can be encoded anew as the file's footer describes them."""
        fits = self.as_written >= (set(self.schema.names) if leaves else set(names) & set(self.schema.names))
        groups = range(self.metadata.num_row_groups)
        return fits and all(self.metadata.row_group(g).total_byte_size <= LARGEST_GROUP for g in groups)

    def read(self, group: int, names: Sequence[str]) -> pa.Table:
        """Columns of a row group; texts with a dictionary keep it."""
        coded = [chunk.path[0] for chunk in self.groups[group] if chunk.is_coded_text]
        reader = pq.ParquetFile(self.file, metadata=self.metadata, read_dictionary=coded)
        return reader.read_row_group(group, columns=list(names), use_threads=False)


def patch(original: Original, rows: pa.RecordBatchReader, out: pa.NativeFile) -> tuple[int, pq.FileMetaData]:
    """Write the file anew with these rows changed or gone. Gives its size, and what its footer says.

    Args:
        original: the file as it is.
        rows: those that change, in the order of their place in the file; see `PLACE`.
        out: where to.
    """
    ends = list(accumulate(original.metadata.row_group(g).num_rows for g in range(original.metadata.num_row_groups)))
    changes = _Ordered(rows)
    threads = min(len(os.sched_getaffinity(0)), _MOST_THREADS)
    assembly, pending = Assembly(out), deque[Future[tuple[int, Pages]]]()
    with ThreadPoolExecutor(threads) as pool:
        for group, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            pending.append(pool.submit(_group_anew, original, group, start, changes.before(end)))
            if len(pending) > threads:
                _add(assembly, *pending.popleft().result())
        while pending:
            _add(assembly, *pending.popleft().result())
    size, footer = assembly.close(without_notes(original.footer))
    return size, pq.read_metadata(pa.BufferReader(footer))


def _add(assembly: Assembly, rows: int, pages: Pages) -> None:
    if rows:
        assembly.add(rows, pages)


class _Ordered:
    """Rows that come in the order of their place, taken up to a place at a time."""

    def __init__(self, rows: pa.RecordBatchReader) -> None:
        self._batches: Iterator[pa.RecordBatch] = iter(rows)
        self._schema = rows.schema
        self._held: pa.RecordBatch | None = None

    def before(self, place: int) -> pa.Table:
        taken = []
        while (batch := self._held if self._held is not None else next(self._batches, None)) is not None:
            here = int(np.searchsorted(batch[PLACE].to_numpy(), place))
            taken.append(batch.slice(0, here))
            self._held = batch.slice(here) if here < batch.num_rows else None
            if self._held is not None:
                break
        return pa.Table.from_batches(taken, self._schema).combine_chunks()


def _group_anew(original: Original, group: int, start: int, rows: pa.Table) -> tuple[int, Pages]:
    """One row group with its rows changed: how many stay, and the chunks."""
    chunks, count = original.groups[group], original.metadata.row_group(group).num_rows
    known, leaving = original.schema.names, rows[LEAVES].to_numpy()
    changed = [name for name in known if name in rows.column_names and pc.any(rows[IS_NEW + name]).as_py()]
    names = known if leaving.any() else changed
    anew: dict[tuple[str, ...], tuple[Chunk, bytes | memoryview]] = {}
    if names:
        places = rows[PLACE].to_numpy() - start
        stays = np.ones(count, bool)
        stays[places[leaving]] = False
        count = int(stays.sum())
        if not count:
            return 0, []
        kept = np.arange(len(stays))
        kept_or_new = kept.copy()
        kept_or_new[places] = len(stays) + np.arange(len(places))  # new values are laid behind the old ones
        held = original.read(group, names)
        columns = [
            _taken(
                held[name], rows[name] if name in changed else None, (kept_or_new if name in changed else kept)[stays]
            )
            for name in names
        ]
        fields = [original.schema.field(name).with_type(c.type) for name, c in zip(names, columns, strict=True)]
        anew = _encoded(pa.table(columns, schema=pa.schema(fields)), chunks)
    copied = [chunk for chunk in chunks if chunk.path not in anew]
    if copied:
        first = min(chunk.start for chunk in copied)
        last = max(chunk.start + chunk.size for chunk in copied)
        pages = memoryview(original.file.read_at(last - first, first))
        anew |= {c.path: (c, pages[c.start - first : c.start - first + c.size]) for c in copied}
    return count, [anew[chunk.path] for chunk in chunks]


def _taken(old: pa.ChunkedArray, new: pa.ChunkedArray | None, indices: np.ndarray) -> pa.Array:
    """Values of the old column and, behind it, of the new one."""
    chunks = list(old.chunks)
    if new is not None:
        if pa.types.is_dictionary(old.type):
            new = new.cast(old.type.value_type).dictionary_encode()
        chunks += new.cast(old.type).chunks
    taken = pa.concat_arrays(chunks).take(indices)
    if not pa.types.is_dictionary(old.type):
        return taken
    # The dictionary keeps nothing that no row has: not what was deleted, nor what every run has left.
    used = taken.indices.unique().drop_null()
    return pa.DictionaryArray.from_arrays(pc.index_in(taken.indices, used), taken.dictionary.take(used))


def _encoded(table: pa.Table, chunks: Sequence[Chunk]) -> dict[tuple[str, ...], tuple[Chunk, bytes | memoryview]]:
    """The table's columns as chunks, encoded as those that they replace."""
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
    pages = memoryview(written)
    (group,) = row_groups(read_footer(pa.BufferReader(written)))
    return {
        old.path: (new.called_as(old), pages[new.start : new.start + new.size])
        for old, new in zip(replaced, group, strict=True)
    }


def _has_nan(column: pa.ChunkedArray) -> bool:
    """Bounds that Arrow writes leave out what is no number, and readers who skip by them would miss it."""
    return pa.types.is_floating(column.type) and bool(pc.any(pc.is_nan(column)).as_py())


_OPTIONS = {
    "compression": "zstd",
    "compression_level": 1,
    "data_page_version": "2.0",
    "store_schema": False,
    "store_decimal_as_integer": True,
}


def _encoding(physical_type: int) -> str:
    if physical_type in _INTEGERS:
        return "DELTA_BINARY_PACKED"
    return "DELTA_LENGTH_BYTE_ARRAY" if physical_type == BYTE_ARRAY else "PLAIN"


def _as_written(there: pq.ParquetSchema, schema: pa.Schema) -> frozenset[str]:
    """Columns that would be written with the same physical type and levels as the file has."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink, **_OPTIONS)
    ours = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    top = [name for name, leaves in ((f.name, _leaves(f.type)) for f in schema) for _ in range(leaves)]
    if not len(top) == len(there) == len(ours):
        return frozenset()
    differ = {name for at, name in enumerate(top) if _layout(there.column(at)) != _layout(ours.column(at))}
    return frozenset(schema.names) - differ


def _layout(column: pq.ColumnSchema) -> tuple[object, ...]:
    return column.physical_type, column.length, column.max_definition_level, column.max_repetition_level


def _leaves(kind: pa.DataType) -> int:
    if pa.types.is_nested(kind):
        return sum(_leaves(kind.field(at).type) for at in range(kind.num_fields))
    return 1
