"""Raw cells of a sheet's XML, and conversion of cell references."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from include.sources.excel.package import (
    DEEPEST,
    MOST_MERGES,
    MOST_RUNS,
    Attributes,
    Forbidden,
    Package,
    fed,
    parser_of,
    tags,
)

Cell = tuple[Attributes, str | None, list[str] | None, Attributes | None]
"""Attributes, `v`, the runs of inline text, and the attributes of `f`, as far as the cell has them."""
_TAGS = tags("c", "v", "f", "t", "rPh", "row", "mergeCell")
_COLUMNS = 16_384  # Excel's limits
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]+)", re.I | re.ASCII)


class Merge(NamedTuple):
    """Merged cells: rows from 1, columns from 0, the last included."""

    top: int
    left: int
    bottom: int
    right: int
    reference: str

    def takes_from(self, header: int, width: int) -> bool:
        """Whether it covers a cell other than its first, below row `header` and among the first `width` columns."""
        is_one = self.top == self.bottom and min(self.right, width - 1) == self.left
        return self.bottom > header and self.left < width and not is_one


def raw_rows(package: Package, part: str, merges: list[Merge]) -> Iterator[tuple[str, list[Cell]]]:
    """Row number and cells of each row; merged ranges of the sheet are appended to `merges`."""
    rows: list[tuple[str, list[Cell]]] = []
    cells: list[Cell] = []
    piece: list[str] = []
    given: Attributes = {}
    row_number = ""
    value: str | None = None
    runs: list[str] | None = None
    formula: Attributes | None = None
    is_phonetic = False
    depth = 0

    def start(name: str, attributes: Attributes) -> None:
        nonlocal given, value, runs, formula, cells, row_number, is_phonetic, depth
        depth += 1
        if depth > DEEPEST:
            raise Forbidden
        tag = _TAGS.get(name)
        if tag == "c":
            given, value, runs, formula = attributes, None, None, None
        elif tag in ("v", "t"):
            piece.clear()
            parser.CharacterDataHandler = piece.append
        elif tag == "f":
            formula = attributes
        elif tag == "row":
            row_number, cells = attributes.get("r", ""), []
        elif tag == "rPh":
            is_phonetic = True
        elif tag == "mergeCell":
            if len(merges) >= MOST_MERGES:
                raise Forbidden
            merges.append(merge_of(attributes["ref"]))

    def end(name: str) -> None:
        nonlocal value, runs, is_phonetic, depth
        depth -= 1
        tag = _TAGS.get(name)
        if tag == "v":
            parser.CharacterDataHandler = None
            value = "".join(piece)
        elif tag == "c":
            if len(cells) == _COLUMNS:
                raise ValueError("more cells in a row than Excel has columns")
            cells.append((given, value, runs, formula))
        elif tag == "row":
            rows.append((row_number, cells))
        elif tag == "t":
            parser.CharacterDataHandler = None
            if not is_phonetic:
                runs = runs or []
                runs.append("".join(piece))
                if len(runs) > MOST_RUNS:
                    raise Forbidden
        elif tag == "rPh":
            is_phonetic = False

    parser = parser_of(start)
    parser.EndElementHandler = end
    for _ in fed(parser, package.chunks(part), piece):
        yield from rows
        rows.clear()


def place_of(reference: str) -> tuple[int, int]:
    """Row from 1 and column from 0 of a reference such as `$B$3`."""
    found = _REFERENCE.fullmatch(reference)
    if not found:
        raise ValueError("no reference")
    column = 0
    for letter in found[1].upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    if column > _COLUMNS:
        raise ValueError("a column that Excel does not have")
    return int(found[2]), column - 1


def address(row: int, column: int) -> str:
    """Excel's reference of a cell: row from 1, column from 0."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row}"


def merge_of(reference: str) -> Merge:
    """The cells of a reference such as `A2:B21`."""
    first, _, last = reference.partition(":")
    (top, left), (bottom, right) = place_of(first), place_of(last or first)
    return Merge(min(top, bottom), min(left, right), max(top, bottom), max(left, right), reference)
