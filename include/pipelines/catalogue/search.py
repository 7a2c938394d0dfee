"""Search over the catalogue: registers, tables, columns, rules, indicators and code lists, by words in any order.

Texts are compared without diacritics, so that `dan toc` finds *Dân tộc*; a word that was written with its diacritics
ranks those higher that have them too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from include.contracts.words import BilingualText

Kind = Literal["register", "table", "column", "rule", "indicator", "list"]
KINDS: dict[Kind, BilingualText] = {
    "register": BilingualText("register", "cơ sở dữ liệu"),
    "table": BilingualText("table", "bảng"),
    "column": BilingualText("column", "cột"),
    "rule": BilingualText("rule", "quy tắc"),
    "indicator": BilingualText("indicator", "chỉ tiêu"),
    "list": BilingualText("code list", "danh mục mã"),
}
LONGEST_QUERY = 200
_MARKS = re.compile("[\u0300-\u036f]")
_BLANKS = str.maketrans("\n_.", "   ")
_WEIGHTS: dict[Kind, int] = {"register": 6, "table": 5, "indicator": 4, "list": 3, "column": 2, "rule": 1}


@dataclass(frozen=True)
class Entry:
    """One thing that can be found. `path`: its page; `names` weigh more than `texts`; `within`: what it is part of."""

    kind: Kind
    path: str
    title: BilingualText
    names: tuple[str, ...]
    texts: tuple[str, ...] = ()
    within: BilingualText | None = None

    @cached_property
    def folded_names(self) -> str:
        """The names as they are compared, each between two line ends."""
        return f"\n{_folded(self.names)}\n"

    @cached_property
    def name_words(self) -> str:
        """The words of the names, each after a blank."""
        return self.folded_names.translate(_BLANKS)

    @cached_property
    def folded(self) -> str:
        """All texts as they are compared."""
        return f"{self.folded_names}{_folded(self.texts)}"

    @cached_property
    def written(self) -> str:
        """All texts with their diacritics, in lower case."""
        return unicodedata.normalize("NFC", "\n".join((*self.names, *self.texts))).lower()


@dataclass(frozen=True)
class SearchIndex:
    """All entries of a catalogue, ready to be searched."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> SearchIndex:
        """The index of these entries; the texts are folded here, once."""
        found = tuple(entries)
        for entry in found:
            _ = entry.folded, entry.name_words, entry.written
        return cls(found)

    def find(self, query: str) -> tuple[Entry, ...]:
        """The entries in which every word of the query occurs, the best first."""
        written = unicodedata.normalize("NFC", query[:LONGEST_QUERY]).lower().split()
        words = [folded for word in written if (folded := _fold(word))]
        if not words:
            return ()
        found = [entry for entry in self.entries if all(word in entry.folded for word in words)]
        accented = [word for word in written if _fold(word) != word]
        ranked = ((-_score(entry, words, accented), place) for place, entry in enumerate(found))
        return tuple(found[place] for _, place in sorted(ranked))


def _score(entry: Entry, words: list[str], accented: list[str]) -> int:
    phrase, score = " ".join(words), _WEIGHTS[entry.kind]
    if f"\n{phrase}\n" in entry.folded_names:
        score += 100
    elif f" {phrase}" in entry.name_words:
        score += 40
    for word in words:
        score += 10 * (word in entry.folded_names)
    for word in accented:
        score += 15 * (word in entry.written)
    return score


def _folded(texts: Iterable[str]) -> str:
    return "\n".join(map(_fold, texts))


def _fold(text: str) -> str:
    """The text in lower case without diacritics, đ as d: what `vn_fold` says of names, for any text and fast."""
    return " ".join(_MARKS.sub("", unicodedata.normalize("NFD", text)).lower().replace("đ", "d").split())
