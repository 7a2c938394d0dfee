"""Change rows of a Parquet file where they are: a new file, of which most is the old one, byte by byte.

Rows that change here and there lie in every row group, but most of them in few of its columns. Only the chunks of those
columns are decoded and encoded anew; the others are copied as they are. Where a row leaves, every column of its row
group is written anew.
"""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.lake.file_patch.chunk_encoding import encodable, encoded
from include.lake.file_patch.not_patchable import ensure, patching, read_at
from include.lake.file_patch.parquet_footer import (
    Assembly,
    Chunk,
    Piece,
    Struct,
    read_footer,
    row_groups,
    standing_alone,
    without_notes,
)
from include.lake.file_patch.patch_verification import ensure_bounds, ensure_same, is_same_type
from include.lake.storage import lake_errors

# Of the rows that a patch brings: their place in the file, whether they leave it, and for each column `name` that may
# change, its values and (with these prefixes) whether they are new, and what they were.
PLACE, LEAVES, IS_NEW, WAS = "_place", "_leaves", "_is_new_", "_was_"

# A patch holds one row group for each thread, with what comes into it. These are bytes before compression; texts with a
# dictionary keep it, so that they are not more when they are decoded. A greater file is DuckDB's, which spills.
LARGEST_GROUP = LARGEST_CHANGE = 128 * 1024**2

_MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class Original:
    """The footer of a file to be patched."""

    metadata: pq.FileMetaData
    schema: pa.Schema
    footer: Struct
    groups: list[list[Chunk]]

    @classmethod
    def read_from(cls, file: pa.NativeFile, *, rows: int) -> Original:
        """From an open file of that many rows. Raises NotPatchable: its footer is not understood, or cannot be true.

        Its columns are read as the format says, in whatever types its writer had them.
        """
        with patching():
            footer = read_footer(file)
            metadata = pq.read_metadata(pa.BufferReader(standing_alone(without_notes(footer))))
            schema = metadata.schema.to_arrow_schema()
            ensure(len(set(schema.names)) == len(schema.names), "columns of one name")
            ensure(metadata.num_rows == rows, "other rows than the table's log says")
            original = cls(metadata, schema, footer, row_groups(footer))
            for at, chunks in enumerate(original.groups):
                group = metadata.row_group(at)
                size = max(group.total_byte_size, sum(chunk.size for chunk in chunks), original.span(at)[1])
                ensure(size <= LARGEST_GROUP, "a row group too large to be held")
                ensure(group.num_rows > 0, "a row group without rows")
            return original

    def ensure_takes(self, types: Mapping[str, pa.DataType], names: Sequence[str], *, leaves: bool) -> None:
        """Raise NotPatchable unless these columns (and all, if rows leave) can be encoded anew.

        They must be of the table's `types`, and be written by Arrow with the physical types and levels of the file.
        """
        encoded = self.schema.names if leaves else [name for name in names if name in self.schema.names]
        with patching():
            ensure(set(self.schema.names) <= set(types), "columns that the table has not")
            is_fit = all(is_same_type(types[name], self.schema.field(name).type) for name in encoded)
            ensure(is_fit and encodable(self.metadata.schema, self.schema) >= set(encoded), "columns of other types")

    def span(self, group: int) -> tuple[int, int]:
        """Where the pages of a row group begin, and how many bytes there are to their end."""
        start = min(chunk.start for chunk in self.groups[group])
        return start, max(chunk.start + chunk.size for chunk in self.groups[group]) - start

    def read(self, group: int, names: Sequence[str], pages: bytes) -> pa.Table:
        """Columns of a row group, of which these are the pages; texts with a dictionary keep it."""
        coded = [chunk.path[0] for chunk in self.groups[group] if chunk.is_coded_text]
        file = pa.PythonFile(_Part(self.span(group)[0], pages), mode="r")
        reader = pq.ParquetFile(file, metadata=self.metadata, read_dictionary=coded)
        return reader.read_row_group(group, columns=list(names), use_threads=False)


class _Part(io.BytesIO):
    """Bytes of a file from a place on, which are asked for by their place in the file."""

    def __init__(self, start: int, data: bytes) -> None:
        super().__init__(data)
        self._start = start

    def seek(self, place: int, whence: int = 0) -> int:
        return super().seek(place if whence else place - self._start, whence) + self._start

    def tell(self) -> int:
        return super().tell() + self._start


def patch(original: Original, file: pa.NativeFile, rows: pa.RecordBatchReader, out: pa.NativeFile) -> Assembly:
    """Write a file anew with these rows changed or gone, and close it. Gives what was laid into it, for `read_back`.

    Args:
        original: the file's footer.
        file: the file as it is.
        rows: those that change, in the order of their place in the file; see `PLACE`.
        out: where to.

    Raises:
        NotPatchable: a row group is not what the footer says, or not what the rows were compared with.
        LakeError: storage failed.
    """
    ends = list(accumulate(original.metadata.row_group(g).num_rows for g in range(original.metadata.num_row_groups)))
    threads = min(len(os.sched_getaffinity(0)), _MOST_THREADS)
    with patching():
        changes = _Ordered(rows)
        assembly, pending = Assembly(out), deque[Future[tuple[int, list[Piece]]]]()
        with ThreadPoolExecutor(threads) as pool:
            for group, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
                pending.append(pool.submit(_group_anew, original, file, group, start, changes.before(end)))
                if len(pending) > threads:
                    _add(assembly, *pending.popleft().result())
            while pending:
                _add(assembly, *pending.popleft().result())
        assembly.close(without_notes(original.footer))
    return assembly


def _add(assembly: Assembly, rows: int, pieces: Sequence[Piece]) -> None:
    if rows:
        assembly.add(rows, pieces)


class _Ordered:
    """Rows that come in the order of their place, taken up to a place at a time."""

    def __init__(self, rows: pa.RecordBatchReader) -> None:
        self._batches: Iterator[pa.RecordBatch] = iter(rows)
        self._schema = rows.schema
        self._held: pa.RecordBatch | None = None

    def before(self, place: int) -> pa.Table:
        taken = []
        while (batch := self._held if self._held is not None else self._next()) is not None:
            here = int(np.searchsorted(batch[PLACE].to_numpy(), place))
            taken.append(batch.slice(0, here))
            self._held = batch.slice(here) if here < batch.num_rows else None
            if self._held is not None:
                break
        return pa.Table.from_batches(taken, self._schema).combine_chunks()

    def _next(self) -> pa.RecordBatch | None:
        with lake_errors("reading a difference"):  # it is no fault of the file
            return next(self._batches, None)


def _group_anew(
    original: Original, file: pa.NativeFile, group: int, start: int, rows: pa.Table
) -> tuple[int, list[Piece]]:
    """One row group with its rows changed: how many stay, and the chunks."""
    chunks, described = original.groups[group], original.metadata.row_group(group)
    known, leaving = original.schema.names, rows[LEAVES].to_numpy()
    changed = [name for name in known if name in rows.column_names and pc.any(rows[IS_NEW + name]).as_py()]
    names = known if leaving.any() else changed
    count, first = described.num_rows, original.span(group)[0]
    pages = read_at(file, *original.span(group))
    pieces = {
        chunk.path: Piece(chunk, memoryview(pages)[chunk.start - first :][: chunk.size], described.column(at))
        for at, chunk in enumerate(chunks)
    }
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
        held = original.read(group, names, pages)
        ensure(len(held) == len(stays), "a row group with other rows than its footer says")
        for name in names:
            if (name,) in pieces:
                ensure_bounds(held[name], pieces[name,].described)
            if name in changed:
                ensure_same(rows[WAS + name], held[name].take(places))
        columns = [
            _taken(
                held[name], rows[name] if name in changed else None, (kept_or_new if name in changed else kept)[stays]
            )
            for name in names
        ]
        fields = [original.schema.field(name).with_type(c.type) for name, c in zip(names, columns, strict=True)]
        pieces |= encoded(pa.table(columns, schema=pa.schema(fields)), chunks)
    return count, list(pieces.values())


def _taken(old: pa.ChunkedArray, new: pa.ChunkedArray | None, indices: np.ndarray) -> pa.Array:
    """Values of the old column and, behind it, of the new one."""
    chunks = list(old.chunks)
    if new is not None:
        if pa.types.is_dictionary(old.type):
            new = new.dictionary_encode()
        chunks += new.cast(old.type).chunks
    taken = pa.concat_arrays(chunks).take(indices)
    if not pa.types.is_dictionary(old.type):
        return taken
    # The dictionary keeps nothing that no row has: not what was deleted, nor what every run has left.
    used = taken.indices.unique().drop_null()
    if len(used) == len(taken.dictionary):
        return taken
    return pa.DictionaryArray.from_arrays(pc.index_in(taken.indices, used), taken.dictionary.take(used))
