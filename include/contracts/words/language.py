"""Texts in Vietnamese and English, and number and date formats of both."""

from __future__ import annotations

import os
import re
from decimal import Decimal
from typing import Literal, NamedTuple

Language = Literal["vi", "en"]

_ALLOWED = (
    ("<=", "≤"), (">=", "≥"), ("!=", "≠"), ("+-", "±"), ("not between", "ngoài khoảng"), ("between", "từ"),
    (" and ", " đến "), ("at most", "nhiều nhất"), ("at least", "ít nhất"), ("1 row", "1 bản ghi"), ("rows", "bản ghi"),
    ("records", "bản ghi"), ("of persons", "số người"), ("change", "biến động"),
)  # fmt: skip
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?![\d-])")


class BilingualText(NamedTuple):
    """One text in both languages."""

    english: str
    vietnamese: str

    def text(self, language: Language) -> str:
        """The text of that language; the English one where there is no Vietnamese."""
        return pick(language, self.vietnamese, self.english)


def pick(language: Language, vietnamese: str, english: str) -> str:
    """The text of that language; the English one where there is no Vietnamese."""
    return vietnamese if language == "vi" and vietnamese else english


def of_environment() -> Language:
    """The locale's language: the first of LC_ALL, LC_MESSAGES and LANG that is set (POSIX); else English."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if locale := os.environ.get(variable):
            return "vi" if re.match(r"vi($|[_.@-])", locale, re.IGNORECASE) else "en"
    return "en"


def figure(language: Language, value: float | Decimal, digits: int = 0) -> str:
    """A number as text: 1.234,5 in Vietnamese, 1,234.5 in English."""
    text = f"{value:,.{digits}f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "vi" else text


def allowed(language: Language, text: str) -> str:
    """The allowed range of a rule or gate (`<= 2.5 %`, `between 1 and 5 rows`) in that language's number format."""
    if language == "en":
        return text
    text = re.sub(r"(?<=\d)[.,](?=\d)", lambda mark: {".": ",", ",": "."}[mark[0]], text)
    for english, vietnamese in _ALLOWED:
        text = text.replace(english, vietnamese)
    return text


def constant(language: Language, value: object) -> str:
    """A constant of a contract as text: in Vietnamese with a decimal comma, and days as 31/01/2020."""
    if language == "en" or isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return str(value).replace(".", ",")
    return _DAY.sub(r"\3/\2/\1", str(value))
