"""Keys of the rows that a change log names, written to a Parquet file as they come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

_ROWS_PER_GROUP = 50_000


class TouchedKeys:
    """Writer of the keys, as text in the order of `names`; memory holds one row group, however many come."""

    def __init__(self, writer: pq.ParquetWriter, schema: pa.Schema) -> None:
        self.rows = 0
        self._writer, self._schema = writer, schema
        self._kept: dict[tuple[str, ...], None] = {}  # a key that is changed again and again is written once a group

    @classmethod
    @contextmanager
    def writing(cls, path: Path, names: Sequence[str]) -> Iterator[Self]:
        """A writer to a local file, which is complete when the block ends."""
        schema = pa.schema([(name, pa.string()) for name in names])
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            keys = cls(writer, schema)
            yield keys
            keys._flush()

    def add(self, key: tuple[str, ...]) -> None:
        """Keep the key of one row."""
        self._kept[key] = None
        if len(self._kept) >= _ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._kept:
            columns = [pa.array(column, pa.string()) for column in zip(*self._kept, strict=True)]
            self._writer.write_table(pa.table(columns, schema=self._schema))
            self.rows += len(self._kept)
            self._kept = {}
