"""Identifiers in plain Python: what `vn_digits`, `vn_sex`, `vn_cccd_*` and `vn_mst*` must give.

Also what the simulator and the tests need to make valid ones.
"""

from __future__ import annotations

import re
from typing import Literal

from include.vietnam import names

Sex = Literal["male", "female", "unknown"]

MST_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)
_SEPARATORS = frozenset(" .-\u2010\u2011\u2012\u2013\u2014")
_SEX_WORDS: dict[str, Sex] = {
    "1": "male",
    "nam": "male",
    "male": "male",
    "2": "female",
    "nu": "female",
    "female": "female",
    "3": "unknown",
    "khac": "unknown",
    "khong xac dinh": "unknown",
    "chua xac dinh": "unknown",
    "unknown": "unknown",
}


def digits(value: str | None) -> str | None:
    """`vn_digits`: the digits without spaces, dots and dashes; other text as it is."""
    clean = names.text(value)
    if clean is None or clean.endswith(".0"):
        return clean
    bare = "".join(letter for letter in clean if letter not in _SEPARATORS)
    return bare if _is_digits(bare) else clean


def sex(code: str | None) -> Sex | None:
    """`vn_sex`."""
    return _SEX_WORDS.get(names.fold(code) or "")


def cccd_birth_year(value: str | None) -> int | None:
    """`vn_cccd_birth_year`: the year that digits 4 to 6 of a personal id say."""
    personal_id = digits(value) or ""
    if not _is_digits(personal_id, 12):
        return None
    return 1900 + int(personal_id[3]) // 2 * 100 + int(personal_id[4:6])


def cccd_sex(value: str | None) -> Sex | None:
    """`vn_cccd_sex`: even century digit male, odd female."""
    personal_id = digits(value) or ""
    if not _is_digits(personal_id, 12):
        return None
    return "female" if int(personal_id[3]) % 2 else "male"


def mst_check_digit(nine: str) -> str | None:
    """The tenth digit of a tax code whose first nine are given; None when such a code is never issued."""
    check = 10 - sum(weight * int(digit) for weight, digit in zip(MST_WEIGHTS, nine, strict=True)) % 11
    return None if check == 10 else str(check)


def mst_is_valid(value: str | None) -> bool | None:
    """`vn_mst_is_valid`."""
    clean = names.text(value)
    if clean is None:
        return None
    if _is_digits(clean, 12):
        return True
    match = re.fullmatch(r"(\d{9})(\d)(?:-?(\d{3}))?", clean, re.ASCII)
    return match is not None and match[3] != "000" and mst_check_digit(match[1]) == match[2]


def mst(value: str | None) -> str | None:
    """`vn_mst`: ten digits, or ten, a dash and three for a branch; other text as it is."""
    bare, clean = digits(value) or "", names.text(value)
    if not _is_digits(bare) or re.fullmatch(r"\d{9}-\d{3}", clean or "", re.ASCII):
        return clean
    return f"{bare[:10]}-{bare[10:]}" if len(bare) == 13 else bare


def _is_digits(text: str, length: int | None = None) -> bool:
    return text.isascii() and text.isdigit() and (length is None or len(text) == length)
