"""Text and names in plain Python: what `vn_text`, `vn_name`, `vn_fold` and `vn_tone_fold` must give."""

from __future__ import annotations

import unicodedata

_BLANKS = frozenset("\t\n\v\f\r\x85\u200b\ufeff")
_LOOKS_LIKE_D = str.maketrans(
    "\N{LATIN CAPITAL LETTER ETH}\N{LATIN CAPITAL LETTER AFRICAN D}\N{LATIN SMALL LETTER ETH}", "ĐĐđ"
)
_PLAIN_D = str.maketrans("đ\N{LATIN SMALL LETTER ETH}\N{LATIN SMALL LETTER D WITH TAIL}", "ddd")
_TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")
_ASCII_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def text(value: str | None) -> str | None:
    """NFC, each run of white space one space, none at the ends; None for blank."""
    if value is None:
        return None
    composed = unicodedata.normalize("NFC", value)
    spaced = "".join(
        " " if letter in _BLANKS or unicodedata.category(letter)[0] == "Z" else letter for letter in composed
    )
    return " ".join(word for word in spaced.split(" ") if word) or None


def name(value: str | None) -> str | None:
    """`text`, and Đ instead of the letters that look like it."""
    clean = text(value)
    return clean.translate(_LOOKS_LIKE_D) if clean else None


def fold(value: str | None) -> str | None:
    """The key to compare names by: without diacritics, `text`, in lower case, đ as d."""
    marks = (mark for mark in unicodedata.normalize("NFD", value or "") if unicodedata.category(mark)[0] != "M")
    bare = text(unicodedata.normalize("NFC", "".join(marks)))
    if bare is None:
        return None
    return "".join("i" if letter == "İ" else letter.lower() for letter in bare).translate(_PLAIN_D)


def tone_fold(value: str | None) -> str | None:
    """`text` with the tone of an open oa, oe or uy on its second vowel: hòa -> hoà, but quý and toán as they are."""
    clean = text(value)
    if clean is None:
        return None
    letters = list(clean)
    for index, letter in enumerate(letters[:-1]):
        plain, tone = _without_tone(letter)
        second = letters[index + 1]
        is_pair = (plain in "oO" and second in "aAeE") or (plain in "uU" and second in "yY")
        is_open = index + 2 == len(letters) or letters[index + 2] not in _ASCII_WORD
        is_after_q = index > 0 and letters[index - 1] in "qQ"
        if tone and is_pair and is_open and not is_after_q:
            letters[index : index + 2] = [plain, second + tone]
    return unicodedata.normalize("NFC", "".join(letters))


def _without_tone(letter: str) -> tuple[str, str]:
    """`ò` -> (`o`, grave); a letter without exactly one of the five tone marks -> (letter, nothing)."""
    base, *marks = list(unicodedata.normalize("NFD", letter))
    return (base, marks[0]) if len(marks) == 1 and marks[0] in _TONES else (letter, "")
