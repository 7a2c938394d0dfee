"""Which files of a folder are a table's, by their names."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from include.sources.deliveries.file_formats import SUFFIXES, format_of, why_not_read


def folded(name: str) -> str:
    """A file name without letter case, Unicode composition and blanks around it, which systems on the way change."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).strip()


def is_named(name: str, pattern: str) -> bool:
    """Whether a file name, folded, equals the pattern or matches its wildcards; hidden files and locks do not."""
    if name.rpartition("/")[2].startswith((".", "~$")):
        return name == pattern
    same, wanted = folded(name), folded(pattern)
    return same == wanted or fnmatchcase(same, wanted) or fnmatchcase(name, pattern)


def looks_like(name: str, patterns: Sequence[str], *, is_data: bool) -> bool:
    """Whether a file is named by a pattern, also with one more suffix that formats have (`a.csv.gz`, `a.csv.txt`).

    A file that is known to hold rows also may have another suffix of its format than the pattern (`.tsv`).
    """
    kind, names = format_of(name), {name}
    if kind or why_not_read(name):
        stem = str(Path(name).with_suffix(""))
        names |= {stem, *(f"{stem}{suffix}" for suffix in (SUFFIXES[kind] if kind and is_data else ()))}
    return any(is_named(one, pattern) for one in names for pattern in patterns)
