r"""Reading of delimited text (CSV, TSV): every column as text, every line either a row or an error.

A line that is not a row (too short, too long, a broken quote, invalid encoding) refuses the file, with the line
numbers: skipping it would lose a row silently, guessing would invent one. An empty line is no row. An empty value is
null, quoted or not, as CSV does not distinguish the two; all else stays as received, blanks and `NULL` and `\N` too.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import dataclass, replace

import duckdb

from include.contracts.model import Table
from include.lake.storage import literal, quote
from include.sources.access import DropBroken
from include.sources.csv.records import CsvBroken, batches, misfits, records
from include.sources.csv.survey import LONGEST_VALUE, Survey, TooLong, first_other_end, line_numbers, survey_csv
from include.sources.deliveries import Delivery, LocalCopy, check_rows, header, shown
from include.sources.open_object import NotCarried, Reading
from include.sources.source_schema import judge_columns, needed

DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_HEADER_BYTES = 1 << 20
_LONG_VALUE = 20  # lines of a quoted value from which on a note names it
_FAULTS_KEPT = 1_000  # of each file; a wrong encoding would keep every line
_WIDE = 300  # columns beyond which four threads exceed landing's memory limit
_FAULTS = {
    "MISSING COLUMNS": "fewer values than columns",
    "TOO MANY COLUMNS": "more values than columns",
    "UNQUOTED VALUE": "a broken quote",
    "INVALID ENCODING": "bytes that are not UTF-8",
    "INVALID STATE": "a broken quote",
    "LINE SIZE OVER MAXIMUM": f"a row of more than {LONGEST_VALUE >> 20} MB",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Delimiter and columns of one file. `view` holds its rows if DuckDB would not read them exactly."""

    copy: LocalCopy
    delimiter: str
    columns: tuple[str, ...]
    survey: Survey
    view: str = ""

    def query(self, *, is_long: bool) -> str:
        """SQL that reads the file; faulty lines go to `reject_errors`. `is_long`: allows rows of up to 128 MB."""
        if self.view:
            return f"SELECT * FROM {self.view}"
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in self.columns)
        size = f", max_line_size = {LONGEST_VALUE}, buffer_size = {LONGEST_VALUE}" if is_long else ""
        scan = (
            f"read_csv({literal(str(self.copy.path))}, auto_detect = false, header = true, "
            f"delim = {literal(self.delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}}, "
            f"strict_mode = true, null_padding = false, store_rejects = true, rejects_limit = {_FAULTS_KEPT}{size}"
        )
        if len(self.columns) > 1:
            return f"SELECT * FROM {scan})"
        column = quote(self.columns[0])  # an empty line is no row here either, a quoted empty value is one
        return (
            f"SELECT nullif({column}, '') AS {column} FROM {scan}, allow_quoted_nulls = false) WHERE {column} NOTNULL"
        )


def read_delimited(delivery: Delivery, duck: duckdb.DuckDBPyConnection) -> Reading:
    """Open CSV files, which together are one table, for reading. Raises DropBroken."""
    drift = delivery.notes
    layouts: list[Layout] = []
    for number, copy in enumerate(delivery.copies):
        layout = _layout(copy, delivery)
        drift += judge_columns(delivery.table, layout.columns, copy.name)
        drift += _notes(layout)
        layouts.append(_read_exactly(duck, layout, f"csv_rows_{number}"))

    def query(*, is_long: bool) -> str:
        return " UNION ALL BY NAME ".join(layout.query(is_long=is_long) for layout in layouts)

    def plain(_: str) -> str:
        duck.execute("DROP TABLE IF EXISTS reject_errors")
        duck.execute("DROP TABLE IF EXISTS reject_scans")
        for layout in layouts:
            _register(duck, layout)
        return query(is_long=True)

    faults: list[DropBroken] = []

    def check(rows: int) -> tuple[str, ...]:
        found = _faults(duck, layouts)
        if found is not None:
            if not faults:  # a row longer than the buffer looks like a broken quote: read again with a larger one
                faults.append(found)
                raise NotCarried
            raise found
        counts = [rows] if len(layouts) == 1 else [_count(duck, layout) for layout in layouts]
        notes: tuple[str, ...] = ()
        for layout, counted in zip(layouts, counts, strict=True):
            notes += _check_count(layout, counted)
            check_rows(delivery.entry(layout.copy), counted)
        return notes

    def explain(error: BaseException) -> DropBroken | None:
        if "invalid state" in str(error) and isinstance(error, duckdb.Error):
            return _broken_quote(layouts)
        return faults[0] if faults else None

    threads = 1 if any(len(layout.columns) > _WIDE for layout in layouts) else None
    return Reading(query(is_long=False), tuple(dict.fromkeys(drift)), explain, check, plain, threads=threads)


def _layout(copy: LocalCopy, delivery: Delivery) -> Layout:
    """Layout of a file by its header. Raises DropBroken for a wrong stated delimiter or mixed line ends."""
    with copy.path.open("rb") as file:
        start = file.read(_HEADER_BYTES).decode("utf-8", errors="replace")
    if len(start) >= _HEADER_BYTES // 4 and not any(end in start for end in "\r\n"):
        raise _refused({(copy.name, f"a header of more than {_HEADER_BYTES >> 20} MB"): [1]})
    if not start.strip():
        raise DropBroken(f"{copy.name} is empty, without even a header: ask the sender to deliver it again")
    if start.lower().startswith("sep="):
        raise DropBroken(
            f"{copy.name}: the first line (`sep=`) is a hint for Excel and no header: ask the sender to write the file "
            "without it"
        )
    stated = delivery.entry(copy).delimiter or delivery.delimiter
    if len(stated.encode()) > 1 or stated in {'"', "\r", "\n"}:
        raise DropBroken(
            f"{copy.name}: the stated delimiter is not one character of ASCII other than a quote or line end: correct "
            "it in the manifest, or in the contract's server"
        )
    by_delimiter = {d: _first_record(start, d) for d in dict.fromkeys((stated or ",", *DELIMITERS))}
    fits = [d for d, names in by_delimiter.items() if _has_all(delivery.table, names)]
    if stated and stated not in fits and fits:
        raise DropBroken(
            f"{copy.name}: its columns are separated by a {_NAMES.get(fits[0], fits[0])}, not by '{stated}': correct "
            "the delimiter in the manifest, or in the contract's server"
        )
    chosen = stated or (fits[0] if fits else max(by_delimiter, key=lambda d: len(by_delimiter[d])))
    names = by_delimiter[chosen]
    if len(names) > 1 and not names[-1]:
        names = names[:-1]  # a delimiter at the end of the header names no column; a value there is one too many
    columns = tuple(header(names, copy.name, delivery.table))
    try:
        layout = Layout(copy, chosen, columns, survey_csv(copy.path, chosen))
    except TooLong as too_long:
        lines = line_numbers(copy.path, [too_long.at])
        fault = f"a row or value of more than {LONGEST_VALUE >> 20} MB begins here (is a quote missing?)"
        raise _refused({(copy.name, fault): lines}) from None
    if layout.survey.is_mixed:
        (line,) = line_numbers(copy.path, [first_other_end(copy.path, chosen)])
        raise DropBroken(
            f"{copy.name}: line ends are mixed: line {line:,} ends otherwise than the first (LF, CR LF and CR are the "
            "kinds). Ask the sender to write the file again with one kind of line end"
        )
    return layout


def _notes(layout: Layout) -> tuple[str, ...]:
    survey = layout.survey
    if survey.longest <= _LONG_VALUE:
        return ()
    (line,) = line_numbers(layout.copy.path, [survey.longest_at])
    value = f"the longest quoted value spans {survey.longest:,} lines, beginning at line {line:,}"
    return (f"{layout.copy.name}: {value}: is a quote missing?",)


def _read_exactly(duck: duckdb.DuckDBPyConnection, layout: Layout, view: str) -> Layout:
    """The layout with rows read by records.py, for files in which DuckDB might change a value. Raises DropBroken."""
    if not layout.survey.needs_care:
        return layout
    try:
        faults = misfits(layout.copy.path, layout.delimiter, len(layout.columns))
    except UnicodeDecodeError:
        return layout  # DuckDB reports the line
    if faults:
        raise _refused({(layout.copy.name, fault): lines for fault, lines in faults.items()})
    layout = replace(layout, view=view)
    _register(duck, layout)
    return layout


def _register(duck: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    if layout.view:
        duck.register(layout.view, batches(layout.copy.path, layout.delimiter, layout.columns))


def _first_record(start: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter), [])
    except csv.Error:  # a name of more than 128 KB: the delimiter is wrong
        return []


def _has_all(table: Table, names: list[str]) -> bool:
    present = {unicodedata.normalize("NFC", name).strip().lower() for name in names}
    return all(name.lower() in present for name in needed(table))


def _faults(duck: duckdb.DuckDBPyConnection, layouts: list[Layout]) -> DropBroken | None:
    """Error with file, lines and kind of fault, if any line was not a row; else None."""
    if all(layout.view for layout in layouts):
        return None
    rows = duck.execute(
        "SELECT s.file_path, e.error_type::VARCHAR, e.line_byte_position FROM reject_errors e "
        "JOIN reject_scans s USING (scan_id, file_id) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    if not rows:
        return None
    by_path = {str(layout.copy.path): layout.copy for layout in layouts}
    places: dict[tuple[str, str], list[int]] = {}
    for path, kind, place in rows:
        places.setdefault((path, _FAULTS.get(kind, kind.lower())), []).append(int(place))
    faults_text = {
        (by_path[path].name, fault): line_numbers(by_path[path].path, found) for (path, fault), found in places.items()
    }
    return _refused(faults_text)


def _refused(faults: dict[tuple[str, str], list[int]]) -> DropBroken:
    """Error naming the lines by file and kind of fault."""
    faults_text = "; ".join(f"{name}, {shown(lines)}: {fault}" for (name, fault), lines in faults.items())
    return DropBroken(
        f"{faults_text}. Nothing of the delivery was taken: ask the sender to correct these lines, or check delimiter "
        "and encoding in the manifest or the contract's server"
    )


def _broken_quote(layouts: list[Layout]) -> DropBroken:
    """Error naming the line of a broken quote at which DuckDB stops."""
    for layout in layouts:
        try:
            for _ in records(layout.copy.path, layout.delimiter):
                pass
        except CsvBroken as broken:
            return _refused({(layout.copy.name, "a broken quote"): [broken.line]})
        except UnicodeDecodeError:
            continue
    names = ", ".join(layout.copy.name for layout in layouts)
    return DropBroken(f"{names}: a quote is broken: ask the sender to write the file again")


def _count(duck: duckdb.DuckDBPyConnection, layout: Layout) -> int:
    _register(duck, layout)
    row = duck.execute(f"SELECT count(*) FROM ({layout.query(is_long=True)})").fetchone()
    return int(row[0]) if row else 0


def _check_count(layout: Layout, rows: int) -> tuple[str, ...]:
    """Check the number of rows against the survey's, so that no reader loses a row silently."""
    found = layout.survey.records - 1
    if found == rows:
        return ()
    try:
        counted = sum(1 for _ in records(layout.copy.path, layout.delimiter)) - 1
    except CsvBroken as broken:
        raise _refused({(layout.copy.name, "a broken quote"): [broken.line]}) from None
    if counted != rows:
        raise DropBroken(
            f"{layout.copy.name}: two readers count {rows} and {counted} rows: a quote is broken. Nothing of the "
            "delivery was taken: ask the sender to write the file again"
        )
    return (f"{layout.copy.name}: lines without anything between the rows: {found - rows:,}",)
