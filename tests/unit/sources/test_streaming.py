"""Any other database: rows streamed through SQLAlchemy. Here SQLite through pysqlite stands for it."""

from __future__ import annotations

import datetime as dt
import decimal
import sqlite3
import sys
import uuid
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from include.lake.root import Lake
from include.sources import SourceError, SourceMissing, streaming
from include.sources.connection import Connection
from include.sources.streaming import _as_text, arrow_type
from tests.extracts import VARIABLE, contract_of, rows_of, take, types_of


@pytest.fixture
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database that is read as one of an unknown dialect."""
    path = tmp_path / "any.db"
    url = sa.engine.make_url(f"sqlite+pysqlite:///{path}")
    unknown = Connection(VARIABLE, "sqlalchemy", url)
    monkeypatch.setattr(sys.modules["include.sources.source"], "connect", lambda contract, environ: unknown)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("CREATE TABLE t (k BIGINT, a VARCHAR(20), d DATE, m NUMERIC(20, 2), b BLOB)")
        file.execute("INSERT INTO t VALUES (1, 'Nguyễn', '2024-01-31', 1.5, x'00ff'), (2, NULL, NULL, NULL, NULL)")
    return str(url)


def test_types_that_arrow_has_are_kept(uri: str, lake: Lake) -> None:
    extracted = take(contract_of("t", ["k", "a"]), uri, lake)
    assert types_of(extracted) == {"k": "BIGINT", "a": "VARCHAR", "d": "DATE", "m": "VARCHAR", "b": "BLOB"}
    assert rows_of(extracted) == [
        (1, "Nguyễn", dt.date(2024, 1, 31), "1.50", b"\x00\xff"),
        (2, None, None, None, None),
    ]
    assert extracted.source == "sqlalchemy:sqlite"


def test_many_batches(uri: str, lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(streaming, "ROWS_PER_BATCH", 7)
    with closing(sqlite3.connect(tmp_path / "any.db", isolation_level=None)) as file:
        file.executemany("INSERT INTO t (k) VALUES (?)", [(n,) for n in range(100)])
    assert take(contract_of("t", ["k"]), uri, lake).rows == 102


def test_a_value_that_the_type_cannot_hold_falls_back_to_text(uri: str, lake: Lake, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "any.db", isolation_level=None)) as file:
        file.execute("INSERT INTO t (k) VALUES ('not a number')")
    extracted = take(contract_of("t", ["k"]), uri, lake)
    assert rows_of(extracted, "k") == [("1",), ("2",), ("not a number",)]
    assert any("landed as text" in note for note in extracted.drift)


def test_a_failure_in_the_middle_is_told_without_a_value(uri: str, lake: Lake, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "any.db", isolation_level=None)) as file:
        file.execute("INSERT INTO t (k, d) VALUES (3, 'bimat')")
    with pytest.raises(SourceError) as caught:
        take(contract_of("t", ["k"]), uri, lake)
    assert "bimat" not in str(caught.value)


def test_a_missing_table(uri: str, lake: Lake) -> None:
    with pytest.raises(SourceMissing, match="no table or view 'x'"):
        take(contract_of("x", ["k"]), uri, lake)


def test_a_dialect_without_driver(lake: Lake) -> None:
    with pytest.raises(SourceError, match="no driver is installed"):
        take(contract_of("t", ["k"]), "nosuchdb://user:secret@host/db", lake)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (decimal.Decimal("1E+3"), "1000"),
        (decimal.Decimal("1.50"), "1.50"),
        (decimal.Decimal("NaN"), "NaN"),
        (dt.datetime(2024, 1, 31, 5, 6), "2024-01-31 05:06:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({"a": "ê"}, '{"a": "ê"}'),
        (b"\x00\xff", "\\x00ff"),
        (True, "true"),
    ],
)
def test_text_of_a_value(value: object, text: str) -> None:
    assert _as_text(value) == text


def test_arrow_types() -> None:
    assert arrow_type(sa.types.DateTime(timezone=True)) == pa.timestamp("us", tz="UTC")
    assert arrow_type(sa.types.Numeric(10, 2)) == pa.string()
