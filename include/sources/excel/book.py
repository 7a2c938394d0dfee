"""Workbook metadata: sheet names, date system, cell styles and shared strings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from include.sources.excel.number_formats import NumberFormat, built_in, read_format
from include.sources.excel.package import (
    DEEPEST,
    MOST_RUNS,
    Attributes,
    Forbidden,
    Package,
    fed,
    open_errors,
    parser_of,
    tags,
)

STRINGS_LARGEST = 512 << 20  # shared strings are held in memory, sheets are not
_BOOK = tags("sheet", "workbookPr", "calcPr")
_STYLES = tags("numFmts", "numFmt", "cellStyleXfs", "cellXfs", "xf", "cellStyles", "dxfs")
_STRINGS = tags("si", "t", "rPh")
_TRUE = {"1", "true"}
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet's entry in the workbook. `kind` is `worksheet` for one with cells; `part` holds them."""

    name: str
    kind: str
    part: str


@dataclass(frozen=True, slots=True)
class Book:
    """Workbook metadata. `styles` are number formats by a cell's style number.

    `is_recalculated` (`fullCalcOnLoad`): written by a program that calculates nothing and stores 0 as every result.
    """

    sheets: tuple[Sheet, ...]
    styles: tuple[NumberFormat, ...]
    is_1904: bool
    is_recalculated: bool
    strings_part: str


def read_book(package: Package) -> Book:
    """The workbook in a package. Raises DropBroken if it is damaged."""
    with open_errors(package.name):
        related = package.related(package.workbook)
        by_kind = dict(related.values())
        sheets: list[Sheet] = []
        is_1904 = is_recalculated = False
        for tag, given in package.starts(package.workbook, _BOOK):
            if tag == "sheet":
                id_ = next((value for name, value in given.items() if name.endswith(" id")), "")
                sheets.append(Sheet(given.get("name", ""), *related.get(id_, ("missing part", ""))))
            elif tag == "workbookPr":
                is_1904 = given.get("date1904", "").lower() in _TRUE
            else:
                is_recalculated = given.get("fullCalcOnLoad", "").lower() in _TRUE
        styles = _styles(package, by_kind["styles"]) if "styles" in by_kind else ()
    return Book(tuple(sheets), styles, is_1904, is_recalculated, by_kind.get("sharedStrings", ""))


def _styles(package: Package, part: str) -> tuple[NumberFormat, ...]:
    """Number formats by style number."""
    codes: dict[int, NumberFormat] = {}
    ids: list[int] = []
    inside = ""
    for tag, given in package.starts(part, _STYLES):
        if tag == "numFmt":
            if inside == "numFmts":  # skip the formats of conditional formatting
                codes[int(given["numFmtId"])] = read_format(given.get("formatCode", ""))
        elif tag == "xf":
            if inside == "cellXfs":
                ids.append(int(given.get("numFmtId", "0")))
        else:
            inside = tag
    plain = {number: built_in(number) for number in {*ids} - {*codes}}
    return tuple(codes.get(number) or plain[number] for number in ids)


class Strings:
    """Shared strings, read lazily: a header needs only the first ones."""

    def __init__(self, package: Package, part: str) -> None:
        self._read: list[str | None] = []
        self._more = _strings(package, part, self._read) if part else iter(())

    def __getitem__(self, number: int) -> str | None:
        """One shared string; None if it holds a lone surrogate. Raises IndexError."""
        while len(self._read) <= number and next(self._more, self) is not self:
            pass
        return self._read[number]


def _strings(package: Package, part: str, into: list[str | None]) -> Iterator[None]:
    runs: list[str] = []
    piece: list[str] = []
    is_phonetic = False
    depth = 0

    def start(name: str, _: Attributes) -> None:
        nonlocal is_phonetic, depth
        depth += 1
        if depth > DEEPEST:
            raise Forbidden
        tag = _STRINGS.get(name)
        if tag == "t":
            piece.clear()
            parser.CharacterDataHandler = piece.append
        elif tag == "si":
            runs.clear()
        elif tag == "rPh":
            is_phonetic = True

    def end(name: str) -> None:
        nonlocal is_phonetic, depth
        depth -= 1
        tag = _STRINGS.get(name)
        if tag == "t":
            parser.CharacterDataHandler = None
            if not is_phonetic:
                runs.append("".join(piece))
                if len(runs) > MOST_RUNS:
                    raise Forbidden
        elif tag == "si":
            into.append(text_of(runs))
        elif tag == "rPh":
            is_phonetic = False

    parser = parser_of(start)
    parser.EndElementHandler = end
    yield from fed(parser, package.chunks(part, STRINGS_LARGEST), piece)


def text_of(runs: Sequence[str]) -> str | None:
    """Text of joined runs, with `_xHHHH_` escapes decoded; None if it holds a lone surrogate."""
    text = runs[0] if len(runs) == 1 else "".join(runs)
    if "_x" not in text:
        return text
    decoded = "".join(_ESCAPE.sub(lambda found: chr(int(found[1], 16)), run) for run in runs)
    try:
        return decoded.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        return None
