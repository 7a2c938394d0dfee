"""Whether keys differ, told at little cost: never wrong, and told wherever it is worth it."""

from __future__ import annotations

import duckdb
import pytest

from include.lake.delta.table_rows import all_differ

CASES = {
    "in a row": ("SELECT range AS k FROM range(1000)", True),
    "with gaps": ("SELECT range * 50 AS k FROM range(1000)", True),
    "below nought": ("SELECT range - 500 AS k FROM range(1000)", True),
    "at the end of the type": ("SELECT 9223372036854775807 - range AS k FROM range(3)", True),
    "one twice": ("SELECT range AS k FROM range(1000) UNION ALL SELECT 999", False),
    "one unknown": ("SELECT range AS k FROM range(1000) UNION ALL SELECT NULL", False),
    "great gaps": ("SELECT range * 1000 AS k FROM range(1000)", False),
    "as far apart as can be": ("SELECT unnest([-9223372036854775808, 9223372036854775807]) AS k", False),
    "no row": ("SELECT range AS k FROM range(0)", False),
    "text": ("SELECT CAST(range AS VARCHAR) AS k FROM range(1000)", False),
}


@pytest.mark.parametrize("case", CASES)
def test_keys_differ_only_if_they_do(case: str) -> None:
    query, expected = CASES[case]
    with duckdb.connect() as connection:
        assert all_differ(connection, f"({query})", ("k",)) is expected


def test_a_key_of_two_columns_is_left_to_others() -> None:
    with duckdb.connect() as connection:
        assert not all_differ(connection, "(SELECT 1 AS a, 2 AS b)", ("a", "b"))
