"""Vietnamese text in Windows code page 1258, the way old Windows programs wrote it.

The code page holds the base letters (â ă ê ô ơ ư đ) ready-made, and the five tones as combining marks that follow
their letter. Python's codec does not take text apart, so `ế` (NFC) and `e` + two marks (NFD) both fail; this does.
"""

from __future__ import annotations

import unicodedata

_TONES = "\u0300\u0301\u0303\u0309\u0323"


def _split_tone(letter: str) -> str | None:
    """The letter without its tone, then the tone; None when it bears none, or is none the code page has."""
    marks = unicodedata.normalize("NFD", letter)
    tone = [mark for mark in marks if mark in _TONES]
    if len(tone) != 1 or len(marks) == 1:
        return None
    apart = unicodedata.normalize("NFC", "".join(mark for mark in marks if mark not in _TONES)) + tone[0]
    try:
        apart.encode("cp1258")
    except UnicodeEncodeError:
        return None
    return apart


# Not the letters of Vietnamese alone: what garbled text composes to (V and a dot below) must go back as it came.
_LATIN = [*range(0x00C0, 0x0250), *range(0x1E00, 0x1F00)]
_DECOMPOSED = {code: parts for code in _LATIN if (parts := _split_tone(chr(code)))}


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
