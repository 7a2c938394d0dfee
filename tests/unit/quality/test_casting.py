"""How a text, or a value of the source's own type, becomes a value of the contract's type."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from include.contracts.model import Column
from include.quality.casting import finish, parse, strptime_format
from include.quality.errors import ConformError


@pytest.fixture(scope="module")
def db() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def read(db: duckdb.DuckDBPyConnection, value: str, sql_type: str, **options: Any) -> Any:
    column = Column("published", "source", "any", sql_type, options=options)
    from_type = db.execute(f"DESCRIBE SELECT {value} AS v").fetchall()[0][1]
    parsed, kind = parse("v", from_type, column)
    sql = f"SELECT {finish('p', kind, column)} FROM (SELECT {parsed} AS p FROM (SELECT {value} AS v))"
    assert db.execute(f"DESCRIBE {sql}").fetchall()[0][1].replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ") == sql_type
    return db.execute(sql).fetchall()[0][0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'12'", 12), ("' 12 '", 12), ("'-7'", -7), ("'+7'", 7), ("'007'", 7), ("'12.0'", 12), ("'12.'", 12),
        ("'1.5'", None), ("'1,5'", None), ("'1.234.567'", None), ("'1e3'", None), ("'0x10'", None), ("'1_000'", None),
        ("''", None), ("'99999999999999999999'", None), ("'١٢'", None), ("2.0::DOUBLE", 2), ("2.5::DOUBLE", None),
        ("2.50::DECIMAL(9,2)", None), ("'nan'::DOUBLE", None), ("5::HUGEINT", 5), ("NULL::VARCHAR", None),
    ],
)  # fmt: skip
def test_an_integer_is_never_rounded_nor_guessed(db: duckdb.DuckDBPyConnection, value: str, expected: int) -> None:
    assert read(db, value, "BIGINT") == expected


@pytest.mark.parametrize(
    ("value", "sql_type", "expected"),
    [
        ("'1.5'", "DOUBLE", 1.5), ("'1,5'", "DOUBLE", None), ("'nan'", "DOUBLE", None), ("'inf'", "DOUBLE", None),
        ("'1.25'", "DECIMAL(18,4)", Decimal("1.2500")), ("'x'", "DECIMAL(18,4)", None), ("3", "DOUBLE", 3.0),
        ("'true'", "BOOLEAN", True), ("'0'", "BOOLEAN", False), ("'có'", "BOOLEAN", None), ("1", "BOOLEAN", True),
    ],
)  # fmt: skip
def test_numbers_and_booleans(db: duckdb.DuckDBPyConnection, value: str, sql_type: str, expected: object) -> None:
    assert read(db, value, sql_type) == expected


@pytest.mark.parametrize(
    ("value", "options", "expected"),
    [
        ("'2020-02-29'", {}, date(2020, 2, 29)),
        ("'2021-02-29'", {}, None),
        ("'infinity'", {}, None),
        ("'31/01/2020'", {"format": "dd/MM/yyyy"}, date(2020, 1, 31)),
        ("'31/02/2020'", {"format": "dd/MM/yyyy"}, None),
        ("'01/02/20'", {"format": "dd/MM/yyyy"}, None),
        ("'2020-01-31'", {"format": "dd/MM/yyyy"}, None),
        ("'202001'", {"format": "yyyyMM"}, date(2020, 1, 1)),
        ("DATE '2020-01-31'", {"format": "dd/MM/yyyy"}, date(2020, 1, 31)),
        ("TIMESTAMP '2020-01-31 10:00'", {}, date(2020, 1, 31)),
        ("TIMESTAMPTZ '2020-01-31 20:00:00+00'", {"defaultTimezone": "Asia/Ho_Chi_Minh"}, date(2020, 2, 1)),
        ("TIMESTAMPTZ '2020-01-31 20:00:00+00'", {}, date(2020, 1, 31)),
    ],
)
def test_dates(db: duckdb.DuckDBPyConnection, value: str, options: dict[str, str], expected: date | None) -> None:
    assert read(db, value, "DATE", **options) == expected


@pytest.mark.parametrize(
    ("value", "options", "expected"),
    [
        ("'2020-01-01 07:00:00'", {}, 7),
        ("'2020-01-01 07:00:00'", {"defaultTimezone": "Asia/Ho_Chi_Minh"}, 0),
        ("'2020-01-01T07:00:00+07:00'", {}, 0),
        ("'2020-01-01T07:00:00.5Z'", {"defaultTimezone": "Asia/Ho_Chi_Minh"}, 7),
        ("TIMESTAMP '2020-01-01 07:00:00'", {"defaultTimezone": "Asia/Ho_Chi_Minh"}, 0),
        ("TIMESTAMPTZ '2020-01-01 07:00:00+07'", {"defaultTimezone": "Asia/Ho_Chi_Minh"}, 0),
        ("'01/01/2020 07:00:00'", {"format": "dd/MM/yyyy HH:mm:ss", "defaultTimezone": "Asia/Ho_Chi_Minh"}, 0),
        ("'2020-01-01T07:00:00+0700'", {"format": "yyyy-MM-dd'T'HH:mm:ssXX"}, 0),
        ("'soon'", {}, None),
        ("'infinity'", {}, None),
        ("''", {}, None),
    ],
)
def test_an_instant_is_published_in_utc(
    db: duckdb.DuckDBPyConnection, value: str, options: dict[str, str], expected: int | None
) -> None:
    read_value = read(db, value, "TIMESTAMPTZ", **options)
    if expected is None:
        assert read_value is None
    else:
        assert read_value.astimezone(UTC).replace(microsecond=0) == datetime(2020, 1, 1, expected, tzinfo=UTC)


def test_a_local_time_stays_local_when_the_contract_says_so(db: duckdb.DuckDBPyConnection) -> None:
    assert read(db, "'2020-01-01 07:00:00'", "TIMESTAMP") == datetime(2020, 1, 1, 7)
    with_offset = read(db, "'2020-01-01 00:00:00+00:00'", "TIMESTAMP", defaultTimezone="Asia/Ho_Chi_Minh")
    assert with_offset == datetime(2020, 1, 1, 7)


def test_text_is_stored_composed(db: duckdb.DuckDBPyConnection) -> None:
    assert read(db, "'Nguye' || chr(770) || chr(771) || 'n'", "VARCHAR") == "Nguyễn"
    assert read(db, "12", "VARCHAR") == "12"


def test_formats_are_those_of_the_jdk() -> None:
    assert strptime_format("yyyy-MM-dd'T'HH:mm:ss.SSS", "c") == "%Y-%m-%dT%H:%M:%S.%g"
    assert strptime_format("d/M/yy 'o''clock' 100%", "c") == "%d/%m/%y o'clock 100%%"
    with pytest.raises(ConformError, match=r"column c: the format's `QQ` is not known"):
        strptime_format("QQ yyyy", "c")
    with pytest.raises(ConformError, match="does not end"):
        strptime_format("yyyy'T", "c")
