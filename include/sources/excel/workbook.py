"""Stream of a delivery's sheets, as one table, into DuckDB; only some rows of one sheet are held in memory."""

from __future__ import annotations

import unicodedata
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import duckdb
import pyarrow as pa

from include.sources.access import DropBroken, SourceError, SourceMissing
from include.sources.databases import ROWS_PER_BATCH, VIEW
from include.sources.deliveries import Delivery, LocalCopy, check_rows, header, shown
from include.sources.excel.book import Book, Sheet, read_book
from include.sources.excel.package import Package
from include.sources.excel.sheet import SheetReader, Texts
from include.sources.open_object import Reading, batch_of
from include.sources.source_schema import judge_columns, near

CELLS_PER_BATCH = 500_000  # sheets of thousands of columns have fewer rows in a batch
_KINDS = {"chartsheet": "a chart sheet", "dialogsheet": "a dialog sheet", "xlMacrosheet": "a macro sheet"}


def read_workbook(delivery: Delivery, duck: duckdb.DuckDBPyConnection) -> Reading:
    """Open one sheet of each workbook, which together are one table, for reading.

    Headers are read now, rows and their faults when the reading is run. Columns of one name, ignoring letter case,
    are one column; it is null in rows of a workbook that lacks it.

    Raises:
        DropBroken: a file is no workbook, or its header cannot be read.
        SourceMissing: the sheet, or a column that the contract reads, is missing.
    """
    drift = delivery.notes
    names: dict[str, str] = {}
    for copy in delivery.copies:
        with _open_sheet(copy, delivery) as reader:
            _, columns = _header(reader.rows(), reader, copy, delivery)
        drift += judge_columns(delivery.table, columns, copy.name)
        for name in columns:
            names.setdefault(name.lower(), name)
    schema = pa.schema([(name, pa.string()) for name in names.values()])
    failures: list[SourceError] = []
    batches = _batches(delivery, schema, failures)
    duck.register(VIEW, pa.RecordBatchReader.from_batches(schema, batches))

    def explain(_: BaseException) -> SourceError | None:
        batches.close()  # an unfinished generator would be closed on a thread of the engine, which crashes Python
        return failures[-1] if failures else None

    return Reading(f"SELECT * FROM {VIEW}", tuple(dict.fromkeys(drift)), explain)


def _batches(delivery: Delivery, schema: pa.Schema, failures: list[SourceError]) -> Generator[pa.RecordBatch]:
    """Batches of all files. A failure is kept for `explain`: DuckDB only reports a broken stream."""
    try:
        for copy in delivery.copies:
            with _open_sheet(copy, delivery) as reader:
                yield from _sheet_batches(reader, copy, delivery, schema)
    except SourceError as error:
        failures.append(error)
        raise RuntimeError("the delivery is broken") from None


def _sheet_batches(
    reader: SheetReader, copy: LocalCopy, delivery: Delivery, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Batches of one sheet; raises DropBroken at its end if a cell was unreadable."""
    rows = reader.rows()
    header_row, columns = _header(rows, reader, copy, delivery)
    width, count = len(columns), 0
    long: list[int] = []
    own = pa.schema([(name, pa.string()) for name in columns])
    while part := list(islice(rows, max(1, min(ROWS_PER_BATCH, CELLS_PER_BATCH // width)))):
        count += len(part)
        long += [number for number, cells in part if any(cell is not None for cell in cells[width:])]
        yield _widened(batch_of([_exactly(width, cells) for _, cells in part], own), schema)
    reader.raise_faults()
    if long:
        raise DropBroken(
            f"{copy.name}, {shown(long)}: values to the right of the last named column. Nothing of the delivery was "
            "taken: ask the sender to name the column or remove the values"
        )
    reader.find_merged(header_row, width)
    reader.raise_faults()
    check_rows(delivery.entry(copy), count)


def _header(
    rows: Iterator[tuple[int, Texts]], reader: SheetReader, copy: LocalCopy, delivery: Delivery
) -> tuple[int, list[str]]:
    """Number and column names of the first row that is not empty."""
    number, first = next(rows, (0, []))
    reader.raise_faults()
    if not first:
        raise DropBroken(f"{copy.name}: the sheet is empty, without even a header: ask the sender to deliver it again")
    end = max((n for n, cell in enumerate(first, start=1) if cell is not None and cell.strip()), default=0)
    return number, header(first[:end], copy.name, delivery.table)


@contextmanager
def _open_sheet(copy: LocalCopy, delivery: Delivery) -> Iterator[SheetReader]:
    """Reader of the sheet named by the contract, or of the only sheet."""
    with Package(copy.path, copy.name) as package:
        book = read_book(package)
        yield SheetReader(package, book, _pick(book, delivery, copy.name))


def _pick(book: Book, delivery: Delivery, file_name: str) -> Sheet:
    tables = [sheet for sheet in book.sheets if sheet.kind == "worksheet"]
    sheet_name = unicodedata.normalize("NFC", delivery.sheet)
    found = [sheet for sheet in book.sheets if unicodedata.normalize("NFC", sheet.name) == sheet_name]
    chosen = (found if sheet_name else tables)[:1]
    if len(found if sheet_name else tables) == 1 and chosen[0] in tables:
        return chosen[0]
    workbook = f"{delivery.table.qualified_name}: {file_name} has"
    if not tables:
        raise SourceMissing(f"{workbook} no sheet with cells: ask the sender to deliver it again, with the table")
    names = [sheet.name for sheet in tables]
    if not sheet_name:
        what = "several sheets"
    elif len(found) > 1:
        what = f"several sheets '{sheet_name}'"
    elif found:
        what = f"a sheet '{sheet_name}' which is {_KINDS.get(found[0].kind, 'no table')}"
    else:
        what = f"no sheet '{sheet_name}'{near(sheet_name, names)}"
    raise SourceMissing(
        f"{workbook} {what}; it has {', '.join(names)}. Correct physicalName in the contract: {file_name}#{names[0]}"
    )


def _exactly(width: int, cells: Texts) -> Sequence[str | None]:
    return cells if len(cells) == width else [*cells[:width], *[None] * (width - len(cells))]


def _widened(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch of one file with the columns of all files."""
    if batch.schema.equals(schema):
        return batch
    places = {name.lower(): place for place, name in enumerate(batch.schema.names)}
    empty = pa.nulls(batch.num_rows, pa.string())
    columns = [batch.column(places[name.lower()]) if name.lower() in places else empty for name in schema.names]
    return pa.record_batch(columns, schema=schema)
