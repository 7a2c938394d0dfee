"""Validation of SQL from contracts and users: parsed, checked by an allow-list, and generated anew."""

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
