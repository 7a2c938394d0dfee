"""What old systems do to a name."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest

from include.simulator.dirt import cell_faults, cp1258, text_faults

NAME = "Nguyễn Thị Đào"


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (text_faults.capitals, "NGUYỄN THỊ ĐÀO"),
        (text_faults.without_diacritics, "Nguyen Thi Dao"),
        (text_faults.doubled_space, "Nguyễn  Thị Đào "),
        (text_faults.eth_for_d, "Nguyễn Thị Ðào"),
        (text_faults.control_character, "N\x03guyễn Thị Đào"),
        (text_faults.decomposed, unicodedata.normalize("NFD", NAME)),
        (text_faults.moved_tone, NAME),
        (text_faults.i_for_y, NAME),
        (text_faults.as_vni, "Nguyeãn Thò Ñaøo"),
    ],
)
def test_a_name_as_it_arrives(fault: object, seen: str) -> None:
    assert fault(NAME) == seen  # type: ignore[operator]


@pytest.mark.parametrize(
    ("fault", "name", "seen"),
    [
        (text_faults.moved_tone, "Lê Thị Hòa", "Lê Thị Hoà"),
        (text_faults.moved_tone, "Vũ Thúy Hằng", "Vũ Thuý Hằng"),
        (text_faults.moved_tone, "Trần Quý Toàn", "Trần Quý Toàn"),
        (text_faults.i_for_y, "Lý Thị Mỹ", "Lí Thị Mĩ"),
        (text_faults.i_for_y, "Y Thuỷ Huyền", "Y Thuỷ Huyền"),
    ],
)
def test_the_other_spelling_of_a_name(fault: object, name: str, seen: str) -> None:
    assert fault(name) == seen  # type: ignore[operator]


def test_tcvn3_is_planted_only_where_it_can_be_told() -> None:
    assert text_faults.as_tcvn3("Nguyễn Văn Đạt") == "NguyÔn V¨n §¹t"
    assert text_faults.as_tcvn3("Ngô Thu") is not None
    assert text_faults.as_tcvn3("Phan Thanh") is None
    assert text_faults.as_tcvn3("Nguyễn Thị Vân", "cp1258") is None  # ị would become a tone of the code page


def test_a_typo_changes_one_slip_and_never_makes_text_look_like_an_old_encoding() -> None:
    for seed in range(200):
        slip = text_faults.typo("Trần Quốc Hoàng Ánh", np.random.default_rng(seed))
        assert abs(len(slip) - len("Trần Quốc Hoàng Ánh")) <= 1
        assert slip != "Trần Quốc Hoàng Ánh"
        assert not re.search(r"[a-z][À-Þ]", slip)


@pytest.mark.parametrize("text", ["Nguyễn Thị Ánh Đặng Ưng ỷ Ỹ ỡ ặ", "Y Blŏng".replace("ŏ", "o"), "Êñuôl"])
def test_cp1258_holds_every_vietnamese_letter(text: str) -> None:
    assert cp1258.decode(cp1258.encode(text)) == text


def test_cp1258_writes_tones_behind_their_letters() -> None:
    assert cp1258.encode("ế") == b"\xea\xec"
    assert cp1258.encode("à") == b"a\xcc"
    assert cp1258.as_stored(["Thị", None]) == ["Thi\u0323", None]


def test_cp1258_has_no_place_for_other_letters() -> None:
    with pytest.raises(UnicodeEncodeError):
        cp1258.encode("Ð is no Đ")


@pytest.mark.parametrize(
    ("fault", "value", "seen"),
    [
        (cell_faults.lost_zeros, "001053123456", "1053123456"),
        (cell_faults.lost_zeros, "101053123456", None),
        (cell_faults.lost_zeros_of_tax_code, "0100109106", "100109106"),
        (cell_faults.lost_zeros_of_tax_code, "0100109106-001", "100109106-001"),
        (cell_faults.lost_zeros_of_tax_code, "001053123456", None),
        (cell_faults.year_only, "05/11/1970", "1970"),
        (cell_faults.zero_day, "05/11/1970", "00/00/1970"),
        (cell_faults.swapped, "05/11/1970", "11/05/1970"),
        (cell_faults.swapped, "25/11/1970", None),
        (cell_faults.impossible_date, "05/11/1970", "31/02/1970"),
        (cell_faults.other_year, "05/11/1970", "05/11/1959"),
        (cell_faults.other_sex, "2", "1"),
        (cell_faults.other_sex, "3", None),
        (cell_faults.wrong_check_digit, "0100109106", "0100109107"),
        (cell_faults.wrong_check_digit, "N/A-0100109106", "N/A-0100109107"),
        (cell_faults.wrong_check_digit, "0100109106-001", "0100109107-001"),
        (cell_faults.wrong_check_digit, "001053123456", None),
        (cell_faults.negative, "1.234,5", "-1.234,5"),
    ],
)
def test_a_cell_as_it_arrives(fault: object, value: str, seen: str | None) -> None:
    assert fault(value) == seen  # type: ignore[operator]
