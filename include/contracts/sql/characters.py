"""Check for invisible and misleading characters in SQL.

The engine takes every character beyond ASCII for part of a name; a person who sees a blank there, or nothing, reads
another statement.
"""

from __future__ import annotations

import re
import unicodedata

# A quoted text, a quoted name, a comment, else one character.
_PIECES = re.compile(
    r"""(?P<text>(?<![\w"])[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*')"""
    r"""|(?P<name>"(?:[^"]|"")*")|(?P<comment>--[^\r\n]*|/\*.*?\*/)|(?P<code>.)""",
    re.DOTALL,
)
_PLAIN = frozenset("\t\n\r" + "".join(map(chr, range(0x20, 0x7F))))
_MARKS = range(0x300, 0x370)  # of letters written in two parts
_HIDDEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")  # control, format (zero width, direction), unassigned, lines
_ASCII = {"‘": "'", "’": "'", "‚": "'", "ʼ": "'", "＇": "'", "“": '"', "”": '"', "„": '"', "＂": '"',
          "−": "-", "–": "-", "—": "-", "（": "(", "）": ")", "，": ",", "；": ";", "＝": "=", "．": "."}  # fmt: skip
_NUL = "\0"


def why_odd(text: str) -> tuple[str, str] | None:
    """The first forbidden character, with its name, line and remedy; empty if there is none."""
    if _NUL in text:
        return _told(text, text.index(_NUL))
    for piece in _PIECES.finditer(text):
        if piece["text"] is not None:
            continue
        is_odd = _is_odd_in_code if piece["code"] is not None else _is_hidden
        for offset, character in enumerate(piece[0]):
            if is_odd(character):
                return _told(text, piece.start() + offset)
    return None


def _is_hidden(character: str) -> bool:
    return character not in _PLAIN and unicodedata.category(character) in _HIDDEN


def _is_odd_in_code(character: str) -> bool:
    if character in _PLAIN:
        return character in "$`"
    is_letter = unicodedata.category(character) in ("Lu", "Ll", "Lo") and "FILLER" not in unicodedata.name(
        character, ""
    )
    return not is_letter and ord(character) not in _MARKS


def _told(text: str, position: int) -> tuple[str, str]:
    character, line = text[position], text.count("\n", 0, position) + 1
    name = unicodedata.name(character, "a control character")
    where = f" in its line {line}" if "\n" in text.strip() else ""
    what = f"holds U+{ord(character):04X} ({name.lower()}){where}, which may not stand in SQL"
    if character in _ASCII:
        return what, f"write {_ASCII[character]} instead"
    if character == "$":
        return what, "write a text in single quotes; parameters and variables there are none"
    return what, "take it out; a name of the source that holds unusual letters stands in double quotes"
