"""SQL that people write: parsed, held to an allow-list of functions and characters, and written out again."""

from __future__ import annotations

from include.contracts.sql.functions import ELSEWHERE, GROUPS
from include.contracts.sql.sql_text import (
    DEEPEST,
    LONGEST,
    PlainDuckDB,
    SqlRefused,
    check_where,
    names_in,
    rewritten,
    understood,
    written,
)

__all__ = [
    "DEEPEST",
    "ELSEWHERE",
    "GROUPS",
    "LONGEST",
    "PlainDuckDB",
    "SqlRefused",
    "check_where",
    "names_in",
    "rewritten",
    "understood",
    "written",
]
