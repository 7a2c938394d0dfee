"""Check of regular expressions in the engine's dialect, RE2."""

from __future__ import annotations

import os
import re
import unicodedata
from functools import lru_cache

import duckdb

from include.contracts.sql import text_literal

_LOOK_AROUND = re.compile(r"\(\?(?:<?[=!]|>)")
_BACK_REFERENCE = re.compile(r"\\[1-9]")
_REMEDY = "correct it, or write the rule as `type: sql`"


@lru_cache(maxsize=1024)
def why_not_compiled(pattern: str) -> tuple[str, str] | None:
    """Mistake in a pattern, with remedy; None if it compiles."""
    try:
        _ask(pattern, "")
    except duckdb.Error as error:
        message = str(error).partition("Error: ")[2].strip().partition("\n")[0]
        return f"the pattern does not compile: {message}", _remedy(pattern, message)
    return None


@lru_cache(maxsize=4096)
def matches(pattern: str, text: str) -> bool:
    """Whether a text, in NFC as published, matches the pattern."""
    return _ask(pattern, unicodedata.normalize("NFC", text))


def _ask(pattern: str, text: str) -> bool:
    # As literals, as in a rule's SQL; DuckDB would import pandas to read a parameter.
    given = text_literal(text).replace("\0", "' || chr(0) || '")
    found = _engine(os.getpid()).cursor().execute(f"SELECT regexp_matches({given}, {text_literal(pattern)})").fetchone()
    return bool(found and found[0])


@lru_cache(maxsize=1)
def _engine(process: int) -> duckdb.DuckDBPyConnection:
    """One DuckDB connection per process: starting one takes longer than a thousand patterns."""
    return duckdb.connect(config={"threads": 1, "enable_external_access": False})


def _remedy(pattern: str, message: str) -> str:
    if _LOOK_AROUND.search(pattern):
        return "RE2 knows no look-ahead or look-behind: write two rules, one for each condition"
    if _BACK_REFERENCE.search(pattern):
        return "RE2 knows no back references: write the rule as `type: sql`"
    if "missing ]" in message:
        return "close the bracket with ]"
    if "missing )" in message or "unexpected )" in message:
        return "each ( needs its )"
    return _REMEDY
