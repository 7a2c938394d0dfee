"""Vietnamese text in Windows code page 1258, the way old Windows programs wrote it.

The code page holds the base letters (â ă ê ô ơ ư đ) ready-made, and the five tones as combining marks that follow
their letter. Python's codec does not take text apart, so `ế` (NFC) and `e` + two marks (NFD) both fail; this does.
"""

from __future__ import annotations

import unicodedata

_TONES = "\u0300\u0301\u0303\u0309\u0323"


def _split_tone(letter: str) -> str | None:
    """The letter without its tone, then the tone; None when it bears none."""
    marks = unicodedata.normalize("NFD", letter)
    tone = [mark for mark in marks if mark in _TONES]
    if len(tone) != 1 or len(marks) == 1:
        return None
    return unicodedata.normalize("NFC", "".join(mark for mark in marks if mark not in _TONES)) + tone[0]


_LETTERS = (
    "àáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ"
    "ÀÁẢÃẠẰẮẲẴẶẦẤẨẪẬÈÉẺẼẸỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌỒỐỔỖỘỜỚỞỠỢÙÚỦŨỤỪỨỬỮỰỲÝỶỸỴ"
)
_DECOMPOSED = {ord(letter): parts for letter in _LETTERS if (parts := _split_tone(letter))}


def as_stored(values: list[str | None]) -> list[str | None]:
    """Text as a reader of the code page gets it: tones apart from their letters."""
    return [None if v is None else unicodedata.normalize("NFC", v).translate(_DECOMPOSED) for v in values]


def encode(text: str) -> bytes:
    """The text in cp1258: base letters ready-made, tones as combining marks.

    Raises:
        UnicodeEncodeError: a character has no place in the code page (as most of the world's have none).
    """
    return unicodedata.normalize("NFC", text).translate(_DECOMPOSED).encode("cp1258")


def decode(data: bytes) -> str:
    """The text in NFC."""
    return unicodedata.normalize("NFC", data.decode("cp1258"))
