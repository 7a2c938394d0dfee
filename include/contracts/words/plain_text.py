"""Plain text that a person writes: it says something, is read as it stands, and holds no number of a person."""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")  # control, format (zero width, direction), unassigned, lines
_SEEN = "\n\t"
_CLEANED = {"Cc": " ", "Zl": " ", "Zp": " ", "Cf": ""}
_DAY = re.compile(
    r"(?<!\d)(?:0?[1-9]|[12]\d|3[01])[./-](?:0?[1-9]|1[0-2])[./-](?:19|20)\d\d(?!\d)"
    r"|(?<!\d)(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!\d)"
)
MAX_NOTE = 300  # characters of a reason or a purpose, which are kept on one line
_LONG_NUMBER = re.compile(r"(?:\d[\s._/\\–—-]{0,2}){8,}\d")  # nine digits or more, as persons have


def says_something(text: str) -> bool:
    """Whether there is a letter or a digit in it that is seen."""
    return any(one.isalnum() and not _is_hidden(one) for one in text)


def hidden_character(text: str) -> str:
    """The first character that is not seen, or turns the direction of others, as `U+200B`; empty if there is none."""
    return next((f"U+{ord(one):04X}" for one in text if _is_hidden(one)), "")


def cleaned(text: str) -> str:
    """The text as it is read: a blank for each control character but tab and line feed (Word breaks lines by U+000B).

    Marks of format are left out; what else is not seen becomes U+FFFD.
    """
    return "".join(_CLEANED.get(unicodedata.category(one), "\ufffd") if _is_hidden(one) else one for one in text)


def holds_a_long_number(text: str) -> bool:
    """Whether it holds a number as persons have, perhaps with blanks, dots or strokes between; days are none."""
    return _LONG_NUMBER.search(_DAY.sub("#", text)) is not None


def _is_hidden(one: str) -> bool:
    if one in _SEEN:
        return False
    return unicodedata.category(one) in _HIDDEN or "FILLER" in unicodedata.name(one, "") or one == "\u2800"
