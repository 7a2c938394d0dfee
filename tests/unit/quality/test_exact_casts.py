"""Casts in a contract's expression. Older tests tried columns without one, and macros, and took casts for exact."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pytest

from include.quality.conversion import numbers
from include.quality.conversion.exact_casts import with_exact_casts


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute((Path(numbers.__file__).parent / "numbers.sql").read_text(encoding="utf-8"))
        yield connection


def value(db: duckdb.DuckDBPyConnection, expression: str, given: str) -> Any:
    changed = with_exact_casts(expression)
    return db.execute(f"SELECT (\n{changed}\n) FROM (SELECT {given} AS v) AS source").fetchall()[0][0]


@pytest.mark.parametrize(
    ("expression", "given", "expected"),
    [
        *(('TRY_CAST("v" AS DATE)', f"'{text}'", None) for text in ("2020-01-31 BC", "epoch", "20240-01-31", "rác")),
        ('TRY_CAST("v" AS DATE)', "'2020-01-31'", date(2020, 1, 31)),
        ('"v"::DATE', "'2020-01-31 10:00:00.123456789'", date(2020, 1, 31)),
        ('TRY_CAST("v" AS DATE)', "TIMESTAMP '2020-01-31 10:00'", date(2020, 1, 31)),
        ('"v"::TIMESTAMP', "'2020-01-31 10:00'", datetime(2020, 1, 31, 10)),
        *(('"v"::TIMESTAMP', f"'2020-01-31 10:00:00{tail}'", None) for tail in ("Z", "+07", ".1234567", " BC")),
        ('TRY_CAST("v" AS TIMESTAMPTZ)', "'2020-01-31 10:00:00'", None),
        ('epoch(TRY_CAST("v" AS TIMESTAMPTZ))', "'1970-01-01 07:00:00+07'", 0),
        *(
            ('TRY_CAST("v" AS INTEGER)', f"'{text}'", None)
            for text in ("1.5", "1_000", "0x1F", "1e3", "x", "3000000000")
        ),
        ('CAST("v" AS INTEGER)', "'12.0'", 12),
        ('CAST("v" AS INTEGER)', "'x'", None),
        ('CAST("v" AS INTEGER) * 2', "' 7 '", 14),
        ('"v"::BIGINT', "1.5::DOUBLE", None),
        ('"v"::BIGINT', "1e18::DOUBLE", 10**18),
        ('"v"::INTEGER', "1.5::DECIMAL(5, 1)", None),
        ('"v"::INTEGER', "2.0::DECIMAL(5, 1)", 2),
        ('"v"::INTEGER', "true", 1),
        ('"v"::TINYINT', "300", None),
        ('CAST("v" / 3 AS INTEGER)', "10", 3),
        ('CAST("v" * 1.1 AS DECIMAL(9, 2))', "1.11::DECIMAL(9, 2)", Decimal("1.22")),
        ('TRY_CAST("v" AS DECIMAL(10, 2))', "'1.555'", None),
        ('TRY_CAST("v" AS DECIMAL(10, 2))', "1.555::DECIMAL(12, 3)", None),
        ('TRY_CAST("v" AS DECIMAL(10, 2))', "1.550::DECIMAL(12, 3)", Decimal("1.55")),
        ('TRY_CAST("v" AS DOUBLE)', "'9007199254740993'", None),
        ('TRY_CAST("v" AS DOUBLE)', "'0.1'", 0.1),
        ('TRY_CAST("v" AS DOUBLE)', "9007199254740993", None),
        ('TRY_CAST("v" AS DOUBLE)', "9007199254740992", 9007199254740992.0),
        ('TRY_CAST("v" AS DOUBLE)', "0.1::DECIMAL(3, 1)", 0.1),
        ('TRY_CAST("v" AS DOUBLE)', "0.1::FLOAT", 0.10000000149011612),
        ('TRY_CAST("v" AS DOUBLE)', "'infinity'::DOUBLE", float("inf")),
        *((f'TRY_CAST("v" AS {kind})', "true", 1.0) for kind in ("DOUBLE", "FLOAT")),
        ('TRY_CAST("v" AS FLOAT)', "0.1::DOUBLE", pytest.approx(0.1)),
        ('TRY_CAST("v" AS FLOAT)', "0.123456789::DOUBLE", None),
        ('TRY_CAST("v" AS BOOLEAN)', "'yes'", None),
        ('TRY_CAST("v" AS BOOLEAN)', "'TRUE'", True),
        ('TRY_CAST("v" AS BOOLEAN)', "2", None),
        ('TRY_CAST("v" AS BOOLEAN)', "true", True),
        ("coalesce(TRY_CAST(nullif(\"v\", '-') AS INTEGER), 0) -- none", "'-'", 0),
        ('CASE WHEN TRY_CAST("v" AS INTEGER) > 3 THEN "v"::VARCHAR END', "'4'", "4"),
        ("list_transform([1.5, 2.0], lambda x: x::INTEGER)", "1", [None, 2]),
        ("list_transform(string_split(\"v\", ','), lambda x, i: TRY_CAST(x AS INTEGER))", "'3,4.7'", [3, None]),
        ("CAST(string_split(\"v\", ',') AS INTEGER[])", "'3,4.7'", None),
        ("CAST(string_split(\"v\", ',') AS INTEGER[])", "'3,4'", [3, 4]),
        ('"v"::UHUGEINT', "'1.5'", None),
        ('"v"::UHUGEINT', "'15'", 15),
        ('"v"::UHUGEINT', "1.5::DOUBLE", None),
        ('TRY_CAST("v" AS TIME)', "'10:00:00.1234567'", None),
        ('TRY_CAST("v" AS TIME)', "'10:00:00.5'", time(10, 0, 0, 500000)),
        ('TRY_CAST("v" AS TIME)', "TIMESTAMP '2026-01-01 10:00:00'", time(10)),
        ('TRY_CAST("v" AS TIMESTAMP_S)', "'2026-01-01 23:59:59.5'", None),
        ('TRY_CAST("v" AS TIMESTAMP_S)', "TIMESTAMP '2026-01-01 23:59:59.5'", None),
        ('TRY_CAST("v" AS TIMESTAMP_S)', "TIMESTAMP '2026-01-01 23:59:59'", datetime(2026, 1, 1, 23, 59, 59)),
        ('TRY_CAST("v" AS TIMESTAMP_S)', "DATE '2026-01-01'", datetime(2026, 1, 1)),
        ('epoch_us(CAST("v" AS TIMESTAMPTZ))', "TIMESTAMP '1970-01-01 00:00:01.5'", 1_500_000),
        ('epoch_us("v"::TIMESTAMPTZ)', "TIMESTAMP_NS '1970-01-01 00:00:01.5'", 1_500_000),
        ('epoch_us("v"::TIMESTAMPTZ)', "TIMESTAMP_NS '1970-01-01 00:00:01.123456789'", None),
        ('epoch_us("v"::TIMESTAMPTZ)', "DATE '1970-01-02'", 86_400_000_000),
        ('epoch_us("v"::TIMESTAMPTZ)', "TIMESTAMPTZ '1970-01-01 07:00:01+07'", 1_000_000),
        ('epoch_us("v"::TIMESTAMP)', "TIMESTAMPTZ '1970-01-01 07:00:01+07'", 1_000_000),
        ('TRY_CAST("v" AS TIMESTAMP)', "TIMESTAMP_NS '2026-01-01 23:59:59.123456789'", None),
        (
            'TRY_CAST("v" AS TIMESTAMP)',
            "TIMESTAMP_NS '2026-01-01 23:59:59.5'",
            datetime(2026, 1, 1, 23, 59, 59, 500000),
        ),
        (
            'TRY_CAST("v" AS UUID)',
            "'{2B4E0000-0000-4000-8000-000000000001}'",
            UUID("2b4e0000-0000-4000-8000-000000000001"),
        ),
        *(
            ('TRY_CAST("v" AS DECIMAL(10, 2))', f"e'{blank}-1.5e2'", Decimal(-150))
            for blank in ("", " ", r"\t", r"\r\n")
        ),
        ("CAST('2020-01-31' AS DATE)", "1", date(2020, 1, 31)),
    ],
)
def test_a_cast_gives_the_value_or_nothing(
    db: duckdb.DuckDBPyConnection, expression: str, given: str, expected: Any
) -> None:
    assert value(db, expression, given) == expected


@pytest.mark.parametrize(
    "text",
    ['vn_name("ho_ten")', '"cast"', "true AND \"v\" = 'a'", 'TRY_CAST("v" AS', 'CAST("v" AS VARCHAR)', '"v"::JSON'],
)
def test_an_expression_without_such_a_cast_stays_as_it_is_written(text: str) -> None:
    assert with_exact_casts(text) == text
