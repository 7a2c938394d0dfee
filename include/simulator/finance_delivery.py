"""The file drop of the Ministry of Finance: a legacy CSV, a CSV for each month, a workbook, a manifest.

The manifest is written last: a drop without one is not finished. Same country, same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from openpyxl import Workbook
from pyarrow import csv

from include.simulator.registries import payment_file
from include.simulator.render import join
from include.simulator.staging import Country

TAXPAYER_FILE, RELIEF_FILE, RELIEF_SHEET = "nguoi_nop_thue.csv", "mien_giam_thue.xlsx", "MienGiam"
MANIFEST = "manifest.json"
BATCH = 100_000


def write_drop(country: Country, folder: Path) -> dict[str, int]:
    """Writes the drop into `folder`, replacing the one that is there; returns rows by file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    for old in [*folder.glob("thu_ngan_sach_*.csv"), *folder.glob("*.partial")]:
        old.unlink()
    rows = {TAXPAYER_FILE: _write_taxpayers(country, folder / TAXPAYER_FILE)}
    rows |= _write_payments(country, folder)
    rows[RELIEF_FILE] = _write_reliefs(country, folder / RELIEF_FILE)
    encodings = {TAXPAYER_FILE: "cp1258", RELIEF_FILE: None}
    files = []
    for name in sorted(rows):
        entry = {"name": name, "rows": rows[name], "sha256": _sha256(folder / name)}
        encoding = encodings.get(name, "utf-8")
        files.append({**entry, "encoding": encoding} if encoding else entry)
    manifest = {"produced_at": f"{country.as_of}T18:00:00+07:00", "files": files}
    partial = folder / f"{MANIFEST}.partial"
    partial.write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    partial.replace(folder / MANIFEST)
    return rows


def _batches(country: Country, table: str) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(country.staged("finance", table)) as file:
        yield from file.iter_batches(BATCH)


def _write_taxpayers(country: Country, path: Path) -> int:
    """The layout of the old system: semicolons, CRLF, code page 1258, no quotes."""
    rows = 0
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as out:
        for batch in _batches(country, "taxpayer"):
            if not rows:
                out.write((";".join(batch.schema.names) + "\r\n").encode())
            columns = [pc.fill_null(column, "") for column in batch.columns]
            lines = join(*columns, separator=";").to_pylist()
            out.write(("\r\n".join(lines) + "\r\n").encode("cp1258"))
            rows += batch.num_rows
    partial.replace(path)
    return rows


def _write_payments(country: Country, folder: Path) -> dict[str, int]:
    """A file for each month: UTF-8 with a byte order mark, commas."""
    rows: dict[str, int] = {}
    out: IO[bytes] | None = None
    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    try:
        for batch in _batches(country, "payment"):
            stamp = pc.utf8_slice_codeunits(batch.column("SO_BIEN_LAI"), 2, 8)
            for month in sorted(pc.unique(stamp).to_pylist()):
                name = payment_file(f"{month[:4]}-{month[4:]}")
                if name not in rows:
                    if out:
                        out.close()
                    out = (folder / f"{name}.partial").open("wb")
                    out.write(b"\xef\xbb\xbf" + (",".join(batch.schema.names) + "\n").encode())
                    rows[name] = 0
                part = batch.filter(pc.equal(stamp, month))
                csv.write_csv(part, out, options)
                rows[name] += part.num_rows
    finally:
        if out:
            out.close()
    for name in rows:
        (folder / f"{name}.partial").replace(folder / name)
    return rows


def _write_reliefs(country: Country, path: Path) -> int:
    """A workbook kept by hand: typed dates and amounts, and tax codes that became numbers where they lost a zero."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(RELIEF_SHEET)
    rows = 0
    for batch in _batches(country, "tax_relief"):
        if not rows:
            sheet.append(batch.schema.names)
        for row in batch.to_pylist():
            code = row["MST"]
            row["MST"] = int(code) if code.isdigit() and len(code) in (9, 11) else code
            sheet.append(list(row.values()))
            rows += 1
    partial = path.with_name(f"{path.name}.partial")
    workbook.save(partial)
    _forget_when(partial, country.as_of)
    partial.replace(path)
    return rows


def _forget_when(path: Path, as_of: str) -> None:
    """Remove the time of writing from a workbook, so that equal rows give equal bytes."""
    again = path.with_name(f"{path.name}.again")
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as after:
        for item in before.infolist():
            content = before.read(item)
            if item.filename == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", f"{as_of}T00:00:00Z".encode(), content)
            after.writestr(zipfile.ZipInfo(item.filename, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    again.replace(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
