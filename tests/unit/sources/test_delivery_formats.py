"""Formats of files: which are read, and what is told of the others.

Older tests tried two formats for one table, not one that nobody reads.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.contracts.model import Server
from include.sources.access import DropBroken, SourceMissing
from tests.extracts import contract_of, rows_of, take
from tests.unit.sources.conftest import Drop


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("t.xls", r"t\.xls is the old Excel format: ask the sender for \.xlsx"),
        ("T.XLS", r"T\.XLS is the old Excel format"),
        ("t.xls#Sheet1", r"t\.xls is the old Excel format"),
        ("t.xlsb", r"t\.xlsb is a binary Excel workbook: ask the sender for \.xlsx"),
        ("t.ods", r"t\.ods is an OpenDocument spreadsheet: ask the sender for \.xlsx"),
        ("t.csv.gz", r"t\.csv\.gz is compressed by gzip: ask the sender for the files themselves, not packed"),
        ("t_*.csv.gz", r"t_\*\.csv\.gz is compressed by gzip"),
        ("t.zip", r"t\.zip is a ZIP archive: ask the sender for the files themselves"),
        ("t.dbf", r"t\.dbf is a dBASE or FoxPro table: ask the sender for CSV in UTF-8, or Parquet"),
        ("t.accdb", r"t\.accdb is an Access database: ask the sender for CSV"),
        ("t.xml", r"t\.xml is XML: ask the sender for CSV"),
        ("t.sqlite", r"t\.sqlite is an SQLite database: .* connect to it as sqlite:////"),
        ("t.pdf", r"t\.pdf is a PDF, a document for people: ask the sender"),
    ],
)
@pytest.mark.parametrize("stated", ["", "excel", "csv"])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_format_that_is_not_read(drop: Drop, name: str, told: str, stated: str, is_there: bool) -> None:
    if is_there:
        drop.put(name.partition("#")[0].replace("*", "1"), "bimat")
    with pytest.raises(DropBroken, match=rf"^registry\.thing: {told}.*correct physicalName.*what is read: CSV \(\.csv"):
        drop.take(name, "a", format=stated)


def test_a_server_whose_path_names_such_a_file(drop: Drop, tmp_path: Path) -> None:
    server = Server("source", "local", path="drop/{model}.xls", format="excel")
    contract = contract_of("thing", ["A"], server=server, path=tmp_path / "x.odcs.yaml")
    with pytest.raises(DropBroken, match=r"thing\.xls is the old Excel format"):
        take(contract, None, drop.lake)


@pytest.mark.parametrize("stated", ["xls", "dbf", "gz"])
def test_a_stated_format_that_is_not_known(drop: Drop, stated: str) -> None:
    with pytest.raises(DropBroken, match=f"states the format '{stated}', which is not known.*what is read: CSV"):
        drop.take("t", "a", format=stated)


@pytest.mark.parametrize(
    ("stated", "name"),
    [("csv", "t.csv"), ("csv", "t.txt"), ("text", "t.tsv"), ("json", "t.jsonl"), ("json", "t.json"),
     ("jsonl", "t.ndjson"), ("csv", "t")],
)  # fmt: skip
def test_a_name_without_suffix_and_a_stated_format(drop: Drop, stated: str, name: str) -> None:
    drop.put(name, "a\n1\n" if stated in {"csv", "text"} else '{"a":"1"}')
    drop.manifest(name)
    assert rows_of(drop.take("t", "a", format=stated)) == [("1",)]


def test_only_files_that_can_be_read_are_proposed(drop: Drop) -> None:
    drop.put("thue.xls", "")
    drop.put("thue_2024.csv", "")
    with pytest.raises(SourceMissing, match=r"no file of the drop matches 'thue\.csv'") as caught:
        drop.take("thue.csv", "a")
    told = str(caught.value)
    assert "did you mean 'thue_2024.csv'?" in told
    assert "thue.xls is the old Excel format: ask the sender for .xlsx" in told


def test_a_pattern_that_matches_what_is_not_read(drop: Drop) -> None:
    drop.put("t_1.csv", "a\n1\n")
    drop.put("t_2.csv.gz", gzip.compress(b"a\n1\n", mtime=0))
    with pytest.raises(
        DropBroken, match=r"not of one known format.*t_2\.csv\.gz is compressed by gzip: ask the sender"
    ):
        drop.take("t_*", "a")


def _zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a", "a")
    return packed.getvalue()


def _parquet() -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), written)
    return written.getvalue()


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (_zip(), "a ZIP archive or an Excel workbook"),
        (gzip.compress(b"a\n1\n", mtime=0), "compressed by gzip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "the old Excel format"),
        (_parquet(), "a Parquet file"),
        (b"SQLite format 3\x00" + b"\0" * 84, "an SQLite database"),
        (b"%PDF-1.7\n", "a PDF"),
        (b'\xef\xbb\xbf\r\n<HTML><body><table border="1">', "a web page"),
        (b"<table><tr><td>a</td></tr></table>", "a web page"),
        (b'<?xml version="1.0"?><Workbook/>', "XML"),
    ],
)
def test_a_file_that_is_not_what_it_is_called(drop: Drop, name: str, content: bytes, told: str) -> None:
    if name == "t.parquet" and content.startswith(b"PAR1"):
        return
    drop.put(name, content)
    with pytest.raises(DropBroken, match=rf"^{name} is, by its content, {told}.*what is read: CSV"):
        drop.take(name, "a")


@pytest.mark.parametrize("first", ["PAR1", "BZh9", "<b>", "%", "PK"])
def test_a_header_that_only_looks_like_another_format(drop: Drop, first: str) -> None:
    drop.put("t.csv", f"{first},a\n1,2\n")
    assert rows_of(drop.take("t.csv", first)) == [("1", "2")]


@pytest.mark.parametrize("other", ["~$t_1.csv", ".t_1.csv.swp", ".~lock.t_1.csv#", ".t_2.csv"])
def test_hidden_and_lock_files_are_no_part_of_a_delivery(drop: Drop, other: str) -> None:
    drop.put("t_1.csv", "a\n1\n")
    drop.put(other, "bimat")
    assert rows_of(drop.take("*.csv", "a")) == [("1",)]


def test_signs_in_a_name_are_letters_too(drop: Drop) -> None:
    drop.put("t[1].csv", "a\n1\n")
    drop.manifest("t[1].csv")
    assert rows_of(drop.take("t[1].csv", "a")) == [("1",)]


def test_files_of_two_formats_are_no_table(drop: Drop) -> None:
    drop.put("t.csv", "a\n1\n")
    drop.put("t.jsonl", json.dumps({"a": 1}))
    with pytest.raises(DropBroken, match="not of one known format"):
        drop.take("t.*", "a")
