"""Which files of a folder are a table's, by their names."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from include.sources.deliveries.file_formats import format_of, why_not_read


def folded(name: str) -> str:
    """A file name without letter case, Unicode composition and blanks around it, which systems on the way change."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).strip()


def is_named(name: str, pattern: str) -> bool:
    """Whether a file name, folded, equals the pattern or matches its wildcards; hidden files and locks do not."""
    if name.rpartition("/")[2].startswith((".", "~$")):
        return name == pattern
    same, wanted = folded(name), folded(pattern)
    return same == wanted or fnmatchcase(same, wanted) or fnmatchcase(name, pattern)


def looks_like(name: str, patterns: Sequence[str]) -> bool:
    """Whether a file is named by a pattern, also with one more suffix that formats have (`a.csv.gz`, `a.csv.txt`)."""
    names = {name, str(Path(name).with_suffix(""))} if format_of(name) or why_not_read(name) else {name}
    return any(is_named(one, pattern) for one in names for pattern in patterns)
