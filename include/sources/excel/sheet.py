"""Rows of one sheet, in one pass over its XML, and its cells that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

from include.sources.access import DropBroken
from include.sources.deliveries import LINES_SHOWN
from include.sources.excel.book import Book, Sheet, Strings, text_of
from include.sources.excel.cell_texts import iso_text, number_text
from include.sources.excel.cells import Cell, Merge, address, place_of, raw_rows
from include.sources.excel.number_formats import NumberFormat, built_in
from include.sources.excel.package import Package, open_errors

Texts = list[str | None]
_BOOLEANS = {"1": "TRUE", "true": "TRUE", "0": "FALSE", "false": "FALSE"}
# Error values that may be quoted: any other content of an error cell may be a personal value.
_ERRORS = {
    "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!", "#CALC!", "#FIELD!",
    "#BLOCKED!", "#CONNECT!", "#BUSY!", "#UNKNOWN!", "#EXTERNAL!", "#PYTHON!",
}  # fmt: skip
_ERROR = "error value {}"
_UNCOMPUTED = "formulas without a stored result"
_UNREADABLE = "contents that do not fit the type or style of the cell"
_TWICE = "given twice"
_MERGED = "merged, so that one value stands for several cells and the others are empty"
_RESAVE = "open the workbook in Excel, save it, and deliver it again"
_REMEDIES = {
    _UNCOMPUTED: _RESAVE,
    _UNREADABLE: _RESAVE,
    _TWICE: _RESAVE,
    _MERGED: "unmerge them (Home, Merge & Center, Unmerge Cells) and to write the value into every cell that it is for",
}
_CORRECT = "correct these formulas, or to write the value there or nothing"


class _Broken(Exception):
    """A cell that cannot be read; the message is the kind of fault, without a value."""


class SheetReader:
    """Reader of one sheet. `rows` reads it and fills `merges`; `raise_faults` reports unreadable cells."""

    def __init__(self, package: Package, book: Book, sheet: Sheet) -> None:
        self.merges: list[Merge] = []
        self._package, self._book, self._sheet = package, book, sheet
        self._strings = Strings(package, book.strings_part)
        self._formats: dict[str, NumberFormat] = {} if book.styles else {"0": built_in(0)}
        self._columns: dict[str, int] = {}
        self._faults: dict[str, list[str]] = {}

    def rows(self) -> Iterator[tuple[int, Texts]]:
        """Rows that are not empty, with their number in the sheet, in file order. Unreadable cells are empty text.

        Raises:
            DropBroken: the sheet is damaged, or too large.
        """
        self.merges.clear()
        number = 0
        with open_errors(self._package.name):
            for stated, cells in raw_rows(self._package, self._sheet.part, self.merges):
                number = int(stated) if stated else number + 1
                texts = self._texts(cells, number)
                if any(text is not None for text in texts):
                    yield number, texts

    def raise_faults(self) -> None:
        """Raise DropBroken with the unreadable cells so far and the remedy."""
        if self._faults:
            faults = "; ".join(f"{_shown(cells)}: {fault}" for fault, cells in self._faults.items())
            remedies = dict.fromkeys(_REMEDIES.get(fault, _CORRECT) for fault in self._faults)
            raise DropBroken(
                f"{self._package.name}, sheet '{self._sheet.name}', {faults}. Nothing of the delivery was taken: ask "
                f"the sender to {'; and to '.join(remedies)}"
            )

    def find_merged(self, header: int, width: int) -> None:
        """Record merged cells over data as faults: below the header row, among its first `width` columns.

        Whether the first cell of a merge is empty is looked up in a second pass, if there is such a merge.
        """
        merges = {(merge.top, merge.left): merge for merge in self.merges if merge.takes_from(header, width)}
        if not merges:
            return
        tops = {top for top, _ in merges}
        for number, texts in self.rows():
            if number in tops:
                for column, text in enumerate(texts):
                    if text is not None and (number, column) in merges:
                        self._fault(_MERGED, merges[number, column].reference)

    def _fault(self, fault: str, place: str) -> str:
        self._faults.setdefault(fault, []).append(place)
        return ""

    def _texts(self, cells: list[Cell], row: int) -> Texts:
        """Texts of a row in column order; a cell without reference follows the one before."""
        texts: Texts = []
        column = -1
        for cell in cells:
            reference = cell[0].get("r")
            column = self._column(reference) if reference else column + 1
            text = self._text(cell, row, column)
            if column == len(texts):
                texts.append(text)
            elif column > len(texts):
                texts += [None] * (column - len(texts)) + [text]
            elif text is not None:
                if texts[column] is not None:
                    self._fault(_TWICE, address(row, column))
                texts[column] = text
        return texts

    def _column(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        if letters not in self._columns:
            self._columns[letters] = place_of(reference)[1]
        return self._columns[letters]

    def _text(self, cell: Cell, row: int, column: int) -> str | None:
        """A cell as text; None for an empty one."""
        try:
            return self._value(cell)
        except (_Broken, ValueError, IndexError) as error:
            return self._fault(str(error) if isinstance(error, _Broken) else _UNREADABLE, address(row, column))

    def _value(self, cell: Cell) -> str | None:
        given, value, runs, formula = cell
        kind = given.get("t", "n")
        if formula is not None and runs is None and self._is_uncomputed(kind, value):
            raise _Broken(_UNCOMPUTED)
        if kind in ("str", "inlineStr") or value is None:
            return self._joined(runs or ([] if value is None else [value]))
        value = value.strip()
        if not value:
            return None
        if kind == "s":
            return self._shared(value)
        if kind == "n":
            number_format = self._format(given.get("s") or "0")
            if number_format.is_plain and value.isascii() and value.isdigit() and (value[0] != "0" or value == "0"):
                return value
            return number_text(value, number_format, self._book.is_1904)
        if kind == "b" and value in _BOOLEANS:
            return _BOOLEANS[value]
        if kind == "d":
            return iso_text(value, self._format(given.get("s") or "0"))
        if kind == "e":
            raise _Broken(_ERROR.format(value if value in _ERRORS else "of an unknown name"))
        raise _Broken(_UNREADABLE)

    def _is_uncomputed(self, kind: str, value: str | None) -> bool:
        """Whether a formula has no stored result. Empty text is one; a 0 is none in a workbook without calculation."""
        if kind == "str":
            return value is None
        return not value or (kind == "n" and value == "0" and self._book.is_recalculated)

    def _joined(self, runs: list[str]) -> str | None:
        text = text_of(runs) if runs else ""
        if text is None:
            raise _Broken(_UNREADABLE)
        return text or None

    def _shared(self, number: str) -> str | None:
        text = self._strings[_number(number)]
        if text is None:
            raise _Broken(_UNREADABLE)
        return text or None

    def _format(self, style: str) -> NumberFormat:
        if style not in self._formats:
            self._formats[style] = self._book.styles[_number(style)]
        return self._formats[style]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("no index")
    return int(text)


def _shown(cells: list[str]) -> str:
    first = ", ".join(cells[:LINES_SHOWN])
    more = f" and {len(cells) - LINES_SHOWN} more" if len(cells) > LINES_SHOWN else ""
    return f"cell{'s' if len(cells) > 1 or ':' in first else ''} {first}{more}"
