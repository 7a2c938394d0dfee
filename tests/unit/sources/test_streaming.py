"""Any other database: rows streamed through SQLAlchemy. DuckDB stands for one that is well typed, SQLite for one that
is not.

Older tests had SQLite alone, which has neither decimals nor moments of its own, and no value that Python cannot hold.
"""

from __future__ import annotations

import datetime as dt
import decimal
import sqlite3
import sys
import uuid
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql

from include.lake.storage.lake import Lake
from include.sources.access import SourceError, SourceMissing
from include.sources.access.connection import Connection
from include.sources.databases import sqlalchemy_stream
from include.sources.open_object.python_values import arrow_type, text_of
from tests.extracts import VARIABLE, contract_of, rows_of, take, types_of

# type, value as SQL, type that lands, its text as DuckDB writes it
VALUES = [
    ("INTEGER", "5", "BIGINT", "5"),
    ("HUGEINT", "170141183460469231731687303715884105727", "VARCHAR", "170141183460469231731687303715884105727"),
    ("UBIGINT", "18446744073709551615", "VARCHAR", "18446744073709551615"),
    ("DECIMAL(12,3)", "1.555", "VARCHAR", "1.555"),
    ("DECIMAL(38,10)", "1234567890123456789012345678.1", "VARCHAR", "1234567890123456789012345678.1000000000"),
    ("DOUBLE", "0.30000000000000004", "DOUBLE", "0.30000000000000004"),
    ("DOUBLE", "'nan'", "DOUBLE", "nan"),
    ("BOOLEAN", "true", "BOOLEAN", "true"),
    ("TIMESTAMP", "'2024-01-31 10:00:00.5'", "TIMESTAMP", "2024-01-31 10:00:00.5"),
    ("TIMESTAMP_NS", "'2024-01-31 10:00:00.123456789'", "VARCHAR", "2024-01-31 10:00:00.123456789"),
    ("TIMESTAMPTZ", "'2024-01-31 10:00:00+07'", "TIMESTAMP WITH TIME ZONE", "2024-01-31 03:00:00+00"),
    ("TIMESTAMP", "'10000-01-01 00:00:00'", "VARCHAR", "10000-01-01 00:00:00"),
    ("TIMESTAMP", "'infinity'", "VARCHAR", None),
    ("DATE", "'2024-01-31'", "DATE", "2024-01-31"),
    ("DATE", "'10000-01-01'", "VARCHAR", "10000-01-01"),
    ("TIME", "'10:00:00.5'", "VARCHAR", "10:00:00.5"),
    ("INTERVAL", "'1 month 1 day 30 hours'", "VARCHAR", "1 month 1 day 30:00:00"),
    ("BLOB", "'\\x41\\xE9'", "BLOB", "A\\xE9"),
    ("DECIMAL(5,2)[]", "[1.10, NULL]", "VARCHAR", "[1.10, null]"),
    ("STRUCT(a DECIMAL(5,2), b VARCHAR)", "{'a': 1.10, 'b': 'ê'}", "VARCHAR", '{"a": 1.10, "b": "ê"}'),
    ("MAP(VARCHAR, DOUBLE)", "MAP {'x': 0.1}", "VARCHAR", '{"x": 0.1}'),
    ("JSON", """'{"a":1.10,"b":1e400}'""", "VARCHAR", '{"a":1.10,"b":1e400}'),
    ("UUID", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "VARCHAR", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("VARCHAR", "'Nguyễn'", "VARCHAR", "Nguyễn"),
]


def test_values(tmp_path: Path, lake: Lake) -> None:
    with duckdb.connect(str(tmp_path / "any.duckdb")) as file:
        file.execute(f"CREATE TABLE t ({', '.join(f'c{n} {kind}' for n, (kind, *_) in enumerate(VALUES))})")
        file.execute(f"INSERT INTO t VALUES ({', '.join(value for _, value, *_ in VALUES)})")
        file.execute("INSERT INTO t (c0) VALUES (6)")
    extracted = take(contract_of("t", ["c0"]), f"duckdb:///{tmp_path}/any.duckdb", lake)
    found = rows_of(extracted, ", ".join(f"c{n}::VARCHAR" for n in range(len(VALUES))))
    told = list(zip(types_of(extracted).values(), found[0], strict=True))
    expected = [(landed_as, text) for *_, landed_as, text in VALUES]
    assert [t if e[1] else e for t, e in zip(told, expected, strict=True)] == expected
    assert set(found[1][1:]) == {None}
    assert extracted.source == "sqlalchemy:duckdb"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sqlite3.Connection:
    """An SQLite file that is read as a database of an unknown dialect."""
    path = tmp_path / "any.db"
    unknown = Connection(VARIABLE, "sqlalchemy", sa.engine.make_url(f"sqlite+pysqlite:///{path}"))
    monkeypatch.setattr(sys.modules["include.sources.landing.openers"], "connect", lambda contract, environ: unknown)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (k BIGINT, a VARCHAR(20), d DATE, m NUMERIC(20, 2), b BLOB, y BOOLEAN)")
        connection.execute("INSERT INTO t VALUES (1, 'Nguyễn', NULL, 2.675, x'00ff', 1), (2, NULL, NULL, 2, NULL, 0)")
        yield connection


def test_nothing_is_rounded_or_taken_for_true(file: sqlite3.Connection, lake: Lake) -> None:
    extracted = take(contract_of("t", ["k", "a"]), "x", lake)
    kinds = {"k": "BIGINT", "a": "VARCHAR", "d": "DATE", "m": "VARCHAR", "b": "BLOB", "y": "BOOLEAN"}
    assert types_of(extracted) == kinds
    assert rows_of(extracted) == [(1, "Nguyễn", None, "2.675", b"\x00\xff", True), (2, None, None, "2", None, False)]
    file.execute("INSERT INTO t (k, y, d) VALUES (3, 2, '2024-01-31')")
    odd = take(contract_of("t", ["k", "a"]), "x", lake)
    assert types_of(odd) == kinds | {"y": "VARCHAR", "d": "VARCHAR"}
    assert rows_of(odd, "k, d, y") == [(1, None, "1"), (2, None, "0"), (3, "2024-01-31", "2")]
    assert any("landed as text" in note for note in odd.drift)


def test_many_batches(file: sqlite3.Connection, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlalchemy_stream, "ROWS_PER_BATCH", 7)
    file.executemany("INSERT INTO t (k) VALUES (?)", [(n,) for n in range(100)])
    assert take(contract_of("t", ["k"]), "x", lake).rows == 102
    file.execute("INSERT INTO t (k, a) VALUES ('not a number', 'x')")
    extracted = take(contract_of("t", ["k"]), "x", lake)
    assert (extracted.rows, rows_of(extracted, "k")[-1]) == (103, ("not a number",))


@pytest.mark.usefixtures("file")
def test_a_missing_table(lake: Lake) -> None:
    with pytest.raises(SourceMissing, match="no table or view 'x'"):
        take(contract_of("x", ["k"]), "x", lake)


def test_what_the_driver_has_no_value_for(file: sqlite3.Connection, lake: Lake) -> None:
    file.execute("INSERT INTO t (k, a) VALUES (3, CAST(x'42ec6e68' AS TEXT))")
    with pytest.raises(SourceError) as told:
        take(contract_of("t", ["k"]), "x", lake)
    assert "CAST" in str(told.value) or "could not be read" in str(told.value)
    assert "42ec" not in str(told.value)


def test_a_dialect_without_driver(lake: Lake) -> None:
    with pytest.raises(SourceError, match="no driver is installed"):
        take(contract_of("t", ["k"]), "nosuchdb://user:secret@host/db", lake)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (decimal.Decimal("1E+3"), "1000"),
        (decimal.Decimal("1.50"), "1.50"),
        (decimal.Decimal("NaN"), "NaN"),
        (15.0, "15.0"),
        (dt.datetime(2024, 1, 31, 5, 6), "2024-01-31 05:06:00"),
        (dt.datetime(2024, 1, 31, 5, 6, 7, 500_000), "2024-01-31 05:06:07.5"),
        (dt.datetime(2024, 1, 31, 5, 6, tzinfo=dt.timezone(dt.timedelta(hours=7))), "2024-01-30 22:06:00+00"),
        (dt.date(2024, 1, 31), "2024-01-31"),
        (dt.time(10, 0, 0, 500_000), "10:00:00.5"),
        (dt.timedelta(days=1, hours=6), "30:00:00"),
        (dt.timedelta(seconds=-1.5), "-00:00:01.5"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({"a": "ê", "b": [decimal.Decimal("1.10"), None, True]}, '{"a": "ê", "b": [1.10, null, true]}'),
        (b"\x00\xff", "\\x00ff"),
        (True, "true"),
    ],
)
def test_text_of_a_value(value: object, text: str) -> None:
    assert text_of(value) == text


def test_arrow_types() -> None:
    assert arrow_type(sa.types.DateTime(timezone=True)) == pa.timestamp("us", tz="UTC")
    assert arrow_type(sa.types.Numeric(10, 2)) == pa.string()
    assert arrow_type(mssql.DATETIME2(7)) == pa.string()
    assert arrow_type(mssql.DATETIME2(6)) == pa.timestamp("us")
