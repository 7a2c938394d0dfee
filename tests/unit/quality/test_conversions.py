"""How a value of a source type becomes one of the contract's: exactly, or not at all.

Former tests asked only for values that were right or plainly no value; what lies between was rounded and cut unseen.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from include.contracts.model import Column
from include.quality.conversion import conversions

VIETNAM = {"defaultTimezone": "Asia/Ho_Chi_Minh"}


@pytest.fixture(scope="module")
def db() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute((Path(conversions.__file__).parent / "numbers.sql").read_text())
    return connection


def read(db: duckdb.DuckDBPyConnection, value: str, sql_type: str, kind: str = "any", **options: Any) -> Any:
    """What is published of SQL of a landed value; None if it is rejected."""
    column = Column("published", "source", kind, sql_type, options=options)
    from_type = db.execute(f"DESCRIBE SELECT {value} AS v").fetchall()[0][1]
    sql = conversions.converted(value, from_type, column)
    published_type = db.execute(f"DESCRIBE {sql}").fetchall()[0][1]
    assert published_type.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ") == sql_type
    return db.execute(sql).fetchall()[0][0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'12'", 12),
        ("' 12 '", 12),
        ("'-7'", -7),
        ("'+7'", 7),
        ("'007'", 7),
        ("'12.0'", 12),
        ("'12.'", 12),
        ("'1.5'", None),
        ("'1,5'", None),
        ("'1.234.567'", None),
        ("'1e3'", None),
        ("'0x10'", None),
        ("'1_000'", None),
        ("''", None),
        ("'99999999999999999999'", None),
        ("'١٢'", None),
        ("2.0::DOUBLE", 2),
        ("2.5::DOUBLE", None),
        ("2.50::DECIMAL(9,2)", None),
        ("'nan'::DOUBLE", None),
        ("5::HUGEINT", 5),
        ("NULL::VARCHAR", None),
    ],
)
def test_an_integer_is_never_rounded_nor_guessed(db: duckdb.DuckDBPyConnection, value: str, expected: int) -> None:
    assert read(db, value, "BIGINT") == expected


@pytest.mark.parametrize(
    ("value", "sql_type", "expected"),
    [
        ("'1.5'", "DOUBLE", 1.5),
        ("'123456789.123456789'", "DOUBLE", None),
        ("9007199254740993::BIGINT", "DOUBLE", None),
        ("9007199254740992::BIGINT", "DOUBLE", 2.0**53),
        ("'9007199254740993'", "DOUBLE", None),
        ("'0.1'", "DOUBLE", 0.1),
        ("'00.10'", "DOUBLE", 0.1),
        ("'1e-400'", "DOUBLE", None),
        ("'1e400'", "DOUBLE", None),
        ("'-0'", "DOUBLE", 0.0),
        ("1.1::FLOAT", "DOUBLE", 1.100000023841858),
        ("0.1::DOUBLE", "FLOAT", None),
        ("0.5::DOUBLE", "FLOAT", 0.5),
        ("12345678901234567.89::DECIMAL(30,2)", "DOUBLE", None),
        ("1000000000000000000::BIGINT", "DOUBLE", 1e18),
        ("'1.555'", "DECIMAL(10,2)", None),
        ("'-0.004'", "DECIMAL(10,2)", None),
        ("'1_000.5'", "DECIMAL(10,2)", None),
        ("1.555::DECIMAL(12,3)", "DECIMAL(10,2)", None),
        ("1.550::DECIMAL(12,3)", "DECIMAL(10,2)", Decimal("1.55")),
        ("999.995::DECIMAL(6,3)", "DECIMAL(5,2)", None),
        ("2.675::DOUBLE", "DECIMAL(10,2)", None),
        ("2.5::DOUBLE", "DECIMAL(10,2)", Decimal("2.50")),
        ("1.1::FLOAT", "DECIMAL(10,2)", Decimal("1.10")),
        ("1e20::DOUBLE", "DECIMAL(38,0)", Decimal(10**20)),
        ("'1.5e3'", "DECIMAL(10,2)", Decimal("1500.00")),
        ("'1.5e-2'", "DECIMAL(10,2)", None),
        ("'15.0e-1'", "DECIMAL(10,2)", Decimal("1.50")),
        ("'.5'", "DECIMAL(3,1)", Decimal("0.5")),
        ("'1.5000000000000000000000000000000000000000'", "DECIMAL(3,1)", Decimal("1.5")),
        ("'+1'", "DECIMAL(3,1)", Decimal("1.0")),
        ("'1.5x'", "DECIMAL(3,1)", None),
        ("'1,5'", "DECIMAL(3,1)", None),
        ("true", "DECIMAL(3,1)", None),
        ("9007199254740994::DOUBLE", "BIGINT", None),
        ("1e15::DOUBLE", "BIGINT", 10**15),
        ("true", "BIGINT", None),
        ("18446744073709551615::UBIGINT", "DECIMAL(20,0)", Decimal(2**64 - 1)),
        ("DATE '2020-01-01'", "BIGINT", None),
        ("'1,5'", "DOUBLE", None),
        ("'nan'", "DOUBLE", None),
        ("'inf'", "DOUBLE", None),
        ("'1.25'", "DECIMAL(18,4)", Decimal("1.2500")),
        ("'x'", "DECIMAL(18,4)", None),
        ("3", "DOUBLE", 3.0),
        ("'true'", "BOOLEAN", True),
        ("'0'", "BOOLEAN", False),
        ("'có'", "BOOLEAN", None),
        ("1", "BOOLEAN", True),
        ("2", "BOOLEAN", None),
        ("-1", "BOOLEAN", None),
        ("255::UTINYINT", "BOOLEAN", None),
        ("0.5::DECIMAL(2,1)", "BOOLEAN", None),
        ("1.0::DECIMAL(2,1)", "BOOLEAN", True),
        ("0.0::DOUBLE", "BOOLEAN", False),
        ("'TRUE'", "BOOLEAN", True),
        ("'1.0'", "BOOLEAN", True),
        ("'t'", "BOOLEAN", None),
        ("'yes'", "BOOLEAN", None),
        ("'on'", "BOOLEAN", None),
        ("'10'", "BOOLEAN", None),
        ("DATE '2020-01-01'", "BOOLEAN", None),
    ],
)
def test_numbers_and_booleans(db: duckdb.DuckDBPyConnection, value: str, sql_type: str, expected: object) -> None:
    assert read(db, value, sql_type) == expected


@pytest.mark.parametrize(
    ("value", "options", "expected"),
    [
        ("'2020-02-29'", {}, date(2020, 2, 29)),
        ("'2021-02-29'", {}, None),
        *((f"'2020-01-31{tail}'", {}, None) for tail in (" (ước tính)", "XX", " BC", "T25:99", " 10:00 x", "-", "+")),
        *(
            (f"'{text}'", {}, None)
            for text in ("epoch", "20240-01-31", "0000-01-01", "2020-1-31", "2020/01/31", "20200131", "today")
        ),
        ("' 2020-01-31 '", {}, date(2020, 1, 31)),
        ("'2020-01-31 23:59:59.999'", {}, date(2020, 1, 31)),
        ("'0001-01-01'", {}, date(1, 1, 1)),
        ("DATE '9999-12-31'", {}, date(9999, 12, 31)),
        ("DATE '10000-01-01'", {}, None),
        ("DATE '0001-01-01 (BC)'", {}, None),
        ("DATE 'infinity'", {}, None),
        ("'2020-01-31T20:00:00Z'", VIETNAM, date(2020, 2, 1)),
        ("'2020-01-31T20:00:00Z'", {}, None),
        ("'31/01/2020 rác'", {"format": "dd/MM/yyyy"}, None),
        ("TIMESTAMP_NS '2020-01-31 10:00:00.123456789'", {}, date(2020, 1, 31)),
        ("20200131", {}, None),
        ("'infinity'", {}, None),
        ("'31/01/2020'", {"format": "dd/MM/yyyy"}, date(2020, 1, 31)),
        ("'31/02/2020'", {"format": "dd/MM/yyyy"}, None),
        ("'01/02/20'", {"format": "dd/MM/yyyy"}, None),
        ("'2020-01-31'", {"format": "dd/MM/yyyy"}, None),
        ("'202001'", {"format": "yyyyMM"}, date(2020, 1, 1)),
        ("DATE '2020-01-31'", {"format": "dd/MM/yyyy"}, date(2020, 1, 31)),
        ("TIMESTAMP '2020-01-31 10:00'", {}, date(2020, 1, 31)),
        ("TIMESTAMPTZ '2020-01-31 20:00:00+00'", VIETNAM, date(2020, 2, 1)),
    ],
)
def test_dates(db: duckdb.DuckDBPyConnection, value: str, options: dict[str, str], expected: date | None) -> None:
    assert read(db, value, "DATE", **options) == expected


@pytest.mark.parametrize(
    ("value", "options", "expected"),
    [
        ("'2020-01-01 07:00:00'", {}, None),
        ("'2020-01-01 07:00:00 +07'", {}, 0),
        *((f"'{text}'", {}, 0) for text in ("2020-01-01 00:00Z", "2020-01-01T07:00+07", " 2020-01-01 00:00:00.5 Z ")),
        *((f"'{text}'", VIETNAM, 0) for text in (" 2020-01-01 07:00 ", "2020-01-01T07:00", "2020-01-01 07:00:00.5 ")),
        ("' 2020-01-01 '", {"defaultTimezone": "Etc/GMT+3"}, 3),
        ("'2020-01-01 00:00:00.1234567Z'", {}, None),
        ("'2020-01-01 00:00:00.1234560Z'", {}, 0),
        ("TIMESTAMP_NS '2020-01-01 07:00:00.000000001'", VIETNAM, None),
        ("TIMESTAMP_NS '2020-01-01 07:00:00.000001'", VIETNAM, 0),
        ("'2020-01-01 07:00:60'", VIETNAM, None),
        ("'2020-01-01 24:00'", VIETNAM, None),
        ("'2020-01-01 07:00:00 Asia/Ho_Chi_Minh'", VIETNAM, None),
        ("DATE '2020-01-02'", {"defaultTimezone": "Pacific/Kiritimati"}, 10),
        ("'10000-01-01 00:00:00Z'", {}, None),
        ("TIMESTAMPTZ '10000-01-01 00:00:00+00'", {}, None),
        # The year is judged as received: east of Greenwich this midnight is still in 9999, and as text it is no value.
        *((f"{kind}'10000-01-01'", VIETNAM, None) for kind in ("", "DATE ", "TIMESTAMP ")),
        ("'2020-01-01 07:00:00'", VIETNAM, 0),
        ("'2020-01-01T07:00:00+07:00'", {}, 0),
        ("'2020-01-01T07:00:00.5Z'", VIETNAM, 7),
        ("TIMESTAMP '2020-01-01 07:00:00'", VIETNAM, 0),
        ("TIMESTAMPTZ '2020-01-01 07:00:00+07'", VIETNAM, 0),
        ("'01/01/2020 07:00:00'", {"format": "dd/MM/yyyy HH:mm:ss", **VIETNAM}, 0),
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
    assert read(db, "unhex('41FF')", "VARCHAR") == "\\x41ff"
    assert read(db, "TIMESTAMPTZ '2020-01-01 07:00:00+07'", "VARCHAR") == "2020-01-01 00:00:00+00"


@pytest.mark.parametrize(
    ("kind", "value", "is_read"),
    [
        ("time", "23:59:59", True),
        ("time", "07:00", True),
        ("time", "07:00:00.5+07", True),
        ("time", "99:99", False),
        ("time", "24:00:00", False),
        ("time", "xx", False),
        ("object", '{"a": [1, "NaN, "]}', True),
        ("object", "[1]", False),
        ("object", "xx", False),
        ("object", '{"a": NaN}', False),
        ("object", '{"a": 1,}', False),
        ("array", "[1, {}]", True),
        ("array", "{}", False),
        ("array", "[1, ]", False),
        ("array", "[-Infinity]", False),
        ("array", "", False),
    ],
)
def test_texts_with_a_grammar(db: duckdb.DuckDBPyConnection, kind: str, value: str, is_read: bool) -> None:
    assert read(db, f"'{value}'", "VARCHAR", kind) == (value if is_read else None)


def test_a_local_time_that_the_clocks_left_out_is_none(db: duckdb.DuckDBPyConnection) -> None:
    for zone, local, expected in (
        ("Europe/Berlin", "2024-03-31 02:30:00", None),
        ("Europe/Berlin", "2024-03-31 03:30:00", datetime(2024, 3, 31, 1, 30, tzinfo=UTC)),
        ("Asia/Ho_Chi_Minh", "1959-12-31 23:30:00", None),
        ("Asia/Ho_Chi_Minh", "1970-05-01 00:30:00", datetime(1970, 4, 30, 16, 30, tzinfo=UTC)),
        ("Asia/Ho_Chi_Minh", "2024-05-01 00:30:00", datetime(2024, 4, 30, 17, 30, tzinfo=UTC)),
    ):
        for value in (f"'{local}'", f"TIMESTAMP '{local}'"):
            assert read(db, value, "TIMESTAMPTZ", defaultTimezone=zone) == expected


def test_a_local_time_that_came_twice_is_no_local_time_of_an_instant(db: duckdb.DuckDBPyConnection) -> None:
    berlin = {"defaultTimezone": "Europe/Berlin"}
    twice = [read(db, f"TIMESTAMPTZ '2024-10-27 0{hour}:30:00+00'", "TIMESTAMP", **berlin) for hour in (0, 1)]
    assert None in twice
    assert read(db, "TIMESTAMPTZ '2024-10-27 02:30:00+00'", "TIMESTAMP", **berlin) == datetime(2024, 10, 27, 3, 30)


def test_where_no_zone_is_stated_the_run_is_refused() -> None:
    for kind, landed, sql_type in (
        ("timestamp", "TIMESTAMP", "TIMESTAMPTZ"),
        ("timestamp", "DATE", "TIMESTAMPTZ"),
        ("date", "TIMESTAMP WITH TIME ZONE", "DATE"),
        ("timestamp", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP"),
    ):
        assert "defaultTimezone" in conversions.refusal(landed, Column("at", "s", kind, sql_type))
        assert conversions.refusal(landed, Column("at", "s", kind, sql_type, options=VIETNAM)) == ""
    assert conversions.refusal("VARCHAR", Column("at", "s", "timestamp", "TIMESTAMPTZ")) == ""
