"""Reading of JSON Lines: one object per line, every value as the text in the file, nested ones as JSON.

Numbers stay as written at any depth: 1.10 is not 1.1, and 12345678901234567890 fits no type. A file is read twice:
for its keys and faults (`survey`), then for the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from include.sources.databases import ROWS_PER_BATCH, VIEW
from include.sources.deliveries import Delivery, LocalCopy, check_rows
from include.sources.json_lines.survey import DECODER, Keys, survey
from include.sources.open_object import Reading
from include.sources.source_schema import judge_columns, needed

_VALUES_PER_BATCH = 400_000
_CHARACTERS_PER_BATCH = 32 << 20


def read_json_lines(delivery: Delivery, duck: duckdb.DuckDBPyConnection) -> Reading:
    """Open JSON Lines files, which together are one table, for reading. Raises DropBroken as `survey` does."""
    drift = delivery.notes
    keys = Keys()
    for copy in delivery.copies:
        found, rows = survey(copy, keys)
        check_rows(delivery.entry(copy), rows)
        if rows:
            drift += judge_columns(delivery.table, found, copy.name)
    names = keys.names or needed(delivery.table)
    schema = pa.schema([(name, pa.string()) for name in names])
    duck.register(VIEW, pa.RecordBatchReader.from_batches(schema, _batches(delivery.copies, schema, keys)))
    return Reading(f"SELECT * FROM {VIEW}", tuple(dict.fromkeys(drift)), lambda _: None)


def _batches(copies: Sequence[LocalCopy], schema: pa.Schema, keys: Keys) -> Iterator[pa.RecordBatch]:
    """Batches of all rows, sized for memory: few rows of a table of thousands of columns, or of long lines."""
    width = len(schema)
    most = max(1, min(ROWS_PER_BATCH, _VALUES_PER_BATCH // width))
    rows: list[Sequence[Any]] = []
    held = 0
    for copy in copies:
        with copy.path.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                if line.isspace():
                    continue
                rows.append(_row(line, width, keys))
                held += len(line)
                if len(rows) >= most or held >= _CHARACTERS_PER_BATCH:
                    yield _batch(rows, schema)
                    rows, held = [], 0
    if rows:
        yield _batch(rows, schema)


def _row(line: str, width: int, keys: Keys) -> Sequence[Any]:
    """The values of a line in column order: text, True, False or None."""
    is_flat = "[" not in line and line.count("{") == 1
    pairs = DECODER.decode(line) if is_flat else _as_written(line)
    names, values = zip(*pairs, strict=True) if pairs else ((), ())
    positions = keys.positions(names)
    if positions == range(width):
        return values
    row: list[Any] = [None] * width
    for position, value in zip(positions, values, strict=True):
        row[position] = value
    return row


def _as_written(line: str) -> list[tuple[str, Any]]:
    """Keys and values of an object as text; a nested object or list is its piece of the line."""
    pairs = []
    at = _past_signs(line, line.index("{") + 1)
    while line[at] != "}":
        key, at = DECODER.raw_decode(line, at)
        start = _past_signs(line, at)
        value, at = DECODER.raw_decode(line, start)
        pairs.append((key, line[start:at] if isinstance(value, tuple | list) else value))
        at = _past_signs(line, at)
    return pairs


def _past_signs(line: str, at: int) -> int:
    """Position of the next character that is no blank, colon or comma."""
    while line[at] in " \t\r\n:,":
        at += 1
    return at


def _batch(rows: list[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    return pa.record_batch([_texts(values) for values in zip(*rows, strict=True)], schema=schema)


def _texts(values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.array(["true" if v is True else "false" if v is False else v for v in values], pa.string())
