"""Validation of SQL from contracts and users: parsed, checked by an allow-list, and generated anew."""

from include.contracts.sql.binding_errors import Told, Unbound, explained, is_arity
from include.contracts.sql.functions import ELSEWHERE, GROUPS
from include.contracts.sql.indicator_queries import (
    EXACT_AGGREGATES,
    HOLIDAYS_LIST,
    PERIOD_FUNCTIONS,
    WORKING_DAYS,
    CheckedQuery,
    checked_query,
)
from include.contracts.sql.sql_text import (
    DEEPEST,
    LONGEST,
    PlainDuckDB,
    SqlRefused,
    check_where,
    names_in,
    rewritten,
    text_literal,
    understood,
    written,
)
