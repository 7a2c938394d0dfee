"""CSV and its cousins: every column as text, every line accounted for.

A line that is not a row (too short, too long, a broken quote, bytes that are no text) refuses the file, with the line
numbers: to skip it would lose a row without a word, and to guess would invent one.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import duckdb

from include.contracts.model import Table
from include.lake.engine import literal
from include.sources.delivery import Delivery, header, shown
from include.sources.errors import DropBroken
from include.sources.manifest import check_rows
from include.sources.needs import judge_columns, needed
from include.sources.reading import NotCarried, Reading
from include.sources.spool import CHUNK, Copy

DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_HEADER_BYTES = 1 << 20
_FAULTS_KEPT = 1_000  # of each file; a wrong encoding would keep every line
_LONG_LINE = 128 << 20
_FAULTS = {
    "MISSING COLUMNS": "fewer values than columns",
    "TOO MANY COLUMNS": "more values than columns",
    "UNQUOTED VALUE": "a broken quote",
    "INVALID ENCODING": "bytes that are not UTF-8",
    "INVALID STATE": "a broken quote",
    "LINE SIZE OVER MAXIMUM": f"a row of more than {_LONG_LINE >> 20} MB",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How one file is cut into columns."""

    copy: Copy
    delimiter: str
    columns: tuple[str, ...]

    def query(self, *, is_long: bool) -> str:
        """Read the file; faulty lines go to `reject_errors`. `is_long`: with room for rows of up to 128 MB."""
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in self.columns)
        size = f", max_line_size = {_LONG_LINE}, buffer_size = {_LONG_LINE}" if is_long else ""
        return (
            f"SELECT * FROM read_csv({literal(str(self.copy.path))}, auto_detect = false, header = true, "
            f"delim = {literal(self.delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}}, "
            f"strict_mode = true, null_padding = false, store_rejects = true, rejects_limit = {_FAULTS_KEPT}{size})"
        )


def read_delimited(delivery: Delivery, duck: duckdb.DuckDBPyConnection) -> Reading:
    """Open a reading of CSV files, which together are one table."""
    layouts = [_layout(copy, delivery) for copy in delivery.copies]
    drift = delivery.notes
    for layout in layouts:
        drift += judge_columns(delivery.table, layout.columns, layout.copy.name)

    def query(*, is_long: bool) -> str:
        return " UNION ALL BY NAME ".join(layout.query(is_long=is_long) for layout in layouts)

    faults: list[DropBroken] = []

    def plain(_: str) -> str:
        duck.execute("DROP TABLE IF EXISTS reject_errors")
        duck.execute("DROP TABLE IF EXISTS reject_scans")
        return query(is_long=True)

    def check(rows: int) -> tuple[str, ...]:
        found = _faults(duck, layouts)
        if found is not None:
            if not faults:  # a row longer than the buffer looks like a broken quote: look again with more room
                faults.append(found)
                raise NotCarried
            raise found
        counts = [rows] if len(layouts) == 1 else [_count(duck, layout) for layout in layouts]
        for layout, counted in zip(layouts, counts, strict=True):
            _check_count(layout, counted)
            check_rows(delivery.entry(layout.copy), counted)
        return ()

    def explain(error: BaseException) -> DropBroken | None:
        if "invalid state" in str(error) and isinstance(error, duckdb.Error):
            names = ", ".join(layout.copy.name for layout in layouts)
            return DropBroken(
                f"{names}: line ends are mixed (some CR LF, some LF), or a quote is broken: ask the sender to write "
                "the file again with one kind of line end"
            )
        return faults[0] if faults else None

    return Reading(query(is_long=False), tuple(dict.fromkeys(drift)), explain, check, plain, threads=None)


def _layout(copy: Copy, delivery: Delivery) -> Layout:
    """Read the header. Raises DropBroken when the stated delimiter is not the file's."""
    with copy.path.open("rb") as file:
        start = file.read(_HEADER_BYTES).decode("utf-8", errors="replace")
    if not start.strip():
        raise DropBroken(f"{copy.name} is empty, without even a header: ask the sender to deliver it again")
    stated = delivery.entry(copy).delimiter or delivery.delimiter
    by_delimiter = {d: _first_record(start, d) for d in dict.fromkeys((stated or ",", *DELIMITERS))}
    fits = [d for d, names in by_delimiter.items() if _has_all(delivery.table, names)]
    if stated and stated not in fits and fits:
        raise DropBroken(
            f"{copy.name}: its columns are separated by a {_NAMES.get(fits[0], fits[0])}, not by '{stated}': correct "
            "the delimiter in the manifest, or in the contract's server"
        )
    chosen = stated or (fits[0] if fits else max(by_delimiter, key=lambda d: len(by_delimiter[d])))
    return Layout(copy, chosen, tuple(header(by_delimiter[chosen], copy.name, delivery.table)))


def _first_record(start: str, delimiter: str) -> list[str]:
    return next(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter), [])


def _has_all(table: Table, names: list[str]) -> bool:
    present = {unicodedata.normalize("NFC", name).strip().lower() for name in names}
    return all(name.lower() in present for name in needed(table))


def _faults(duck: duckdb.DuckDBPyConnection, layouts: list[Layout]) -> DropBroken | None:
    """What to raise, with file, lines and kind of fault, if any line was not a row."""
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
    told = {(by_path[path].name, fault): line_numbers(Path(path), found) for (path, fault), found in places.items()}
    faults = "; ".join(f"{name}, {shown(lines)}: {fault}" for (name, fault), lines in told.items())
    return DropBroken(
        f"{faults}. Nothing of the delivery was taken: ask the sender to correct these lines, or check delimiter and "
        "encoding in the manifest or the contract's server"
    )


def line_numbers(path: Path, places: list[int]) -> list[int]:
    """The line of each byte position (ascending), as an editor counts; the engine counts a row of many lines as one."""
    lines: list[int] = []
    with path.open("rb") as file:
        line, done = 1, 0
        for place in places:
            while done < place and (chunk := file.read(min(CHUNK, place - done))):
                line += chunk.count(b"\n")
                done += len(chunk)
            lines.append(line)
    return lines


def _count(duck: duckdb.DuckDBPyConnection, layout: Layout) -> int:
    row = duck.execute(f"SELECT count(*) FROM ({layout.query(is_long=True)})").fetchone()
    return int(row[0]) if row else 0


def _check_count(layout: Layout, rows: int) -> None:
    """A second opinion on the number of rows, by other code: a row that one reader swallowed must not pass unseen."""
    if len(layout.columns) == 1 or count_records(layout.copy.path) == rows + 1:
        return
    with layout.copy.path.open(encoding="utf-8", newline="") as file:
        csv.field_size_limit(_LONG_LINE)
        counted = sum(1 for record in csv.reader(file, delimiter=layout.delimiter) if record)
    if counted != rows + 1:
        raise DropBroken(
            f"{layout.copy.name}: two readers count {rows} and {counted - 1} rows: a quote is broken or line ends are "
            "mixed. Nothing of the delivery was taken: ask the sender to write the file again"
        )


def count_records(path: Path) -> int:
    """Line ends outside quotes, and a last line without one; empty lines are counted too."""
    ends = 0
    is_quoted = False
    last = b"\n"
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            for number, part in enumerate(chunk.split(b'"')):
                if number:
                    is_quoted = not is_quoted
                if not is_quoted:
                    ends += part.count(b"\n")
            last = chunk[-1:]
    return ends + (is_quoted or last != b"\n")
