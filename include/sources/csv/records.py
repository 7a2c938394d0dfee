"""CSV records by RFC 4180, in Python: used to locate faults, and to read where DuckDB is not exact.

Blanks belong to a value, a quote inside a value that does not begin with one is a character, and empty lines are no
records. Many times slower than DuckDB.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa

from include.sources.csv.survey import LONGEST_VALUE

_VALUES_PER_BATCH = 400_000
_MAX_ROWS = 10_000


class CsvBroken(ValueError):
    """A misplaced quote in the record that begins at `line`."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def records(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with its first line's number, the header first.

    Raises:
        CsvBroken: a quote is misplaced.
        UnicodeDecodeError: the file is not UTF-8.
    """
    csv.field_size_limit(LONGEST_VALUE)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        line = 1
        try:
            for record in reader:
                if record:
                    yield line, record
                line = reader.line_num + 1
        except csv.Error:
            raise CsvBroken(line) from None


def misfits(path: Path, delimiter: str, width: int) -> dict[str, list[int]]:
    """Lines of records without `width` values, by kind of fault; surplus empty values are no fault."""
    faults: dict[str, list[int]] = {}
    try:
        for line, record in records(path, delimiter):
            if len(record) < width:
                faults.setdefault("fewer values than columns", []).append(line)
            elif any(record[width:]):
                faults.setdefault("more values than columns", []).append(line)
    except CsvBroken as broken:
        faults.setdefault("a broken quote", []).append(broken.line)
    return faults


def batches(path: Path, delimiter: str, columns: Sequence[str]) -> pa.RecordBatchReader:
    """Rows of a file without misfits, as Arrow batches; an empty value, quoted or not, is null."""
    schema = pa.schema([(name, pa.string()) for name in columns])
    most = max(1, min(_MAX_ROWS, _VALUES_PER_BATCH // len(columns)))

    def parts() -> Iterator[pa.RecordBatch]:
        rows = (record[: len(columns)] for _, record in islice(records(path, delimiter), 1, None))
        while part := list(islice(rows, most)):
            values = zip(*part, strict=True)
            arrays = [pa.array([value or None for value in column], pa.string()) for column in values]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, parts())
