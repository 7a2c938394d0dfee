"""Check of names: valid in Delta, Spark, DuckDB, statements of SQLAlchemy (`:a` is a parameter), and as a folder."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

from include.contracts.model import RESERVED_PREFIX

MAX_BYTES = 255
_COLUMN_REFUSES = re.compile(r"""[\s,;:{}()=."'`/\\\x00-\x1f\x7f]""")
_FOLDER = re.compile(r"\w[\w-]*")
Wrong = tuple[str, str]


def why_no_column_name(name: str) -> Wrong | None:
    """Mistake in the name of a published column, with remedy."""
    if found := _COLUMN_REFUSES.search(name):
        remedy = f"write `{_plain(name)}`; the source's own name belongs in `physicalName`"
        return f"the name {name!r} holds {_sign(found[0])}, which readers of the lake refuse", remedy
    return _why_none(name)


def why_no_table_name(name: str) -> Wrong | None:
    """Mistake in the name of a table or registry, which becomes a folder of the lake, with remedy."""
    if name and not name.startswith(RESERVED_PREFIX) and not _FOLDER.fullmatch(name):
        remedy = f"write `{_plain(name)}`: letters, digits, _ and -; the source's own name belongs in `physicalName`"
        return f"the name {name!r} cannot be a folder of the lake and a table of every reader", remedy
    return _why_none(name)


def same_but_for_case(names: Iterable[str]) -> list[tuple[int, str]]:
    """Positions of names that equal another ignoring case and Unicode form, each with the other name."""
    seen: dict[str, str] = {}
    found = []
    for position, name in enumerate(names):
        folded = unicodedata.normalize("NFC", name).casefold()
        if folded in seen:
            found.append((position, seen[folded]))
        seen.setdefault(folded, name)
    return found


def nearest(name: str, known: Iterable[str]) -> str:
    """`did you mean ...?`, or all known names."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"one of: {', '.join(sorted(known))}"


def _why_none(name: str) -> Wrong | None:
    if not name or name.startswith(RESERVED_PREFIX):
        return "has no usable name", f"give `name:`, not beginning with `{RESERVED_PREFIX}` and without quotes"
    if (size := len(name.encode())) > MAX_BYTES:
        return f"the name has {size} bytes", f"at most {MAX_BYTES}: choose a shorter one"
    if name != unicodedata.normalize("NFC", name):
        return f"the name `{name}` is not in Unicode's composed form", "write it in NFC: one letter, one character"
    return None


def _plain(name: str) -> str:
    """A similar valid name."""
    words = re.sub(r"\W+", "_", unicodedata.normalize("NFC", name)).strip("_")
    return words or "a_name"


def _sign(char: str) -> str:
    return {" ": "a blank", ".": "a dot", "/": "a slash"}.get(char, repr(char) if char.isprintable() else "a control")
