"""Text in TCVN3 and VNI is recognised, and nothing else is taken for it."""

from __future__ import annotations

import csv
import itertools
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.vietnam import expand_macros, register
from include.vietnam.legacy_fonts import to_tcvn3, to_vni

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
PARTS = (
    "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Trịnh Đoàn Lâm",
    "Văn Thị Đức Hữu Ngọc Thanh Minh Quang Xuân Thu Hồng Bích Kim Như Quốc Công Đình Thế Mỹ",
    "Anh Ánh Bình Cường Dũng Đạt Đông Giang Hà Hải Hạnh Hằng Hiền Hòa Hùng Hương Khánh Lợi Mỹ Ngân Nghĩa Phúc Quý Sơn",
)
NAMES = [" ".join(words) for words in itertools.product(*(part.split() for part in PARTS))]
FOREIGN = [
    "François Müller",
    "Zoë",
    "Raúl García",
    "Peña Muñoz",
    "Noël",
    "Benoît Dupré",
    "Jürgen Groß",
    "Björn",
    "Åsa Lindström",
    "Raphaël",
    "Anaïs",
    "João",
    "Vinamilk®",
    "Công ty «Hà»",
    "100 m²",
    "½ ha",
    "§ 5",
    "Ðinh Hoa",
    "Y Bhiâ",
]


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        register(opened, SCHEMAS)
        yield opened


def recognised(db: duckdb.DuckDBPyConnection, texts: Iterable[str]) -> set[str]:
    found = db.execute("SELECT v FROM (SELECT unnest($1::VARCHAR[]) AS v) WHERE vn_is_legacy_encoded(v)", [list(texts)])
    return {row[0] for row in found.fetchall()}


def ward_names() -> set[str]:
    with (SCHEMAS / "reference" / "wards.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"] for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("text", "tcvn3", "vni"),
    [
        ("Nguyễn Văn Đạt", "NguyÔn V¨n §¹t", "Nguyeãn Vaên Ñaït"),
        ("Trần Thị Thuý", "TrÇn ThÞ Thuý", "Traàn Thò Thuyù"),
        ("Phường Hà Nội", "Ph\u00adêng Hµ Néi", "Phöôøng Haø Noäi"),
        ("LÊ VĂN", "L£ V¡N", "LEÂ VAÊN"),
    ],
)
def test_how_text_looks_in_the_old_encodings(text: str, tcvn3: str, vni: str) -> None:
    assert to_tcvn3(text) == tcvn3
    assert to_vni(text) == vni
    assert to_vni(unicodedata.normalize("NFD", text)) == vni


@pytest.mark.parametrize(("encode", "least"), [(to_tcvn3, 0.98), (to_vni, 0.985)])
def test_names_in_the_old_encodings_are_recognised(
    db: duckdb.DuckDBPyConnection, encode: Callable[[str], str], least: float
) -> None:
    """Not all: a name such as `Phó` in TCVN3 is a right word too, and no program can tell."""
    encoded = {encode(name) for name in NAMES if encode(name) != name}
    assert len(recognised(db, encoded)) >= least * len(encoded)


@pytest.mark.parametrize("encode", [to_tcvn3, to_vni])
def test_places_in_the_old_encodings_are_recognised(
    db: duckdb.DuckDBPyConnection, encode: Callable[[str], str]
) -> None:
    encoded = {encode(name) for name in ward_names() if not name.isascii()}
    assert recognised(db, encoded) == encoded


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_proper_vietnamese_is_never_taken_for_legacy(db: duckdb.DuckDBPyConnection, form: str) -> None:
    whole = {*NAMES, *ward_names()}
    words = {word for text in whole for word in text.split()}
    proper = {case(unicodedata.normalize(form, text)) for text in whole | words for case in (str, str.upper, str.lower)}
    assert not recognised(db, proper)


def test_foreign_names_and_signs_are_left_in_peace(db: duckdb.DuckDBPyConnection) -> None:
    assert not recognised(db, FOREIGN)


@settings(deadline=None)
@given(texts=st.lists(st.text(st.characters(max_codepoint=127)), max_size=30))
def test_ascii_is_never_legacy(db: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    assert not recognised(db, texts)


@settings(deadline=None)
@given(texts=st.lists(st.text(), max_size=20), letter=st.sampled_from("Đđạếự\u0301\u0323"))
def test_text_with_a_letter_only_unicode_has_is_never_legacy(
    db: duckdb.DuckDBPyConnection, texts: list[str], letter: str
) -> None:
    assert not recognised(db, [text + letter for text in texts])


def test_a_query_without_macros_counts_the_same(db: duckdb.DuckDBPyConnection) -> None:
    db.execute("CREATE OR REPLACE TEMP TABLE named AS SELECT unnest($1::VARCHAR[]) AS n, n AS other", [
        [None, *(encode(name) for name in NAMES[::7] for encode in (str, to_tcvn3, to_vni))]
    ])  # fmt: skip
    where = "n <> 'A' AND (vn_name_is_legacy_encoded(n) OR vn_fold(vn_name(other)) = 'an')"
    query = f"SELECT COUNT(*) FROM {{object}} WHERE {where}"
    plain = expand_macros(query)
    assert ("vn_" in plain, "{object}" in plain) == (False, True)
    counts = [db.execute(text.replace("{object}", "named")).fetchall() for text in (query, plain)]
    assert counts[0] == counts[1] != [(0,)]
    assert (
        expand_macros("SELECT COUNT(*) FROM {object} WHERE n  IS NULL")
        == "SELECT COUNT(*) FROM {object} WHERE n  IS NULL"
    )
