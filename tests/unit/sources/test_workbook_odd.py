"""Odd workbooks: each is read as exactly what it holds, or refused with cells and a remedy that works.

Older tests wrote all workbooks with openpyxl and read them with it: what it cannot say, they could not see.
"""

from __future__ import annotations

import gc
import io
import warnings
import zipfile
from collections.abc import Sequence

import openpyxl
import pytest
from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula

from include.sources.access import DropBroken, SourceMissing
from include.sources.excel import workbook
from tests.extracts import rows_of
from tests.repeats import repeats
from tests.unit.sources.conftest import Drop
from tests.unit.sources.workbooks import MAIN, book, column, row, text, zipped

RESAVE = "open the workbook in Excel, save it"


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left() -> None:
    """What other tests left unclosed is collected before, and said of them."""
    gc.collect()


@pytest.fixture(autouse=True)
def _nothing_is_said(capfd: pytest.CaptureFixture[str]) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    told = capfd.readouterr()
    assert (told.out, told.err) == ("", "")


def number(value: str, style: int = 0, more: str = "") -> str:
    return f'<c s="{style}"{more}><v>{value}</v></c>'


def landed(drop: Drop, content: bytes, *columns: str, source: str = "a.xlsx") -> list[tuple[str | None, ...]]:
    drop.put("a.xlsx", content)
    return rows_of(drop.take(source, *(columns or ("A",))))


def value(drop: Drop, content: bytes) -> str | None:
    """The one value of a sheet with the column A; the cell beside it keeps the row when it is empty."""
    return landed(drop, content)[0][0]


# What a number means is said by its format.
NUMBERS: list[tuple[str, str | int, str]] = [
    ("1.25", "[h]:mm:ss", "30:00:00"),
    ("1.25", 46, "30:00:00"),
    ("0.0625", "[mm]:ss", "1:30:00"),
    ("-0.0625", "[h]:mm", "-1:30:00"),
    ("1.5", "[ss].00", "36:00:00"),
    ("45322", 'dd" tháng "mm', "2024-01-31"),
    ("45322", r"\n\g\à\y dd\.mm\.yyyy", "2024-01-31"),
    ("45322", 'dd"h"mm"s"yyyy', "2024-01-31"),
    ("45322", "[$-42A]dd mmmm yyyy;@", "2024-01-31"),
    ("45322", "[Red][<60000]yyyy-mm-dd;General", "2024-01-31"),
    ("70000", "[Red][<60000]yyyy-mm-dd;General", "70000"),
    ("45322", "mm", "2024-01-31"),
    ("45322", 14, "2024-01-31"),
    ("45322", 22, "2024-01-31 00:00:00"),
    ("45322.41666666666", "yyyy-mm-dd", "2024-01-31 10:00:00"),
    ("45322.4166666667", "yyyy-mm-dd hh:mm", "2024-01-31 10:00:00"),
    ("45322.99999999999", "yyyy-mm-dd hh:mm", "2024-02-01 00:00:00"),
    ("45322.416666672454", "yyyy-mm-dd hh:mm:ss.000", "2024-01-31 10:00:00.000500"),
    ("0.416666666666667", "h:mm AM/PM", "10:00:00"),
    ("0.416666666666667", 20, "10:00:00"),
    ("0.0001", "mm:ss.0", "00:00:08.640000"),
    ("0", "h:mm", "00:00:00"),
    ("1.5", "h:mm", "1900-01-01 12:00:00"),
    ("1", "yyyy-mm-dd", "1900-01-01"),
    ("59", "yyyy-mm-dd", "1900-02-28"),
    ("60", "yyyy-mm-dd", "1900-02-29"),
    ("61", "yyyy-mm-dd", "1900-03-01"),
    ("2958465", "yyyy-mm-dd", "9999-12-31"),
    ("2958466", "yyyy-mm-dd", "2958466"),
    ("79012345678", "dd/mm/yyyy", "79012345678"),
    ("1E+300", "dd/mm/yyyy", "1e+300"),
    ("0", "dd/mm/yyyy", "0"),
    ("0.5", "dd/mm/yyyy", "0.5"),
    ("-5", "dd/mm/yyyy", "-5"),
    ("-5", "h:mm", "-5"),
    ("12", '"h"0', "12"),
    ("12", r"0\h", "12"),
    ("12", "0 VND", "12"),
    ("1090000001", "000000000000", "001090000001"),
    ("1.090000001E9", "000000000000", "001090000001"),
    ("912345678", '"0"#########', "0912345678"),
    ("912345678", r"\0###\ ###\ ###", "0912345678"),
    ("1234567", r"000\-00\-0000", "001234567"),
    ("12", '"KH"0000', "0012"),
    ("12", "0###", "0012"),
    ("-12", "0000", "-0012"),
    ("12.5", "0000", "12.5"),
    ("7", "[<100]00;000", "07"),
    ("700", "[<1000]0000;0", "0700"),
    ("123456", "00", "123456"),
    ("1234.5", "#,##0.00", "1234.5"),
    ("5", "00.00", "5"),
    ("0.125", "0%", "0.125"),
    ("0.125", "00%", "0.125"),
    ("1500000", '#,##0\\ "₫"', "1500000"),
    ("1500000", "_-* #,##0_-;[Red]-* #,##0_-", "1500000"),
    ("12000", "0.00E+00", "12000"),
    ("0.5", "# ?/?", "0.5"),
    ("5", ";;;", "5"),
    ("5", "@", "5"),
    ("12.0", "General", "12"),
    ("-0", "General", "0"),
    ("0.30000000000000004", "General", "0.30000000000000004"),
    ("1.1000000000000001", "General", "1.1"),
    ("1E-3", "General", "0.001"),
    ("1.0E+15", "General", "1000000000000000"),
    ("9007199254740991", "General", "9007199254740991"),
    ("9007199254740993", "General", "9007199254740993"),
    ("12345678901234567.89", "General", "12345678901234567.89"),
    ("1.2345678901234567E+19", "General", "1.2345678901234567e+19"),
    ("1E+400", "General", "1E+400"),
    ("\n 5 \n", "General", "5"),
]


def test_numbers_by_their_format(drop: Drop) -> None:
    rows = "".join(row(text(str(n)), number(case[0], n + 1)) for n, case in enumerate(NUMBERS))
    content = book(row(text("N"), text("A")) + rows, formats=[code for _, code, _ in NUMBERS])
    by_case = {int(n or ""): found for n, found in landed(drop, content, "N", "A")}
    assert [(*case[:2], by_case[n]) for n, case in enumerate(NUMBERS)] == NUMBERS


@pytest.mark.parametrize(
    ("written", "code", "expected"),
    [
        ("0", "yyyy-mm-dd", "1904-01-01"),
        ("43860", "yyyy-mm-dd", "2024-01-31"),
        ("60", "yyyy-mm-dd", "1904-03-01"),
        ("0.5", "h:mm", "12:00:00"),
        ("2957003", "yyyy-mm-dd", "9999-12-31"),
        ("2957004", "yyyy-mm-dd", "2957004"),
        ("1.25", "[h]:mm", "30:00:00"),
    ],
)
def test_the_calendar_from_1904(drop: Drop, written: str, code: str, expected: str) -> None:
    content = book(column(number(written, 1)), formats=[code], workbook='<workbookPr date1904="1"/>')
    assert value(drop, content) == expected


@pytest.mark.parametrize(
    ("written", "code", "expected"),
    [
        ("2024-01-31", "yyyy-mm-dd", "2024-01-31"),
        ("2024-01-31T00:00:00", "yyyy-mm-dd", "2024-01-31"),
        ("2024-01-31T00:00:00", "yyyy-mm-dd hh:mm", "2024-01-31 00:00:00"),
        ("2024-01-31", "yyyy-mm-dd hh:mm", "2024-01-31 00:00:00"),
        ("2024-01-31T10:00:00.5", "General", "2024-01-31 10:00:00.5"),
        ("T10:00", "h:mm", "10:00:00"),
        ("PT30H5M", "[h]:mm", "30:05:00"),
        ("2024-01-31T10:00:00Z", "General", "2024-01-31T10:00:00Z"),
        ("2024-13-31x", "yyyy-mm-dd", "2024-13-31x"),
    ],
)
@pytest.mark.parametrize("is_strict", [True, False])
def test_moments_in_iso_form(drop: Drop, written: str, code: str, expected: str, is_strict: bool) -> None:
    content = book(column(f'<c t="d" s="1"><v>{written}</v></c>'), formats=[code], is_strict=is_strict)
    assert value(drop, content) == expected


TEXTS: list[tuple[str, str]] = [
    ("<t>a_x000D_b</t>", "a\rb"),
    ("<t>_x005F_x000D_</t>", "_x000D_"),
    ("<t>_x005f_x005F_x0041_</t>", "_x005FA"),
    ("<t>_xD83D__xDE00_</t>", "😀"),
    ("<t>_x41_ _x00G1_</t>", "_x41_ _x00G1_"),
    ("<r><t>_x00</t></r><r><t>41_</t></r>", "_x0041_"),
    ("<r><rPr><b/></rPr><t>Nguyễn</t></r><r><t xml:space='preserve'> An</t></r>", "Nguyễn An"),
    ("<t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh><phoneticPr fontId='1'/>", "東京"),
    ("<t xml:space='preserve'> a\nb&#13; </t>", " a\nb\r "),
    ("<t>#N/A</t>", "#N/A"),
    ("<t>0012</t>", "0012"),
]


@pytest.mark.parametrize(("inside", "expected"), TEXTS)
def test_text_however_it_is_stored(drop: Drop, inside: str, expected: str) -> None:
    shared = book(column('<c t="s"><v>1</v></c>'), strings=["<t>A</t>", inside])
    assert value(drop, shared) == expected
    assert value(drop, book(column(f'<c t="inlineStr"><is>{inside}</is></c>'))) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('<c t="str"><f>"a"</f><v>a_x000A_b</v></c>', "a\nb"),
        ('<c t="str"><f>""</f><v></v></c>', None),
        ('<c t="b"><f>1=1</f><v>1</v></c>', "TRUE"),
        ('<c t="b"><v>false</v></c>', "FALSE"),
        ("<c><f>1+1</f><v>2</v></c>", "2"),
        ('<c cm="1"><f t="array" ref="A2:A3">B2:B3</f><v>2</v></c>', "2"),
        ('<c t="inlineStr"><v>x</v></c>', "x"),
        ("<c><v/></c>", None),
        ("<c/>", None),
        ('<c s="1"/>', None),
        ('<c s=""><v>45322</v></c>', "45322"),
        ('<c t="s"><v>1</v></c>', None),
    ],
)
def test_a_cell(drop: Drop, cell: str, expected: str | None) -> None:
    content = book(row(text("A"), text("B")) + row(cell, text("x")), formats=[14], strings=["<t>A</t>", "<t></t>"])
    assert landed(drop, content, "A", "B") == [(expected, "x")]


REFUSED: list[tuple[str, str, str]] = [
    ("<c><f>1+1</f></c>", "formulas without a stored result", RESAVE),
    ("<c><f>1+1</f><v/></c>", "formulas without a stored result", RESAVE),
    ('<c t="str"><f>"a"</f></c>', "formulas without a stored result", RESAVE),
    ('<c><f t="array" ref="A2:A9">B2:B9</f><v></v></c>', "formulas without a stored result", RESAVE),
    ('<c><f t="dataTable" ref="A2:A9"/><v></v></c>', "formulas without a stored result", RESAVE),
    ('<c cm="1"><f t="array" ref="A2">_xlfn.UNIQUE(B2:B9)</f></c>', "formulas without a stored result", RESAVE),
    ('<c t="e"><v>#N/A</v></c>', "error value #N/A", "correct these formulas"),
    ('<c t="e"><f>1/0</f><v>#DIV/0!</v></c>', "error value #DIV/0!", "correct these formulas"),
    ('<c t="e" vm="1"><v>#SPILL!</v></c>', "error value #SPILL!", "correct these formulas"),
    ('<c t="e"><v>bimat</v></c>', "error value of an unknown name", "correct these formulas"),
    ("<c><v>bimat</v></c>", "do not fit", RESAVE),
    ("<c><v>1_000</v></c>", "do not fit", RESAVE),
    ("<c><v>NaN</v></c>", "do not fit", RESAVE),
    ("<c><v>١٢</v></c>", "do not fit", RESAVE),
    ('<c t="s"><v>7</v></c>', "do not fit", RESAVE),
    ('<c t="s"><v>-1</v></c>', "do not fit", RESAVE),
    ('<c t="s"><v>bimat</v></c>', "do not fit", RESAVE),
    ('<c t="b"><v>2</v></c>', "do not fit", RESAVE),
    ('<c t="bimat"><v>2</v></c>', "do not fit", RESAVE),
    ('<c s="7"><v>45322</v></c>', "do not fit", RESAVE),
    ('<c s="-1"><v>45322</v></c>', "do not fit", RESAVE),
    ('<c t="inlineStr"><is><t>_xD83D_</t></is></c>', "do not fit", RESAVE),
    ('<c t="s"><v>1</v></c>', "do not fit", RESAVE),
    ('<c r="A2"><v>1</v></c><c r="A2"><v>2</v></c>', "given twice", RESAVE),
]


@pytest.mark.parametrize(("cell", "told", "remedy"), REFUSED)
def test_a_cell_that_is_refused(drop: Drop, cell: str, told: str, remedy: str) -> None:
    content = book(row(text("A")) + row(cell), formats=[14], strings=["<t>A</t>", "<t>_xDE00_</t>"])
    with pytest.raises(DropBroken) as caught:
        landed(drop, content)
    message = str(caught.value)
    assert message.startswith("a.xlsx, sheet 'S', cell A2: ")
    assert told in message
    assert f"ask the sender to {remedy}" in message
    assert "bimat" not in message


def test_all_bad_cells_are_named_by_kind_and_at_most_ten(drop: Drop) -> None:
    cells = ['<c t="e"><v>#REF!</v></c>', "<c><f>1</f></c>", *['<c t="e"><v>#N/A</v></c>'] * 12]
    with pytest.raises(DropBroken) as caught:
        landed(drop, book(column(*cells)))
    assert (
        "cell A2: error value #REF!; cell A3: formulas without a stored result; cells A4, A5, A6, A7, A8, A9, A10, "
        "A11, A12, A13 and 2 more: error value #N/A. " in str(caught.value)
    )
    assert "correct these formulas, or to write the value there or nothing; and to open" in str(caught.value)


def test_results_of_a_program_that_computes_nothing_are_no_results(drop: Drop) -> None:
    def written(value: str) -> bytes:
        cell = f"<c><f>1+1</f><v>{value}</v></c>"
        return book(column(cell), workbook='<calcPr fullCalcOnLoad="1"/>')

    with pytest.raises(DropBroken, match="cell A2: formulas without a stored result"):
        landed(drop, written("0"))
    assert landed(drop, written("2")) == [("2",)]
    assert landed(drop, book(column("<c><f>1-1</f><v>0</v></c>"))) == [("0",)]


def merged(*references: str) -> str:
    listed = "".join(f'<mergeCell ref="{reference}"/>' for reference in references)
    return f"<mergeCells>{listed}</mergeCells>"


def test_a_province_merged_over_twenty_rows(drop: Drop) -> None:
    rows = row(text("TINH"), text("MA")) + "".join(
        row(text("Bimat") if n == 0 else "<c/>", text(str(n))) for n in range(20)
    )
    with pytest.raises(DropBroken, match=r"sheet 'S', cells A2:A21: merged.*ask the sender to unmerge them") as caught:
        landed(drop, book(rows, after=merged("A2:A21")), "TINH", "MA")
    assert "Bimat" not in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "is_refused"),
    [
        ("A2:B2", True),
        ("A1:A2", True),
        ("A3:A2", True),
        ("B3:C4", True),
        ("A1:B1", False),  # the header says itself whether all of it is there
        ("B2:D2", False),  # one named column
        ("A3:B3", False),  # nothing in its first cell: nothing is hidden by it
        ("A9:B20", False),
        ("D2:F9", False),
    ],
)
def test_merged_cells_are_refused_where_they_take_values_from_data(
    drop: Drop, reference: str, is_refused: bool
) -> None:
    rows = row(text("A"), text("B")) + row(text("1"), text("2")) + row("<c/>", text("3"))
    rows = rows.replace("<c/>", text("4")) if reference == "A3:A2" else rows
    content = book(rows, after=merged(reference))
    if is_refused:
        with pytest.raises(DropBroken, match=f"cells {reference}: merged"):
            landed(drop, content, "A", "B")
    else:
        assert len(landed(drop, content, "A", "B")) == 2


ROWS: list[tuple[str, str, list[tuple[str | None, ...]]]] = [
    ("unordered", row(text("A"), number=1) + row(number("3"), number=9) + row(number("2"), number=5), [("2",), ("3",)]),
    ("repeated", row(text("A"), number=1) + row(number("2"), number=2) * 2, [("2",), ("2",)]),
    ("unnumbered", row(text("A")) + row(number("2")) + row() + row(number("3"), number=40), [("2",), ("3",)]),
    ("hidden", row(text("A")) + row(number("2")).replace("<row", '<row hidden="1" ht="0"'), [("2",)]),
]


@pytest.mark.parametrize(("rows", "expected"), [case[1:] for case in ROWS], ids=[case[0] for case in ROWS])
def test_no_row_is_lost(drop: Drop, rows: str, expected: Sequence[tuple[str | None, ...]]) -> None:
    assert landed(drop, book(rows)) == expected


def test_cells_stand_where_their_reference_says(drop: Drop) -> None:
    content = book(
        row(text("A", "A1"), text("B", "B1"), text("C", "C1"))
        + row(text("c", "C2"), text("a", "A2"))
        + row(text("b", "B3"), text("c"))
        + row(text("a", "$A$4"), text("b", "b4"))
    )
    assert landed(drop, content, "A", "B", "C") == [("a", "b", None), ("a", None, "c"), (None, "b", "c")]


def test_filters_panes_and_hidden_columns_change_nothing(drop: Drop) -> None:
    content = book(
        row(text("A"), text("B")) + row(text("1"), text("2")),
        after='<autoFilter ref="A1:B2"><filterColumn colId="0"><filters><filter val="9"/></filters></filterColumn>'
        "</autoFilter>",
        others={},
    )
    assert landed(drop, content, "A", "B") == [("1", "2")]


def test_a_prefix_of_the_namespace(drop: Drop) -> None:
    sheet = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row><x:c t="inlineStr"><x:is><x:t>A</x:t></x:is></x:c></x:row>'
        "<x:row><x:c><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>"
    )
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert landed(drop, book("", others={"xl/worksheets/1.xml": sheet.encode(encoding)})) == [("1",)]


def test_a_strict_workbook_with_shared_strings(drop: Drop) -> None:
    content = book(
        column('<c t="s"><v>0</v></c>', number("45322", 1)), formats=[14], strings=["<t>Huế</t>"], is_strict=True
    )
    assert landed(drop, content) == [("2024-01-31",), ("Huế",)]


def test_no_styles_at_all(drop: Drop) -> None:
    assert value(drop, book(column("<c><v>45322</v></c>"))) == "45322"


def test_a_cell_without_style_has_the_first(drop: Drop) -> None:
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>'
    content = book(column("<c><v>45322</v></c>"), formats=[0], others={"xl/styles.xml": styles})
    assert value(drop, content) == "2024-01-31"


def test_a_format_of_a_conditional_format_is_of_no_cell(drop: Drop) -> None:
    styles = (
        f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="14"/></cellXfs><dxfs><dxf><numFmt numFmtId="14" '
        'formatCode="0"/></dxf></dxfs></styleSheet>'
    )
    content = book(column("<c><v>45322</v></c>"), formats=[0], others={"xl/styles.xml": styles})
    assert value(drop, content) == "2024-01-31"


def test_parts_in_another_case_or_with_backslashes(drop: Drop) -> None:
    content = book(column("<c><v>1</v></c>", '<c t="s"><v>0</v></c>'), strings=["<t>x</t>"])
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    odd = {name.replace("xl/", "XL\\").replace("shared", "Shared"): part for name, part in parts.items()}
    assert landed(drop, zipped(odd)) == [("1",), ("x",)]


CHART = [("Biểu đồ", "chartsheet"), ("S", "worksheet")]


def test_a_chart_sheet_is_no_table(drop: Drop) -> None:
    content = book(column(number("1")), sheets=CHART)
    assert landed(drop, content) == [("1",)]
    with pytest.raises(SourceMissing, match=r"a sheet 'Biểu đồ' which is a chart sheet; it has S\. Correct"):
        landed(drop, content, source="a.xlsx#Biểu đồ")
    with pytest.raises(SourceMissing, match="no sheet with cells"):
        landed(drop, book("", sheets=CHART[:1]))


def test_several_sheets(drop: Drop) -> None:
    content = book(column(number("1")), sheets=[("S", "worksheet"), ("T", "worksheet")])
    with pytest.raises(SourceMissing, match=r"has several sheets; it has S, T\. Correct .*a\.xlsx#S"):
        landed(drop, content)
    assert landed(drop, content, source="a.xlsx#T") == [("1",)]


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
WHOLE = book(column(number("1")))
FILES: list[tuple[str, bytes, str]] = [
    ("encrypted", OLE + "EncryptedPackage".encode("utf-16-le"), "protected by a password. Ask the sender to take that"),
    ("xls", OLE + "Workbook".encode("utf-16-le"), r"before 2007 \(\.xls\).*save it as \.xlsx"),
    ("cut off", WHOLE[:-40], "was cut off or altered on the way. Ask the sender to deliver it again"),
    ("altered", WHOLE[:400] + b"\0" * 8 + WHOLE[408:], "cut off or altered|not whole"),
    ("ods", zipped({"mimetype": "x", "content.xml": "<x/>"}), r"an OpenDocument file.*save it as \.xlsx"),
    ("xlsb", zipped({"xl/workbook.bin": b"x"}), r"\(\.xlsb\) under another name.*save it as \.xlsx"),
    ("zip", zipped({"a.txt": "x"}), r"a zip file of something else.*save it as \.xlsx"),
    ("part missing", book("", others={"xl/_rels/workbook.xml.rels": "<x/>"}), "no sheet with cells"),
    ("no XML", book("", others={"xl/worksheets/1.xml": "<a>bimat"}), "made no valid workbook: ask the sender"),
    ("entities", book("", others={"xl/worksheets/1.xml": '<!DOCTYPE a [<!ENTITY b "bimat">]><a>&b;</a>'}), "no valid"),
    ("no number", book('<row r="bimat"><c><v>1</v></c></row>'), "no valid workbook"),
    ("bomb", book(column(text(" " * (65 << 20)))), "would unpack to 65 MiB.*deliver the table as CSV or Parquet"),
    ("wide", book(row(*["<c/>"] * 16_385)), "no valid workbook"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "told"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
def test_a_file_that_is_refused(drop: Drop, content: bytes, told: str) -> None:
    with pytest.raises((DropBroken, SourceMissing), match=rf"(?s)a\.xlsx.*({told})") as caught:
        landed(drop, content)
    assert "bimat" not in str(caught.value)


def test_two_parts_of_one_name(drop: Drop) -> None:
    content = io.BytesIO(WHOLE)
    with zipfile.ZipFile(content, "a") as file:
        file.writestr("xl/Worksheets/1.xml", f'<worksheet xmlns="{MAIN}"/>')
    with pytest.raises(DropBroken, match=r"two parts of one name.*save it as \.xlsx"):
        landed(drop, content.getvalue())


def test_a_zip_file_with_a_password(drop: Drop) -> None:
    content = bytearray(WHOLE)
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := content.find(sign, start)) >= 0:
            content[start + offset] |= 1
            start += 4
    with pytest.raises(DropBroken, match="packed with a password"):
        landed(drop, bytes(content))


def test_formulas_of_every_kind_that_openpyxl_writes_without_result(drop: Drop) -> None:
    written = openpyxl.Workbook()
    page = written.active
    page.append(["A", "B"])
    page["A2"] = ArrayFormula("A2:A4", "=B2:B4*2")
    page["B3"] = DataTableFormula("B3:B4", dt2D=False, r1="A1")
    page["A5"] = "=1+1"
    written.save(drop.folder / "a.xlsx")
    with pytest.raises(DropBroken, match="cells A2, B3, A5: formulas without a stored result"):
        drop.take("a.xlsx", "A", "B")


def test_files_of_one_table_agree_on_names_whatever_their_case(drop: Drop) -> None:
    drop.put("a1.xlsx", book(row(text("MA"), text("Ten")) + row(text("1"), text("An"))))
    drop.put("a2.xlsx", book(row(text("TEN"), text("MA"), text("X")) + row(text("Bình"), text("2"), text("x"))))
    drop.put("a3.xlsx", book(row(text("MA"), text("ten"))))
    extracted = drop.take("a*.xlsx", "MA", "Ten")
    assert [name for name, _ in extracted.columns] == ["MA", "Ten", "X"]
    assert rows_of(extracted) == [("1", "An", None), ("2", "Bình", "x")]


def test_a_fault_of_the_last_file_refuses_all(drop: Drop) -> None:
    drop.put("a1.xlsx", WHOLE)
    drop.put("a2.xlsx", book(column(*[number("1")] * 30_000, '<c t="e"><v>#N/A</v></c>')))
    with pytest.raises(DropBroken, match=r"a2\.xlsx, sheet 'S', cell A30002: error value #N/A"):
        drop.take("a*.xlsx", "A")


def test_two_thousand_columns(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    """In two batches of rows."""
    lines = repeats(60, 300)
    monkeypatch.setattr(workbook, "CELLS_PER_BATCH", repeats(100_000, workbook.CELLS_PER_BATCH))
    names = [f"C{n}" for n in range(2_000)]
    rows = "".join(row(*[f"<c><v>{line * 2_000 + n}</v></c>" for n in range(2_000)]) for line in range(lines))
    drop.put("a.xlsx", book(row(*map(text, names)) + rows))
    extracted = drop.take("a.xlsx", "C0", "C1999")
    assert [name for name, _ in extracted.columns] == names
    expected = [(line * 2_000, line * 2_000 + 1_999) for line in range(lines)]
    assert rows_of(extracted, "CAST(C0 AS INT) AS a, CAST(C1999 AS INT) AS b") == expected
