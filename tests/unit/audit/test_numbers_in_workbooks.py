"""A number in a workbook is the recorded one to its last digit, as in the other files of the same report.

Older tests wrote numbers of a few digits; openpyxl writes sixteen of them, and Excel keeps fifteen.
"""

from __future__ import annotations

import io
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from include.audit.government_report.content import Line, Note
from include.audit.government_report.report_excel import _lines
from include.audit.report_export import cell_text
from include.audit.report_export.export import workbook

AMOUNTS = [
    1,
    -7,
    10**30,
    17123456789012345,
    Decimal("0.1"),
    Decimal("123456789012345.0"),
    Decimal("9" * 32 + ".123456"),
]
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False) | st.integers(-(10**38), 10**38)


def read_back(book: Workbook | bytes) -> list[list[object]]:
    """The rows, where a number keeps no more digits than Excel does, and a text of digits is that number."""
    content = io.BytesIO(book if isinstance(book, bytes) else b"")
    if isinstance(book, Workbook):
        book.save(content)
    return [[_seen(cell.value) for cell in row] for row in load_workbook(content).active.iter_rows()]


def _seen(value: object) -> object:
    if isinstance(value, int | float):
        return Decimal(f"{float(value):.15g}")
    return Decimal(value) if isinstance(value, str) and value.lstrip("-").replace(".", "").isdecimal() else value


@given(st.lists(NUMBERS, min_size=1, max_size=30))
@example(AMOUNTS)
def test_every_digit_is_there(numbers: list[Decimal | int]) -> None:
    book = Workbook()
    for number in numbers:
        book.active.append([cell_text(number)])
    assert read_back(book) == [[Decimal(number)] for number in numbers]


def test_a_number_that_a_cell_can_hold_is_one_and_no_text() -> None:
    short = [0, 12, Decimal("12.50"), 123456789012345, True, None, 0.1]
    assert [cell_text(value) for value in short] == short


@pytest.mark.parametrize("amount", AMOUNTS)
def test_both_reports_keep_it(amount: Decimal | int) -> None:
    book, note = Workbook(), Note(1, "i", "n", "d", (), 1, pd.Timestamp("2026-09-30").date(), ())
    line = Line("a", "vnd", "", "", "", "", 1, (Decimal(amount), None, None, None, None))
    _lines(book.active, [line], {1: note})
    assert read_back(book)[1][1] == amount
    assert read_back(workbook({"figures": pd.DataFrame({"a": [amount]}, dtype=object)}))[1][0] == amount
