"""Excel workbooks: one sheet is one table, every cell as text.

Dates in ISO form, whole numbers without `.0`, text as it is. Excel has dropped leading zeros of a code that it took
for a number before we see it: the contract's rules find those, nothing here guesses them back.
"""

from __future__ import annotations

import datetime as dt
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa
from openpyxl.utils.exceptions import InvalidFileException

from include.sources.delivery import Delivery, header, shown
from include.sources.errors import DropBroken, SourceMissing
from include.sources.manifest import check_rows
from include.sources.needs import judge_columns, near
from include.sources.reading import Reading
from include.sources.spool import Copy
from include.sources.streaming import ROWS_PER_BATCH, VIEW, batch_of

MAX_EXACT = 10**15  # Excel keeps 15 digits


def read_workbook(delivery: Delivery, duck: duckdb.DuckDBPyConnection) -> Reading:
    """Open a reading of one sheet of each workbook; together they are one table."""
    drift = delivery.notes
    parts: list[pa.Table] = []
    for copy in delivery.copies:
        part = _sheet(copy, delivery)
        check_rows(delivery.entry(copy), part.num_rows)
        drift += judge_columns(delivery.table, part.column_names, copy.name)
        parts.append(part)
    duck.register(VIEW, pa.concat_tables(parts, promote_options="default"))
    return Reading(f"SELECT * FROM {VIEW}", tuple(dict.fromkeys(drift)), lambda _: None, threads=None)


def _sheet(copy: Copy, delivery: Delivery) -> pa.Table:
    """All rows of a sheet as text. Raises DropBroken for values outside the named columns."""
    rows = _rows(copy, delivery.sheet, delivery.table.qualified_name)
    _, first = next(rows, (0, []))
    if not first:
        raise DropBroken(f"{copy.name}: the sheet is empty, without even a header: ask the sender to deliver it again")
    columns = header(_trim(first), copy.name, delivery.table)
    width = len(columns)
    schema = pa.schema([(name, pa.string()) for name in columns])
    batches: list[pa.RecordBatch] = []
    pending: list[list[str | None]] = []
    long: list[int] = []
    for number, cells in rows:
        if any(cell is not None for cell in cells[width:]):
            long.append(number)
        pending.append([*cells[:width], *[None] * (width - len(cells))])
        if len(pending) == ROWS_PER_BATCH:
            batches.append(batch_of(pending, schema))
            pending = []
    if long:
        raise DropBroken(
            f"{copy.name}, {shown(long)}: values to the right of the last named column. Nothing of the delivery was "
            "taken: ask the sender to name the column or remove the values"
        )
    return pa.Table.from_batches([*batches, batch_of(pending, schema)], schema)


def _rows(copy: Copy, sheet: str, table: str) -> Iterator[tuple[int, list[str | None]]]:
    """Rows that hold anything, with their number in the sheet."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that no cell depends on
            book = openpyxl.load_workbook(copy.path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError, ValueError):
        raise DropBroken(
            f"{copy.name} is no Excel workbook that can be read (.xlsx, without password): ask the sender to save it so"
        ) from None
    try:
        if not sheet and len(book.sheetnames) == 1:
            sheet = book.sheetnames[0]
        if sheet not in book.sheetnames:
            wanted = f"no sheet '{sheet}'{near(sheet, book.sheetnames)}" if sheet else "several sheets"
            raise SourceMissing(
                f"{table}: {copy.name} has {wanted}; it has {', '.join(book.sheetnames)}. Correct physicalName in the "
                f"contract: {copy.name}#{book.sheetnames[0]}"
            )
        uncomputed = _uncomputed(copy.path, sheet)
        if uncomputed:
            raise DropBroken(
                f"{copy.name}, {shown(uncomputed)}: formulas without a stored result: ask the sender to open the "
                "workbook in Excel, save it, and deliver it again"
            )
        page = book[sheet]
        page.reset_dimensions()
        for number, cells in enumerate(page.iter_rows(), start=1):
            texts = [_text(cell.value, getattr(cell, "number_format", "") or "") for cell in cells]
            if any(text is not None for text in texts):
                yield number, texts
    finally:
        book.close()


def _uncomputed(path: Path, sheet: str) -> list[int]:
    """Rows with a formula that no spreadsheet program has computed: their values are not in the file."""
    with zipfile.ZipFile(path) as parts:
        if not any(b"<f" in parts.read(n) for n in parts.namelist() if n.startswith("xl/worksheets/sheet")):
            return []
    formulas = openpyxl.load_workbook(path, read_only=True)
    values = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        pairs = zip(formulas[sheet].iter_rows(values_only=True), values[sheet].iter_rows(values_only=True), strict=True)
        return [
            number
            for number, (written, stored) in enumerate(pairs, start=1)
            if any(isinstance(w, str) and w.startswith("=") and s is None for w, s in zip(written, stored, strict=True))
        ]
    finally:
        formulas.close()
        values.close()


def _text(value: Any, number_format: str) -> str | None:
    """A cell as text; None for an empty one."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, dt.datetime):
        is_day = value.time() == dt.time() and "h" not in number_format.lower()
        return value.date().isoformat() if is_day else value.isoformat(sep=" ")
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_EXACT:
        return str(int(value))
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def _trim(cells: list[str | None]) -> list[str | None]:
    """Without empty cells at the end: Excel remembers columns that were once formatted."""
    end = max((n for n, cell in enumerate(cells, start=1) if cell is not None and cell.strip()), default=0)
    return cells[:end]
