"""Reading of Parquet files with very many columns, in memory for some of the columns only.

Reading all columns at once buffers a page of each, a megabyte or more with its decoded values. So a row group is read
some columns at a time into scratch files, cut into batches of rows, from which the rows are assembled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from include.lake.storage import lake_errors

MOST_COLUMNS = 200
"""Greatest number of columns that DuckDB reads within landing's memory; measured with 1 MB pages and four threads."""
_CELLS = 4_000_000
_BYTES = 64 << 20


def rows_of_wide(file: pq.ParquetFile, scratch: Path, *, rows: int) -> Iterator[list[pa.Array]]:
    """Arrays of all columns, for at most `rows` rows at a time. `scratch` is the prefix of the scratch files.

    Raises LakeError: the scratch folder is full.
    """
    names = file.schema_arrow.names
    for group in range(file.num_row_groups):
        found = file.metadata.row_group(group)
        most_rows = min(_CELLS // max(1, found.num_rows), _BYTES * len(names) // max(1, found.total_byte_size))
        width = max(1, most_rows)
        paths = []
        for first in range(0, len(names), width):
            part = names[first : first + width]
            table = file.read_row_group(group, columns=part).select(part).combine_chunks()
            paths.append(scratch.with_suffix(f".{first}.arrow"))
            with (
                lake_errors("writing to the scratch folder"),
                pa.OSFile(str(paths[-1]), "wb") as sink,
                pa.ipc.new_stream(sink, table.schema) as writer,
            ):
                writer.write_table(table, max_chunksize=rows)
        with ExitStack() as stack:
            streams = [pa.ipc.open_stream(stack.enter_context(pa.OSFile(str(path)))) for path in paths]
            for batches in zip(*streams, strict=True):
                yield [array for batch in batches for array in batch.columns]
        for path in paths:
            path.unlink()
