"""JSON Lines: one object a line; every value as the text it has in the file, nested ones as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa

from include.sources.delivery import Delivery, shown
from include.sources.errors import DropBroken, SourceError
from include.sources.manifest import check_rows
from include.sources.needs import judge_columns
from include.sources.reading import Reading
from include.sources.spool import Copy
from include.sources.streaming import ROWS_PER_BATCH, VIEW

# Numbers stay as written: 1.10 is not 1.1, and 12345678901234567890 fits nowhere.
_AS_WRITTEN = json.JSONDecoder(parse_int=str, parse_float=str)


def read_json_lines(delivery: Delivery, duck: duckdb.DuckDBPyConnection) -> Reading:
    """Open a reading of JSON Lines files. They are read twice: once for the names and faults, once for the rows."""
    drift = delivery.notes
    names: dict[str, None] = {}
    for copy in delivery.copies:
        keys, rows = _survey(copy)
        check_rows(delivery.entry(copy), rows)
        if rows:
            drift += judge_columns(delivery.table, keys, copy.name)
        names.update(dict.fromkeys(keys))
    if not names:
        names.update(dict.fromkeys(column.source_name or column.name for column in delivery.table.columns))
    schema = pa.schema([(name, pa.string()) for name in names])
    duck.register(VIEW, pa.RecordBatchReader.from_batches(schema, _batches(delivery.copies, schema)))

    def explain(_: BaseException) -> SourceError | None:
        return None

    return Reading(f"SELECT * FROM {VIEW}", tuple(dict.fromkeys(drift)), explain)


def _survey(copy: Copy) -> tuple[list[str], int]:
    """All keys in order of appearance, and the number of rows. Raises DropBroken with the lines that are no object."""
    keys: dict[str, None] = {}
    faulty: list[int] = []
    rows = 0
    with copy.path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.isspace():
                continue
            try:
                keys.update(dict.fromkeys(_object(line)))
                rows += 1
            except (ValueError, TypeError, RecursionError):
                faulty.append(number)
    if faulty:
        raise DropBroken(
            f"{copy.name}, {shown(faulty)}: not one whole JSON object in UTF-8. Nothing of the delivery was taken: "
            "ask the sender to correct these lines (one object a line, no list around them)"
        )
    return list(keys), rows


def _batches(copies: tuple[Copy, ...], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rows: list[dict[str, str | None]] = []
    for copy in copies:
        with copy.path.open("rb") as file:
            for line in file:
                if line.isspace():
                    continue
                rows.append(_row(line.decode()))
                if len(rows) >= ROWS_PER_BATCH:
                    yield pa.RecordBatch.from_pylist(rows, schema=schema)
                    rows = []
    if rows:
        yield pa.RecordBatch.from_pylist(rows, schema=schema)


def _row(line: str) -> dict[str, str | None]:
    values: dict[str, Any] = _AS_WRITTEN.decode(line)
    if any(isinstance(value, dict | list) for value in values.values()):
        whole = json.loads(line)
        values = {
            k: json.dumps(whole[k], ensure_ascii=False) if isinstance(v, dict | list) else v for k, v in values.items()
        }
    return {k: v if v is None or isinstance(v, str) else str(v).lower() for k, v in values.items()}


def _object(line: bytes) -> dict[str, Any]:
    value = _AS_WRITTEN.decode(line.decode())
    if not isinstance(value, dict):
        raise TypeError
    return value
