"""CSV and its cousins: every column as text, every line accounted for.

A line that is not a row (too short, too long, a broken quote, bytes that are no text) refuses the file, with the line numbers: to
skip it would lose a row without a word, and to guess would invent one.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

import duckdb

from include.contracts.model import Table
from include.lake.engine import literal
from include.sources.delivery import Delivery, header, shown
from include.sources.errors import DropBroken
from include.sources.manifest import check_rows
from include.sources.needs import judge_columns, needed
from include.sources.reading import NotCarried, Reading
from include.sources.spool import Copy

DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_HEADER_BYTES = 1 << 20
_LONG_LINE = 256 << 20
_TOO_LONG = "LINE SIZE OVER MAXIMUM"
_FAULTS = {
    "MISSING COLUMNS": "fewer values than columns",
    "TOO MANY COLUMNS": "more values than columns",
    "UNQUOTED VALUE": "a broken quote",
    "INVALID ENCODING": "bytes that are not UTF-8",
    "INVALID STATE": "a broken quote",
    _TOO_LONG: f"a row of more than {_LONG_LINE >> 20} MB",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How one file is cut into columns."""

    copy: Copy
    delimiter: str
    columns: tuple[str, ...]

    def query(self, *, is_long: bool) -> str:
        """Read the file; faulty lines go to `reject_errors`. `is_long`: with room for rows of up to 256 MB."""
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in self.columns)
        size = f", max_line_size = {_LONG_LINE}, buffer_size = {_LONG_LINE}, parallel = false" if is_long else ""
        return (
            f"SELECT * FROM read_csv({literal(str(self.copy.path))}, auto_detect = false, header = true, "
            f"delim = {literal(self.delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}}, "
            f"strict_mode = true, null_padding = false, store_rejects = true{size})"
        )


def read_delimited(delivery: Delivery, duck: duckdb.DuckDBPyConnection) -> Reading:
    """Open a reading of CSV files, which together are one table."""
    layouts = [_layout(copy, delivery) for copy in delivery.copies]
    drift = delivery.notes
    for layout in layouts:
        drift += judge_columns(delivery.table, layout.columns, layout.copy.name)

    def query(*, is_long: bool) -> str:
        return " UNION ALL BY NAME ".join(layout.query(is_long=is_long) for layout in layouts)

    def plain(_: str) -> str:
        duck.execute("DROP TABLE IF EXISTS reject_errors")
        duck.execute("DROP TABLE IF EXISTS reject_scans")
        return query(is_long=True)

    def check(rows: int) -> tuple[str, ...]:
        _check_faults(duck, layouts)
        if len(layouts) == 1:
            check_rows(delivery.entry(layouts[0].copy), rows)
        else:
            for layout in layouts:
                counted = duck.execute(f"SELECT count(*) FROM ({layout.query(is_long=True)})").fetchone()
                check_rows(delivery.entry(layout.copy), int(counted[0]) if counted else 0)
        return ()

    return Reading("csv", query(is_long=False), tuple(dict.fromkeys(drift)), lambda _: None, check, plain)


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
            f"{copy.name}: its columns are separated by a {_NAMES.get(fits[0], fits[0])}, not by '{stated}': correct the "
            "delimiter in the manifest, or in the contract's server"
        )
    chosen = stated or (fits[0] if fits else max(by_delimiter, key=lambda d: len(by_delimiter[d])))
    return Layout(copy, chosen, tuple(header(by_delimiter[chosen], copy.name)))


def _first_record(start: str, delimiter: str) -> list[str]:
    return next(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter), [])


def _has_all(table: Table, names: list[str]) -> bool:
    present = {name.strip().lower() for name in names}
    return all(name.lower() in present for name in needed(table))


def _check_faults(duck: duckdb.DuckDBPyConnection, layouts: list[Layout]) -> None:
    """Raise DropBroken, with file, lines and kind of fault, if any line was not a row."""
    rows = duck.execute(
        "SELECT s.file_path, e.error_type::VARCHAR, e.line FROM reject_errors e JOIN reject_scans s USING (scan_id, file_id) "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    if not rows:
        return
    if any(kind == _TOO_LONG for _, kind, _ in rows):
        raise NotCarried
    names = {str(layout.copy.path): layout.copy.name for layout in layouts}
    told: dict[tuple[str, str], list[int]] = {}
    for path, kind, line in rows:
        told.setdefault((names.get(path, path), _FAULTS.get(kind, kind.lower())), []).append(int(line))
    faults = "; ".join(f"{name}, {shown(lines)}: {fault}" for (name, fault), lines in told.items())
    raise DropBroken(
        f"{faults}. Nothing of the delivery was taken: ask the sender to correct these lines, or check delimiter and "
        "encoding in the manifest or the contract's server"
    )
