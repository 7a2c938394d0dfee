"""Files that are small, or of one piece, and would take all memory of whoever reads them without care."""

from __future__ import annotations

import mmap
import os
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.repeats import repeats

MB = 1 << 20
_LINE = repeats(200, 600)
_READ = 160  # more than the 128 MB after which a reader gives up
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONSHIPS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
)
_ONE = '<Relationship Id="r{}" Type="' + _OFFICE + '/{}" Target="{}"/>'
_NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_WORKBOOK = f'<workbook {_NS} xmlns:r="{_OFFICE}"><sheets><sheet name="t" sheetId="1" r:id="r1"/></sheets></workbook>'
_START = f'<worksheet {_NS}><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'
_END = "</sheetData></worksheet>"
_CELL = '<row r="2"><c r="A2" t="inlineStr"><is>{}</is></c></row>'


def book(
    folder: Path,
    sheet: Iterable[str],
    *,
    strings: Iterable[str] = (),
    more: Callable[[zipfile.ZipFile], None] | None = None,
) -> None:
    """A workbook of one sheet, from pieces of its XML."""
    with zipfile.ZipFile(folder / "t.xlsx", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("_rels/.rels", _RELATIONSHIPS.format(_ONE.format(1, "officeDocument", "xl/workbook.xml")))
        file.writestr("xl/workbook.xml", _WORKBOOK)
        related = _ONE.format(1, "worksheet", "worksheets/sheet1.xml") + _ONE.format(2, "sharedStrings", "strings.xml")
        file.writestr("xl/_rels/workbook.xml.rels", _RELATIONSHIPS.format(related))
        for part, pieces in (("worksheets/sheet1.xml", sheet), ("strings.xml", strings or [f"<sst {_NS}/>"])):
            with file.open(f"xl/{part}", "w", force_zip64=True) as stream:
                for piece in pieces:
                    stream.write(piece.encode())
        if more:
            more(file)


def text(size: int) -> Iterable[str]:
    """So many MB of one text, packed about 130 to 1: no closer than is taken for a table."""
    noise = "".join(f"{n * 2_654_435_761 % 2**32:08x}" for n in range(1_500))
    for _ in range(size):
        yield "A" * (MB - len(noise)) + noise


def _solid(folder: Path, name: str, begin: str, size: int, end: str, fill: str, *, read: int = _READ) -> None:
    """So many MB of one text; beyond what a reader reads of it is a hole that takes no room on the disk."""
    with (folder / name).open("w") as file:
        file.write(begin)
        for _ in range(min(size, read)):
            file.write(fill * (MB // len(fill)))
        file.truncate(file.tell() + (size - min(size, read)) * MB)
        file.seek(0, os.SEEK_END)
        file.write(end)


def _shared(number: int) -> Iterable[str]:
    yield f"<sst {_NS}>"
    for start in range(0, number, 10_000):
        yield "".join(f"<si><t>{n}</t></si>" for n in range(start, start + 10_000))
    yield "</sst>"


def _entries(file: zipfile.ZipFile) -> None:
    for number in range(repeats(55_000, 120_000)):
        file.writestr(zipfile.ZipInfo(f"xl/media/picture-of-something-{number}.png"), "")


def _manifest(folder: Path) -> None:
    (folder / "t.csv").write_text("a\n1\n")
    _solid(folder, "manifest.json", '{"files": [], "x": "', 512, '"}', "x")


def _deep_manifest(folder: Path) -> None:
    (folder / "t.csv").write_text("a\n1\n")
    (folder / "manifest.json").write_text("[" * 2_000_000)


def _keys(folder: Path) -> None:
    (folder / "t.jsonl").write_text("{" + ", ".join(f'"k{n}": 1' for n in range(2_500_000)) + "}\n")


def _long(size: int) -> pa.LargeStringArray:
    """One value of so many MB of zeros, in memory that costs nothing until it is written to."""
    ends = pa.array([0, size * MB], pa.int64()).buffers()[1]
    return pa.LargeStringArray.from_buffers(1, ends, pa.py_buffer(mmap.mmap(-1, size * MB)))


def _write(folder: Path, column: pa.Array, *, use_dictionary: bool) -> None:
    table, file = pa.table({"a": column}), folder / "t.parquet"
    pq.write_table(table, file, compression="zstd", use_dictionary=use_dictionary, write_statistics=False)


def _dictionary(folder: Path) -> None:
    """A quarter of a GB, or half of one, a thousand times over, in a few KB."""
    places = pa.array([0] * 1000, pa.int32())
    _write(folder, pa.DictionaryArray.from_arrays(places, _long(repeats(256, 512))), use_dictionary=True)


def _value(folder: Path) -> None:
    _write(folder, _long(1000), use_dictionary=False)


_LONG = "line {}: a row or value of more than 128 MB"
# What each is, how it is made, and what is said of it. In a long run sizes are such that an unbounded reader takes far
# more memory; else they are beyond the bound all the same, and an unbounded reader says something else.
BOMBS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a CSV of one line": (lambda f: _solid(f, "t.csv", "a\n", _LINE, "\n", "x"), _LONG.format(2)),
    "a CSV of one quoted value": (lambda f: _solid(f, "t.csv", 'a\n"', _LINE, '"\n', "x"), _LONG.format(2)),
    "a CSV of quotes": (lambda f: _solid(f, "t.csv", "a\n", _LINE, "\n", '"'), _LONG.format(2)),
    "a CSV with a quote never closed": (
        lambda f: _solid(f, "t.csv", 'a\n1\n"', _LINE, "\n", "xxx\n", read=_LINE), _LONG.format(3)),
    "a CSV of two million columns": (
        lambda f: _solid(f, "t.csv", "a", 20, "\n", ",c1234567"), "line 1: a header of more than 1 MB"),
    "a JSON line of hundreds of MB": (
        lambda f: _solid(f, "t.jsonl", '{"a": "', _LINE, '"}\n', "x"), "more than 16 MB in one line|one JSON document"),
    "a JSON line of brackets": (
        lambda f: _solid(f, "t.jsonl", '{"a": ', 12, "}\n", "["), "more than 200 levels|not one whole"),
    "a JSON line of millions of keys": (_keys, "more than 16 MB in one line|one JSON document"),
    "a manifest of half a GB": (_manifest, "manifest.json has more than 16 MB"),
    "a manifest of brackets": (_deep_manifest, "manifest.json cannot be understood"),
    "a Parquet dictionary of one long value": (_dictionary, "too wide, or hold values too long"),
    "a Parquet value of 1 GB": (_value, "too wide, or hold values too long"),
    "a workbook with a long text": (
        lambda f: book(f, [_START, _CELL.split("{}")[0], "<t>", *text(repeats(300, 600)), "</t></is></c></row>", _END]),
        "no valid workbook"),
    "a workbook with a long attribute": (
        lambda f: book(f, [_START, '<row r="2" x="', *text(repeats(60, 600)), '"/>', _END]), "no valid workbook"),
    "a workbook with a long comment": (
        lambda f: book(f, ["<!--", *(f"<{piece}>" for piece in text(600)), "-->", _START, _END]), "no valid workbook"),
    "a workbook of nested elements": (
        lambda f: book(f, [_START, *["<a>" * 100_000] * 60]), "no valid workbook"),
    "a workbook cell of millions of runs": (
        lambda f: book(f, [_START, _CELL.format("<t>ab</t>" * 5_000_000), _END]), "no valid workbook"),
    "a workbook of millions of merged cells": (
        lambda f: book(f, [_START, "</sheetData><mergeCells>", *['<mergeCell ref="B5:C9"/>' * 100_000] * 25,
                           "</mergeCells></worksheet>"]), "no valid workbook"),
    "a workbook of very many parts": (
        lambda f: book(f, [_START, _CELL.format("<t>b</t>"), _END], more=_entries), "no valid workbook"),
    "a workbook packed a thousand to one": (
        lambda f: book(f, [_START, *["A" * MB] * _LINE, _END]), f"would unpack to {_LINE} MiB"),
}  # fmt: skip


# Stopped by the bound that stops another: of lines, of what the parser buffers, of landing's memory.
ALIKE = {
    "a CSV of one quoted value", "a CSV of quotes", "a workbook with a long comment", "a Parquet value of 1 GB",
}  # fmt: skip


def shared_strings(folder: Path, number: int) -> None:
    """A workbook of that many different shared strings, of which its one row shows the last."""
    cell = f'<row r="2"><c r="A2" t="s"><v>{number - 1}</v></c></row>'
    book(folder, [_START, cell, _END], strings=_shared(number))
