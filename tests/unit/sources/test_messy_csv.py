"""Messy CSV files: each is read as an independent reader reads it (pandas), or refused with the line and a remedy.

Older tests tried one oddity at a time, where DuckDB is right; blanks beside quotes, mixed line ends and a NUL by itself
are where it dropped bytes without a word.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import pandas as pd
import pytest

from include.sources.access import DropBroken, SourceMissing
from tests.extracts import rows_of
from tests.unit.sources.conftest import Drop


@dataclass(frozen=True)
class Messy:
    """`refused` is what is told of a file that is not read; `note` what the run is told of one that is."""

    name: str
    content: bytes
    refused: str = ""
    delimiter: str = ","
    note: str = ""


BROKEN = "a broken quote"
FEWER = "fewer values than columns"
MORE = "more values than columns"
MIXED = "line ends are mixed: line {} ends otherwise than the first"
EMPTY = "lines without anything between the rows: {}"
LONG = "the longest quoted value spans {} lines, beginning at line {}: is a quote missing"

MESSY = [
    # line ends
    Messy("no line end at the end", b"a,b\n1,2"),
    Messy("CR LF", b"a,b\r\n1,2\r\n3,4\r\n"),
    Messy("CR", b"a,b\r1,2\r3,4\r"),
    Messy("CR, blanks first", b"a,b\r  1,2\r 3,4"),
    Messy("LF, then CR LF", b"a,b\n1,2\r\n3,4\n", MIXED.format(2)),
    Messy("CR LF, then LF", b"a,b\r\n1,2\n", MIXED.format(2)),
    Messy("CR, then LF", b"a,b\r1,2\n", MIXED.format(2)),
    Messy("CR in a value without quotes", b"a,b\n1,x\ry\n", MIXED.format(2)),
    Messy("CR at the very end", b"a,b\n1,2\n3,4\r", MIXED.format(3)),
    Messy("CR CR LF", b"a,b\r\r\n1,2\r\r\n", MIXED.format(2)),
    Messy("mixed, one column, blanks", b"a\r\n\r b \r", MIXED.format(2)),
    Messy("mixed behind a quoted LF", b'a,b\r\n1,"x\ny"\r\n3,4\n', MIXED.format(4)),
    Messy("other line ends in quotes", b'a,b\n1,"x\r\ny\rz"\n3,4\n'),
    Messy("LF in quotes, lines by CR LF", b'a,b\r\n1,"x\ny"\r\n3,"4"\r\n'),
    Messy("vertical tab, form feed, NEL, LS", "a,b\n1,x\x0by\x0cz\n2,\u0085\u2028\n".encode()),
    # empty lines
    Messy("empty lines between rows", b"a,b\n1,2\n\n\n3,4\n", note=EMPTY.format(2)),
    Messy("empty lines at the end", b"a,b\n1,2\n\n\n\n"),
    Messy("empty lines, CR LF", b"a,b\r\n1,2\r\n\r\n3,4\r\n\r\n", note=EMPTY.format(1)),
    Messy("empty lines, CR", b"a,b\r1,2\r\r3,4\r\r", note=EMPTY.format(1)),
    Messy("empty lines, one column", b"a\n1\n\n2\n\n", note=EMPTY.format(1)),
    Messy("quoted nothing, one column", b'a\n1\n""\n2\n'),
    Messy("quoted nothing at the end, one column", b'a\n1\n""'),
    Messy("only empty lines below the header", b"a,b\n\n\n"),
    Messy("a line of blanks", b"a,b\n1,2\n   \n3,4\n", f"line 3: {FEWER}"),
    Messy("an empty line above the header", b"\na,b\n1,2\n", "the first line holds none of the contract's columns"),
    Messy("empty values only", b"a,b\n,\n,\n"),
    Messy("empty lines in quotes", b'a,b\n1,"x\n\n\ny"\n'),
    # blanks
    Messy("blanks around values", b"a,b\n 1 ,  2\n3,4 \n"),
    Messy("tabs around values", b"a,b\n\t1\t,2\n"),
    Messy("a blank before a quote", b'a,b\n1, "x"\n3,4\n'),
    Messy("a blank before a quote, first column", b'a,b\n "x",1\n3,4\n'),
    Messy("a blank before a quoted nothing", b'a,b\n1, ""\n'),
    Messy("a blank before a quoted delimiter", b'a,b\n1, "x,y"\n', f"line 2: {MORE}"),
    Messy("a blank behind a quote", b'a,b\n1,"x" \n3,4\n', f"line 2: {BROKEN}"),
    Messy("a blank behind a quote, then a delimiter", b'a,b\n3,4\n"x" ,1\n', f"line 3: {BROKEN}"),
    Messy("a blank between two quotes", b'a,b\n1,"" ""\n', f"line 2: {BROKEN}"),
    Messy("a blank behind an escaped quote", b'a,b\n1,"x ""y"" z"\n'),
    Messy("a comma and a blank in quotes", b'a,b\n1,"x, ""y"", z"\n2," "\n'),
    Messy("a blank after the byte order mark", b'\xef\xbb\xbfa,b\n 1,2\n'),
    # quotes
    Messy("all quoted", b'"a","b"\n"1","2"\n"3","4"'),
    Messy("escaped quotes", b'a,b\n"x ""y""",""""\n""""""," "\n'),
    Messy("a quote inside a value", b'a,b\n1,5" pipe\n2,6"" "\n'),
    Messy("a quote inside a value beside a quoted line end", b'a,b\n5" x,"l1\nl2"\n6",7\n'),
    Messy("delimiters in quotes", b'a,b\n"1,2","3\n4,5"\n'),
    Messy("text behind a closing quote", b'a,b\n1,"x"y\n3,4\n', f"line 2: {BROKEN}"),
    Messy("a quote that is not closed", b'a,b\n1,2\n3,"4\n5,6\n', f"line 3: {BROKEN}"),
    Messy("a quote that is not closed, on the last line", b'a,b\n1,2\n3,"', f"line 3: {BROKEN}"),
    Messy("backslashes before quotes", b'a,b\n1,"x\\"y"\n', f"line 2: {BROKEN}"),
    Messy("a backslash at the end of quotes", b'a,b\n1,"x\\"\n'),
    Messy("single quotes", b"a,b\n'1','x y'\n"),
    Messy("typographic quotes", "a,b\n“1”,„2“\n".encode()),
    Messy("a line end in a header name", b'a,"b\nc"\n1,2\n'),
    Messy("21 lines in quotes", b'a,b\n1,2\n3,"' + b"x\n" * 20 + b'y"\n', note=LONG.format(21, 3)),
    Messy("20 lines in quotes", b'a,b\n1,2\n3,"' + b"x\n" * 19 + b'y"\n', note="!is a quote missing"),
    Messy("21 lines in quotes, CR LF", b'a,b\r\n3,"' + b"x\r\n" * 20 + b'y"\r\n', note=LONG.format(21, 2)),
    Messy("21 lines in quotes, CR", b'a,b\r1,2\r3,"' + b"x\r" * 20 + b'y"\r', note=LONG.format(21, 3)),
    # width
    Messy("delimiters at the end", b"a,b,\n1,2,\n3,,\n"),
    Messy("delimiters at the end, a value behind one", b"a,b,\n1,2,\n3,4,5\n", f"line 3: {MORE}"),
    Messy("two delimiters at the end of the header", b"a,b,,\n1,2,,\n", "column 3 has no name"),
    Messy("too few values", b"a,b\n1\n2,3\n4\n", f"lines 2, 4: {FEWER}"),
    Messy("too few values, CR", b"a,b\r1\r2,3\r4\r", f"lines 2, 4: {FEWER}"),
    Messy("too few values, CR LF behind quoted lines", b'a,b\r\n1,"x\r\ny"\r\n4\r\n', f"line 4: {FEWER}"),
    Messy("too many values", b"a,b\n1,2\n3,4,5\n", f"line 3: {MORE}"),
    Messy("two tables in one file", b"a,b\n1,2\n\nc\n3\n", f"lines 4, 5: {FEWER}"),
    Messy("a total below the rows", b"a,b\n1,2\n3,4\n2 rows\n", f"line 4: {FEWER}"),
    Messy("a title above the header", b"Report,\na,b\n1,2\n", "the first line holds none of the contract's columns"),
    Messy("a header alone", b"a,b\n"),
    Messy("a header alone without a line end", b"a,b"),
    # bytes
    Messy("a byte order mark", b"\xef\xbb\xbfa,b\n1,2\n"),
    Messy("a byte order mark before a quote", b'\xef\xbb\xbf"a","b"\n"1","2"\n'),
    Messy("a byte order mark inside", b"a,b\n\xef\xbb\xbf1,2\n"),
    Messy("UTF-16", "a,b\nđ,2\n".encode("utf-16")),
    Messy("bytes that are not UTF-8", b"a,b\n1,2\n\xff,4\n", "line 3: bytes that are not UTF-8"),
    Messy("bytes that are not UTF-8 beside a NUL", b"a,b\n\0,2\n\xff,4\n", "line 3: bytes that are not UTF-8"),
    Messy("the end of file of DOS", b"a,b\n1,2\n\x1a", f"line 3: {FEWER}"),
    Messy("control characters", b"a,b\n\x01,\x7f\n"),
    Messy("composed and decomposed", "a,b\nò,o\u0300\n".encode()),
    # meaning
    Messy("words for nothing", b"a,b\n\\N,NULL\nNaN,null\n-,N/A\n"),
    Messy("numbers", b"a,b\n001,1.10\n1e400,12345678901234567890.10\n+1,-0\n"),
    Messy("comments", b"a,b\n#1,2\n"),
    Messy("formulas", b'a,b\n=1+1,"=""001"""\n'),
    # delimiters
    Messy("semicolons", b"a;b\n1,5;2\n", delimiter=";"),
    Messy("tabs", b'a\tb\n1\t "x"\n\t\n', delimiter="\t"),
    Messy("bars and commas", b"a|b\n1,2|3\n", delimiter="|"),
    Messy("a separator line of Excel", b"sep=;\na;b\n1;2\n", "is a hint for Excel and no header"),
]  # fmt: skip


def _independently(messy: Messy) -> list[tuple[str | None, ...]]:
    encoding = "utf-16" if messy.content.startswith(b"\xff\xfe") else "utf-8-sig"
    text = messy.content.decode(encoding)
    frame = pd.read_csv(
        io.StringIO(text, newline=""),
        sep=messy.delimiter,
        dtype=str,
        keep_default_na=False,
        na_values=[],
        index_col=False,
    )
    named = [name for name in frame.columns if not name.startswith("Unnamed")]
    rows = frame[named].itertuples(index=False, name=None)
    return [tuple(value or None for value in row) for row in rows]


@pytest.mark.parametrize("messy", MESSY, ids=lambda messy: messy.name)
def test_read_as_others_read_it_or_refused(drop: Drop, messy: Messy) -> None:
    drop.put("t.csv", messy.content)
    if messy.refused:
        with pytest.raises((DropBroken, SourceMissing), match=messy.refused) as caught:
            drop.take("t.csv", "a")
        assert "t.csv" in str(caught.value)
        assert "ask the sender" in str(caught.value).lower()
        return
    extracted = drop.take("t.csv", "a")
    assert sorted(rows_of(extracted), key=repr) == sorted(_independently(messy), key=repr)
    told = str(extracted.drift)
    if messy.note.startswith("!"):
        assert messy.note[1:] not in told
    else:
        assert messy.note in told
        assert messy.note or not {"is a quote missing", "without anything"} & set(told.split(": "))


def test_there_are_many() -> None:
    assert len(MESSY) >= 60


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"a,b\n1,x\x00y\n2,\x00\n", [("1", "x\x00y"), ("2", "\x00")]),
        (b"a\n1\n   \n", [("   ",), ("1",)]),
        (b"a,b\n1,2,\n3,4,,\n", [("1", "2"), ("3", "4")]),
    ],
    ids=["a NUL", "a line of blanks in one column", "delimiters at the end of rows only"],
)
def test_where_pandas_is_not_exact(drop: Drop, content: bytes, rows: list[tuple[str, ...]]) -> None:
    drop.put("t.csv", content)
    assert rows_of(drop.take("t.csv", "a")) == rows


def test_a_nul_in_a_column_too_many(drop: Drop) -> None:
    drop.put("t.csv", b"a,b\n1,2\n3,4,\x00\n")
    with pytest.raises(DropBroken, match=f"line 3: {MORE}"):
        drop.take("t.csv", "a")


def test_a_quote_that_is_closed_far_below(drop: Drop) -> None:
    lines = [f"{n},x" for n in range(2, 70_000)]
    lines[65_200 - 2], lines[65_400 - 2] = '65200,"x', '65400"'
    drop.put("t.csv", "\n".join(["a,b", *lines]) + "\n")
    extracted = drop.take("t.csv", "a", "b")
    assert extracted.rows == len(lines) - 200
    assert (
        "t.csv: the longest quoted value spans 201 lines, beginning at line 65,200: is a quote missing?"
        in extracted.drift
    )


def test_a_row_read_with_care_is_read_again_with_more_room(drop: Drop) -> None:
    drop.put("t_1.csv", b'a,b\n1, "x"\n')
    drop.put("t_2.csv", b'a,b\n2,"' + b"x" * 3_000_000 + b'"\n')
    assert rows_of(drop.take("t_*.csv", "a"), "a, length(b)") == [("1", 4), ("2", 3_000_000)]


@pytest.mark.parametrize("delimiter", ["||", '"', "đ", "\r"])
def test_a_delimiter_that_is_none(drop: Drop, delimiter: str) -> None:
    drop.put("t.csv", "a,b\n1,2\n")
    with pytest.raises(DropBroken, match=r"the stated delimiter is not one character.*correct it in the manifest"):
        drop.take("t.csv", "a", delimiter=delimiter)
