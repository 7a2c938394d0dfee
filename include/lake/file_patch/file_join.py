"""Parquet files of one schema laid one behind the other in one file: row groups are copied, never decoded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from include.lake.file_patch.not_patchable import patching, read_at
from include.lake.file_patch.parquet_footer import Assembly, Piece, read_footer, row_groups, without_notes
from include.lake.storage import Lake, lake_errors


def join_files(lake: Lake, paths: Sequence[Path], uri: str) -> int:
    """Write the rows of local files of ours, in their order, to one file of the lake; returns how many.

    Costs a copy of the bytes, and the memory of a row group.

    Raises:
        NotPatchable: a file is damaged.
        LakeError: storage failed.
    """
    with patching(), lake_errors("joining parts"):
        assembly, like = Assembly(lake.open_output(uri)), None
        for path in paths:
            with pa.memory_map(str(path)) as file:
                footer, metadata = read_footer(file), pq.read_metadata(file)
                like = like or without_notes(footer)
                for at, chunks in enumerate(row_groups(footer)):
                    described = metadata.row_group(at)
                    pieces = [
                        Piece(chunk, read_at(file, chunk.start, chunk.size), described.column(n))
                        for n, chunk in enumerate(chunks)
                    ]
                    assembly.add(described.num_rows, pieces)
        if like is None:
            raise ValueError("there is no part")
        assembly.close(like)
    return sum(rows for rows, _ in assembly.laid)
