"""What is published, written back in the source's type, equals what was received; and what can be kept is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from include.contracts.model import Column
from include.quality.conversion import conversions
from tests.repeats import repeats

SOME = settings(max_examples=repeats(15, 100), deadline=None)
ZONES = ("UTC", "Asia/Ho_Chi_Minh", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
SIZES = st.sampled_from([(4, 0), (5, 2), (18, 4), (38, 0), (38, 20), (38, 38)])
PLAIN = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)\s*", re.ASCII)
DIGITS = (
    st.text("0123456789", max_size=22) | st.text("09", max_size=40) | st.sampled_from(["9007199254740993", "5", "05"])
)
NUMBERS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "-", "+", " ", "\t-", "\r\n-", " +"]),
    DIGITS,
    st.sampled_from(["", "."]) | DIGITS.map(".{}".format),
    st.sampled_from(["", "", "", "e3", "E-5", "e+15", " ", "x", "e", "e400", "e-400"]),
)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12)


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute((Path(conversions.__file__).parent / "numbers.sql").read_text())
        yield connection


def published(
    db: duckdb.DuckDBPyConnection, values: Sequence[Any], landed: str, sql_type: str, **options: Any
) -> list[tuple[Any, Any]]:
    """Each value with what is published of it."""
    logical = "integer" if sql_type in ("BIGINT", "SMALLINT") else "any"
    column = Column("p", "s", logical, sql_type, options=options)
    law = conversions.conversion(landed, column)
    parsed, kind = law.parse("given", landed, column)
    rows = (
        f"SELECT n, given, {parsed} AS parsed FROM (SELECT unnest($1::{landed}[]) AS given, unnest($2::INTEGER[]) AS n)"
    )
    sql = f"SELECT {law.finish('parsed', kind, column)} FROM ({rows}) ORDER BY n"
    found = db.execute(sql, [list(values), list(range(len(values)))]).fetchall()
    return [(value, row[0]) for value, row in zip(values, found, strict=True)]


def number(text: str) -> Decimal | None:
    """What a text says, exactly; None if it is no number."""
    with localcontext() as context:
        context.prec = 200
        is_number = re.fullmatch(PLAIN.pattern[:-3] + r"([eE][+-]?[0-9]{1,4})?\s*", text, re.ASCII)
        return Decimal(text.strip()) if is_number else None


def fits(exact: Decimal, precision: int, scale: int) -> bool:
    """Whether a DECIMAL of these sizes holds the number."""
    with localcontext() as context:
        context.prec = 500
        steps = exact.scaleb(scale)
        return steps == steps.to_integral_value() and abs(steps) < 10**precision


@SOME
@given(texts=st.lists(NUMBERS, max_size=30), sizes=SIZES)
@example(texts=["1.555", "100.004", "-0.004", "1_000.5", "1e3", "00001.50", "\t-1.5e2"], sizes=(5, 2))
def test_text_to_decimal(db: duckdb.DuckDBPyConnection, texts: list[str], sizes: tuple[int, int]) -> None:
    for text, value in published(db, texts, "VARCHAR", f"DECIMAL({sizes[0]},{sizes[1]})"):
        exact = number(text)
        assert value == (exact if exact is not None and fits(exact, *sizes) else None), text


@SOME
@given(texts=st.lists(NUMBERS, max_size=30))
@example(texts=["9007199254740993", "123456789.123456789", "0.1", "1e400", "1152921504606846976"])
def test_text_to_float(db: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    for text, value in published(db, texts, "VARCHAR", "DOUBLE"):
        exact = number(text)
        is_kept = exact is not None and Decimal(repr(float(exact))) == exact
        assert (value is not None) == is_kept, text
        assert value is None or Decimal(repr(value)) == exact, text


@SOME
@given(texts=st.lists(NUMBERS, max_size=30))
def test_text_to_integer(db: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    for text, value in published(db, texts, "VARCHAR", "BIGINT"):
        exact = number(text) if PLAIN.fullmatch(text) and not text.strip(" +-").startswith(".") else None
        is_kept = exact is not None and exact == exact.to_integral_value() and -(2**63) <= exact < 2**63
        assert value == (int(exact) if exact is not None and is_kept else None), text


@SOME
@given(values=st.lists(DECIMALS, max_size=30), sizes=SIZES)
def test_decimal_to_decimal_float_and_integer(
    db: duckdb.DuckDBPyConnection, values: list[Decimal], sizes: tuple[int, int]
) -> None:
    for value, kept in published(db, values, "DECIMAL(20,6)", f"DECIMAL({sizes[0]},{sizes[1]})"):
        assert kept == (value if fits(value, *sizes) else None)
    for value, kept in published(db, values, "DECIMAL(20,6)", "DOUBLE"):
        assert (kept is not None) == (Decimal(repr(float(value))) == value)
        assert kept is None or Decimal(repr(kept)) == value
    for value, kept in published(db, values, "DECIMAL(20,6)", "BIGINT"):
        assert kept == (int(value) if value == value.to_integral_value() else None)


@SOME
@given(values=st.lists(st.floats() | st.floats(width=32) | st.integers(-100, 100).map(float), max_size=30), sizes=SIZES)
def test_floats(db: duckdb.DuckDBPyConnection, values: list[float], sizes: tuple[int, int]) -> None:
    for value, kept in published(db, values, "DOUBLE", f"DECIMAL({sizes[0]},{sizes[1]})"):
        assert kept is None or float(kept) == value
        assert (
            kept is not None or value != value or abs(value) == float("inf") or not fits(Decimal(repr(value)), *sizes)
        )
    for value, kept in published(db, values, "DOUBLE", "BIGINT"):
        assert kept == (int(value) if abs(value) <= 2**53 and value.is_integer() else None)
    for value, kept in published(db, values, "DOUBLE", "FLOAT"):
        assert kept is None or float(kept) == value
    for value, kept in published(db, values, "DOUBLE", "BOOLEAN"):
        assert kept == {0.0: False, 1.0: True}.get(value)


@SOME
@given(
    values=st.lists(st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 28)), max_size=30),
    zone=st.sampled_from(ZONES),
)
def test_local_times_and_instants(db: duckdb.DuckDBPyConnection, values: list[datetime], zone: str) -> None:
    """Zones are those of two libraries: only since 1970 do both know them alike."""
    clock = ZoneInfo(zone)
    recent = [value for value in values if 1971 <= value.year < 2037]
    for landed, given_values in (("TIMESTAMP", recent), ("VARCHAR", [value.isoformat(" ") for value in recent])):
        for value, kept in published(db, given_values, landed, "TIMESTAMPTZ", defaultTimezone=zone):
            local = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            if kept is None:  # the clocks left it out
                assert local.replace(tzinfo=clock).astimezone(UTC).astimezone(clock).replace(tzinfo=None) != local
            else:
                assert kept.astimezone(clock).replace(tzinfo=None) == local
    aware = [value.replace(tzinfo=UTC) for value in values]
    for instant, kept in published(db, aware, "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"):
        assert kept.astimezone(UTC) == instant
    for instant, kept in published(
        db,
        [value.replace(tzinfo=UTC) for value in recent],
        "TIMESTAMP WITH TIME ZONE",
        "TIMESTAMP",
        defaultTimezone=zone,
    ):
        shown = instant.astimezone(clock)
        assert kept in (None, shown.replace(tzinfo=None))
        assert (
            kept is not None
            or shown.utcoffset() != (shown + timedelta(hours=3)).utcoffset()
            or (shown.utcoffset() != (shown - timedelta(hours=3)).utcoffset())
        )


TAILS = st.sampled_from(
    [
        "",
        " ",
        "Z",
        " 10:00",
        "T10:00:00",
        " 10:00:00.123456",
        "T10:00:00.1234567Z",
        " BC",
        "x",
        "+07",
        "T25:00",
        " 24:00",
    ]
)
DAYS = st.dates().map(date.isoformat) | st.sampled_from(
    ["2020-02-30", "0000-01-01", "20240-01-31", "2020-1-1", "epoch", ""]
)


@SOME
@given(texts=st.lists(st.builds("{}{}".format, DAYS, TAILS), max_size=30))
def test_text_to_moments(db: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    """Against Python's own reader of ISO 8601, which cuts nothing that the grammar lets pass."""
    form = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d)?)?", re.ASCII)

    def read(text: str) -> datetime | None:
        try:
            return datetime.fromisoformat(text.strip()) if form.fullmatch(text.strip()) else None
        except ValueError:
            return None

    for text, kept in published(db, texts, "VARCHAR", "DATE", defaultTimezone="UTC"):
        moment = read(text)
        assert kept == (moment.date() if moment else None), text
    for text, kept in published(db, texts, "VARCHAR", "TIMESTAMPTZ", defaultTimezone="UTC"):
        moment = None if ".1234567" in text else read(text)
        assert (kept.astimezone(UTC).replace(tzinfo=None) if kept else None) == (
            moment.replace(tzinfo=None) if moment else None
        ), text
