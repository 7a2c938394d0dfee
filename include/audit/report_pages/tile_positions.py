"""Places of the provinces, by code, in a grid of roughly the shape of Vietnam: before and after 2025-07-01."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A province's square: column from the west, row from the north."""

    name: str
    column: int
    row: int


def _places(rows: str) -> Mapping[str, Place]:
    """Read a grid: a line for each row, its squares `code name` between bars, empty where nothing lies."""
    found = {}
    for row, line in enumerate(rows.strip().splitlines()):
        for column, square in enumerate(line.split("|")):
            code, _, name = square.strip().partition(" ")
            if code:
                found[code] = Place(name, column, row)
    return found


NOW = _places("""
12 Lai Châu  | 15 Lào Cai | 08 Tuyên Quang | 04 Cao Bằng
11 Điện Biên | 14 Sơn La  | 25 Phú Thọ     | 19 Thái Nguyên | 20 Lạng Sơn
             |            | 01 Hà Nội      | 24 Bắc Ninh    | 22 Quảng Ninh
             |            | 37 Ninh Bình   | 33 Hưng Yên    | 31 Hải Phòng
             |            | 38 Thanh Hóa
             |            | 40 Nghệ An
             |            |                | 42 Hà Tĩnh
             |            |                | 44 Quảng Trị
             |            |                |                | 46 Huế
             |            |                |                | 48 Đà Nẵng
             |            |                |                | 51 Quảng Ngãi
             |            |                |                | 52 Gia Lai
             |            |                |                | 66 Đắk Lắk
             |            |                | 68 Lâm Đồng    | 56 Khánh Hòa
             | 80 Tây Ninh  | 79 TP. HCM   | 75 Đồng Nai
91 An Giang  | 82 Đồng Tháp | 86 Vĩnh Long
96 Cà Mau    | 92 Cần Thơ
""")
"""The 34 provinces since 2025-07-01."""

FORMER = _places("""
12 Lai Châu  | 10 Lào Cai  | 02 Hà Giang    | 04 Cao Bằng
11 Điện Biên | 15 Yên Bái  | 08 Tuyên Quang | 06 Bắc Kạn     | 20 Lạng Sơn
14 Sơn La    | 25 Phú Thọ  | 26 Vĩnh Phúc   | 19 Thái Nguyên | 24 Bắc Giang | 22 Quảng Ninh
             | 17 Hòa Bình | 01 Hà Nội      | 27 Bắc Ninh    | 30 Hải Dương | 31 Hải Phòng
             |             | 35 Hà Nam      | 33 Hưng Yên    | 34 Thái Bình
             |             | 37 Ninh Bình   | 36 Nam Định
             |             | 38 Thanh Hóa
             |             | 40 Nghệ An
             |             |                | 42 Hà Tĩnh
             |             |                | 44 Quảng Bình
             |             |                | 45 Quảng Trị
             |             |                | 46 Huế         | 48 Đà Nẵng
             |             |                |                | 49 Quảng Nam
             |             |                | 62 Kon Tum     | 51 Quảng Ngãi
             |             |                | 64 Gia Lai     | 52 Bình Định
             |             |                | 66 Đắk Lắk     | 54 Phú Yên
             |             | 67 Đắk Nông    | 68 Lâm Đồng    | 56 Khánh Hòa
             | 72 Tây Ninh | 70 Bình Phước  |                | 58 Ninh Thuận
             | 80 Long An  | 74 Bình Dương  | 75 Đồng Nai    | 60 Bình Thuận
89 An Giang  | 87 Đồng Tháp| 79 TP. HCM     | 77 Bà Rịa–VT
91 Kiên Giang| 92 Cần Thơ  | 86 Vĩnh Long   | 82 Tiền Giang
             | 93 Hậu Giang| 84 Trà Vinh    | 83 Bến Tre
96 Cà Mau    | 95 Bạc Liêu | 94 Sóc Trăng
""")
"""The 63 provinces before."""


def places_of(codes: set[str]) -> Mapping[str, Place]:
    """The map on which most of these codes stand, today's where both are as good; empty if no code is known."""
    now, former = codes & NOW.keys(), codes & FORMER.keys()
    return FORMER if len(former) > len(now) else NOW if now else {}
