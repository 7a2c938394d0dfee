"""Supported file formats, and messages for unsupported ones with what to ask the sender for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

Format = Literal["csv", "xlsx", "jsonl", "parquet"]

SUFFIXES: dict[Format, tuple[str, ...]] = {
    "csv": (".csv", ".tsv", ".txt"),
    "xlsx": (".xlsx", ".xlsm"),
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "parquet": (".parquet",),
}
READ = "what is read: CSV (.csv, .tsv, .txt), Excel (.xlsx, .xlsm), JSON Lines (.jsonl, .ndjson, .json), Parquet"
_BY_SUFFIX = {suffix: kind for kind, suffixes in SUFFIXES.items() for suffix in suffixes}
_STATED: dict[str, Format] = {
    "csv": "csv", "tsv": "csv", "txt": "csv", "text": "csv", "xlsx": "xlsx", "xlsm": "xlsx", "excel": "xlsx",
    "json": "jsonl", "jsonl": "jsonl", "ndjson": "jsonl", "parquet": "parquet",
}  # fmt: skip

_WORKBOOK = "ask the sender for .xlsx (in Excel or LibreOffice: Save As, Excel Workbook)"
_UNPACKED = "ask the sender for the files themselves, not packed, or unpack them before the delivery is read"
_TABLE = "ask the sender for CSV in UTF-8, or Parquet"
_JSON_LINES = "ask the sender for JSON Lines: one object a line"
_OLD_EXCEL = f"the old Excel format: {_WORKBOOK}"
_GZIP = f"compressed by gzip: {_UNPACKED}"
_ZIP = f"a ZIP archive: {_UNPACKED}"
_DATABASE = "an SQLite database: it is no file drop, connect to it as sqlite:////folder/file.sqlite"
_PDF = f"a PDF, a document for people: {_TABLE}"
_HTML = f"a web page, whatever it is called (some programs export tables so): {_TABLE} or .xlsx"
_OTHERS = {
    ".xls": _OLD_EXCEL, ".xlt": _OLD_EXCEL, ".xlsb": f"a binary Excel workbook: {_WORKBOOK}",
    ".ods": f"an OpenDocument spreadsheet: {_WORKBOOK}", ".fods": f"an OpenDocument spreadsheet: {_WORKBOOK}",
    ".numbers": f"a spreadsheet of Apple's Numbers: {_WORKBOOK}",
    ".gz": _GZIP, ".tgz": _GZIP, ".zip": _ZIP, ".7z": f"a 7-Zip archive: {_UNPACKED}",
    ".rar": f"a RAR archive: {_UNPACKED}", ".tar": f"a tar archive: {_UNPACKED}",
    ".bz2": f"compressed by bzip2: {_UNPACKED}", ".xz": f"compressed by xz: {_UNPACKED}",
    ".zst": f"compressed by Zstandard: {_UNPACKED}", ".lz4": f"compressed by LZ4: {_UNPACKED}",
    ".gpg": f"encrypted: {_UNPACKED}", ".pgp": f"encrypted: {_UNPACKED}",
    ".dbf": f"a dBASE or FoxPro table: {_TABLE}", ".mdb": f"an Access database: {_TABLE}, a file for each table",
    ".accdb": f"an Access database: {_TABLE}, a file for each table", ".sql": f"a dump of a database: {_TABLE}",
    ".db": _DATABASE, ".sqlite": _DATABASE, ".sqlite3": _DATABASE,
    ".dta": f"a file of Stata: {_TABLE}", ".sav": f"a file of SPSS: {_TABLE}", ".sas7bdat": f"a file of SAS: {_TABLE}",
    ".rds": f"a file of R: {_TABLE}", ".avro": f"an Avro file: {_TABLE}", ".orc": f"an ORC file: {_TABLE}",
    ".feather": f"an Arrow file: {_TABLE}", ".arrow": f"an Arrow file: {_TABLE}",
    ".xml": f"XML: {_TABLE}", ".yaml": f"YAML: {_JSON_LINES}", ".yml": f"YAML: {_JSON_LINES}",
    ".geojson": f"GeoJSON, which is one document: {_JSON_LINES}", ".shp": f"a shapefile: {_TABLE}",
    ".pdf": _PDF, ".doc": f"a Word document: {_TABLE}", ".docx": f"a Word document: {_TABLE}",
    ".html": _HTML, ".htm": _HTML,
}  # fmt: skip
# Magic numbers of files whose suffix is wrong.
_SIGNATURES = (
    (rb"PK\x03\x04", f"a ZIP archive or an Excel workbook: {_UNPACKED}; a workbook as .xlsx"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLD_EXCEL),
    (rb"\x1f\x8b", _GZIP),
    (rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", _OTHERS[".bz2"]),
    (rb"\xfd7zXZ\x00", _OTHERS[".xz"]),
    (rb"\x28\xb5\x2f\xfd", _OTHERS[".zst"]),
    (rb"7z\xbc\xaf\x27\x1c", _OTHERS[".7z"]),
    (rb"Rar!\x1a\x07", _OTHERS[".rar"]),
    (rb"PAR1[\x00-\x1f]", "a Parquet file: ask the sender to name it .parquet"),
    (rb"SQLite format 3\x00", _DATABASE),
    (rb"%PDF-", _PDF),
    (rb"\{\\rtf", f"a document for people: {_TABLE}"),
    (rb"(?i)(\xef\xbb\xbf)?\s*<(!doctype html|html|table)\b", _HTML),
    (rb"(?i)(\xef\xbb\xbf)?\s*<\?xml\b", _OTHERS[".xml"]),
)
START = 64
"""Number of leading bytes that identify a format."""


def format_of(name: str) -> Format | None:
    """Format by a file's suffix; None if unsupported or without suffix."""
    return _BY_SUFFIX.get(Path(name).suffix.lower())


def stated_format(word: str) -> Format | None:
    """Format by the word in a contract."""
    return _STATED.get(word.lower())


def why_not_read(name: str) -> str:
    """Message for an unsupported suffix, with what to ask the sender for; empty if supported or unknown."""
    description = _OTHERS.get(Path(name).suffix.lower())
    return f"{name} is {description}" if description else ""


def why_not_content(name: str, kind: Format, start: bytes) -> str:
    """Message if the first bytes contradict the format; workbooks are checked when opened."""
    if kind == "xlsx" or (kind == "parquet" and start.startswith((b"PAR1", b"PARE"))):
        return ""
    description = next((what for signature, what in _SIGNATURES if re.match(signature, start)), "")
    return f"{name} is, by its content, {description}" if description else ""
