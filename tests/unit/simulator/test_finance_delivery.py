"""The drop of the Ministry of Finance, read with the plainest tools there are."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
from pathlib import Path

import openpyxl
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from include.simulator import Country, UnknownTarget, load_registry
from include.simulator.dirt import cp1258


@pytest.fixture(scope="module")
def drop(country: Country, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drop") / "tài chính"
    rows = load_registry(country, "finance", folder.as_uri())
    assert rows == {name: country.rows[f"finance.{name}"] for name in ("taxpayer", "payment", "tax_relief")}
    return folder


def test_the_manifest_names_every_file_with_rows_checksum_and_encoding(country: Country, drop: Path) -> None:
    manifest = json.loads((drop / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["produced_at"] == "2026-09-30T18:00:00+07:00"
    assert {file["name"] for file in manifest["files"]} == {p.name for p in drop.iterdir()} - {"manifest.json"}
    for file in manifest["files"]:
        assert file["sha256"] == hashlib.sha256((drop / file["name"]).read_bytes()).hexdigest()
    of = {file["name"]: file for file in manifest["files"]}
    assert of["nguoi_nop_thue.csv"]["encoding"] == "cp1258"
    assert of["nguoi_nop_thue.csv"]["rows"] == country.rows["finance.taxpayer"]
    payments = [file["rows"] for name, file in of.items() if name.startswith("thu_ngan_sach_")]
    assert len(payments) == 6
    assert sum(payments) == country.rows["finance.payment"]


def test_taxpayers_are_semicolons_crlf_and_code_page_1258(country: Country, drop: Path) -> None:
    raw = (drop / "nguoi_nop_thue.csv").read_bytes()
    assert raw.startswith(b"MST;SO_DINH_DANH;TEN_NNT;LOAI;DIA_CHI;MA_XA;TRANG_THAI;NGAY_CAP_NHAT\r\n")
    lines = cp1258.decode(raw).rstrip("\r\n").split("\r\n")[1:]
    names = pc.utf8_normalize(pq.read_table(country.staged("finance", "taxpayer"))["TEN_NNT"], form="NFC")
    assert [line.split(";")[2] for line in lines] == names.to_pylist()


def test_payments_are_utf8_with_a_byte_order_mark_a_file_a_month(country: Country, drop: Path) -> None:
    numbers = []
    for path in sorted(drop.glob("thu_ngan_sach_*.csv")):
        assert path.read_bytes().startswith(b"\xef\xbb\xbfSO_BIEN_LAI,")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert {row["SO_BIEN_LAI"][2:8] for row in rows} == {path.stem[-7:].replace("-", "")}
        numbers += [row["SO_BIEN_LAI"] for row in rows]
    staged = pq.read_table(country.staged("finance", "payment"))["SO_BIEN_LAI"].to_pylist()
    assert sorted(numbers) == sorted(staged)


def test_a_fault_is_found_at_its_file_and_line(country: Country, drop: Path) -> None:
    dirt = pq.read_table(country.truth / "dirt.parquet")
    payments = dirt.filter(pc.and_(pc.equal(dirt["table"], "payment"), pc.equal(dirt["kind"], "negative_amount")))
    for fault in payments.to_pylist():
        name, line = fault["locator"].split(":")
        assert fault["received"] in (drop / name).read_text(encoding="utf-8-sig").split("\n")[int(line) - 1]


def test_the_workbook_has_typed_dates_and_numbers_where_zeros_were_lost(drop: Path) -> None:
    sheet = openpyxl.load_workbook(drop / "mien_giam_thue.xlsx", read_only=True)["MienGiam"]
    header, *rows = list(sheet.iter_rows(values_only=True))
    assert header == ("SO_QD", "MST", "LOAI_MG", "SO_TIEN", "NGAY_QD", "NGAY_CAP_NHAT")
    assert all(isinstance(row[4], dt.datetime) and isinstance(row[3], int) for row in rows)
    numbers = [row[1] for row in rows if isinstance(row[1], int)]
    assert numbers
    assert all(len(str(number)) in (9, 11) for number in numbers)


def test_a_second_drop_takes_the_place_of_the_first(country: Country, tmp_path: Path) -> None:
    (tmp_path / "thu_ngan_sach_1999-01.csv").write_text("old")
    (tmp_path / "manifest.json").write_text("old")
    load_registry(country, "finance", tmp_path.as_uri())
    assert not (tmp_path / "thu_ngan_sach_1999-01.csv").exists()
    assert json.loads((tmp_path / "manifest.json").read_text())["files"]


@pytest.mark.parametrize(
    ("registry", "uri"), [("finance", "sqlite:////x"), ("land", "file:///x"), ("land", "oracle://x"), ("land", "")]
)
def test_what_cannot_be_loaded_is_said(country: Country, registry: str, uri: str) -> None:
    with pytest.raises(UnknownTarget, match="finance takes file:///folder"):
        load_registry(country, registry, uri)
