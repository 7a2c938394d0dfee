"""Excel drops: cells in, text out."""

from __future__ import annotations

import datetime as dt
import zipfile
from typing import Any

import openpyxl
import pytest

from include.sources.access import DropBroken, SourceMissing
from tests.extracts import rows_of, types_of
from tests.unit.sources.conftest import Drop


def put_book(drop: Drop, rows: list[list[Any]], *, name: str = "a.xlsx", sheet: str = "MienGiam") -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(row)
    book.save(drop.folder / name)
    return book


def test_cells_become_text(drop: Drop) -> None:
    day, moment = dt.date(2024, 1, 31), dt.datetime(2024, 1, 31, 5, 6)
    put_book(
        drop,
        [
            ["SO", "NGAY", "LUC", "DUNG", "MA"],
            [12.0, day, moment, True, "0012"],
            [0.1, None, dt.datetime(2024, 1, 31), False, " a\nb "],
            [79123456789, dt.time(7, 30), None, None, "=not a formula"[1:]],
        ],
    )
    extracted = drop.take("a.xlsx#MienGiam", "SO", "NGAY", "LUC", "DUNG", "MA")
    assert sorted(rows_of(extracted), key=str) == sorted(
        [
            ("12", "2024-01-31", "2024-01-31 05:06:00", "TRUE", "0012"),
            ("0.1", None, "2024-01-31 00:00:00", "FALSE", " a\nb "),
            ("79123456789", "07:30:00", None, None, "not a formula"),
        ],
        key=str,
    )
    assert set(types_of(extracted).values()) == {"VARCHAR"}
    assert extracted.source == "xlsx"


def test_a_lost_leading_zero_is_not_guessed_back(drop: Drop) -> None:
    put_book(drop, [["MST"], [101234567]])
    assert rows_of(drop.take("a.xlsx", "MST")) == [("101234567",)]


def test_empty_rows_and_columns_that_excel_remembers_are_no_rows(drop: Drop) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.append(["MST", "TEN", None])
    page.append(["1", "x"])
    page.append([None, None])
    page.append(["2", None])
    page["F40"].number_format = "0.00"
    book.save(drop.folder / "a.xlsx")
    drop.manifest("a.xlsx", rows=2)
    assert rows_of(drop.take("a.xlsx", "MST", "TEN")) == [("1", "x"), ("2", None)]


def test_a_missing_sheet_is_told_with_its_neighbour(drop: Drop) -> None:
    put_book(drop, [["A"]])
    with pytest.raises(SourceMissing, match=r"no sheet 'MienGiamThue' \(did you mean 'MienGiam'\?\)"):
        drop.take("a.xlsx#MienGiamThue", "A")


def test_values_beyond_the_named_columns_are_refused(drop: Drop) -> None:
    put_book(drop, [["A", "B"], ["1", "2"], ["1", "2", "bimat"]])
    with pytest.raises(DropBroken, match=r"a\.xlsx, line 3: values to the right") as caught:
        drop.take("a.xlsx", "A")
    assert "bimat" not in str(caught.value)


def test_a_formula_that_was_never_computed_is_refused(drop: Drop) -> None:
    put_book(drop, [["A", "B"], ["1", "2"], ["1", "=A2+1"]])
    with pytest.raises(DropBroken, match=r"a\.xlsx, sheet 'MienGiam', cell B3: formulas without a stored result"):
        drop.take("a.xlsx", "A")


def test_a_computed_formula_gives_its_result(drop: Drop) -> None:
    put_book(drop, [["A"], ["=1+1"]])
    path = drop.folder / "a.xlsx"
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert b"<f>1+1</f><v" in parts[sheet]
    parts[sheet] = (
        parts[sheet]
        .replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>")
        .replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>")
    )
    with zipfile.ZipFile(path, "w") as book:
        for name, content in parts.items():
            book.writestr(name, content)
    assert rows_of(drop.take("a.xlsx", "A")) == [("2",)]


@pytest.mark.parametrize("content", [b"", b"MST,TEN\n1,x\n", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600])
def test_what_is_no_workbook(drop: Drop, content: bytes) -> None:
    drop.put("a.xlsx", content)
    with pytest.raises(DropBroken, match="no Excel workbook that can be read"):
        drop.take("a.xlsx", "A")


def test_a_first_row_that_is_no_header_is_told_without_a_value(drop: Drop) -> None:
    put_book(drop, [["Bimat", "Bimat", 79123456789], ["Bimat", "x", 5]])
    with pytest.raises(SourceMissing, match="the first line holds none of the contract's columns") as caught:
        drop.take("a.xlsx", "MST", "TEN")
    assert not any(value in str(caught.value) for value in ("Bimat", "79123456789"))


def test_an_empty_sheet(drop: Drop) -> None:
    put_book(drop, [])
    with pytest.raises(DropBroken, match="the sheet is empty"):
        drop.take("a.xlsx", "A")


def test_rows_differ_from_the_manifest(drop: Drop) -> None:
    put_book(drop, [["A"], ["1"]])
    drop.manifest("a.xlsx", rows=2)
    with pytest.raises(DropBroken, match="says 2 rows, the file has 1"):
        drop.take("a.xlsx", "A")
