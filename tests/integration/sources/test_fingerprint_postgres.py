"""What PostgreSQL says of its rows in one figure is what the same rows have in the lake's types."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import psycopg
import pytest

from include.contracts.model import Column
from include.lake.incremental.row_checksum import RowSetChecksum, hashed_values, row_set_checksum
from include.lake.storage.lake import Lake
from include.sources.open_object import ReadRequest
from tests.unit.sources.parts import KEY, UPDATED, contract_by, landed, opened

pytestmark = pytest.mark.slow

SINCE = ReadRequest(since=("2026-01-01 00:00:00",))
TEXT_KEY = replace(KEY, logical_type="string", sql_type="VARCHAR")
LOCAL = replace(UPDATED, sql_type="TIMESTAMP")
DATE = replace(UPDATED, sql_type="DATE", logical_type="date")
OLD = "'2025-03-30 01:30:00.123456'"


def figures(
    pg: psycopg.Connection, postgres: str, lake: Lake, *columns: Column, types: str, rows: str, published: str
) -> tuple[RowSetChecksum | None, RowSetChecksum | None]:
    """Of PostgreSQL, and of the same rows as they are published."""
    pg.execute(f"CREATE TABLE t ({types}); INSERT INTO t {rows}")
    contract = contract_by(*columns)
    with opened(contract, postgres, lake) as source, duckdb.connect() as duck:
        question = source.checksum_query(SINCE)
        assert question is not None
        duck.execute("SET TimeZone = 'UTC'")
        query = f"SELECT {', '.join(hashed_values(contract.tables[0]) or ())} FROM ({published})"
        return source.checksum(question), row_set_checksum(duck.execute(query).to_arrow_reader(7))


@pytest.mark.parametrize(
    ("columns", "types", "rows", "published"),
    [
        (
            (KEY, UPDATED),
            "k bigint, u timestamptz",
            f"SELECT n * 9000000000, timestamptz {OLD} + n * interval '1 minute' FROM generate_series(-50, 50) n",
            f"SELECT n * 9000000000 AS k, TIMESTAMPTZ {OLD} + to_minutes(n) AS updated_at FROM range(-50, 51) r(n)",
        ),
        (
            (TEXT_KEY, UPDATED),
            "k text, u timestamp",
            f"SELECT repeat('Đ' || n, n % 20), timestamp {OLD} FROM generate_series(0, 99) n",
            f"SELECT repeat('Đ' || n, n % 20) AS k, TIMESTAMPTZ {OLD} - to_hours(7) AS updated_at FROM range(100) r(n)",
        ),
        (
            (replace(KEY, sql_type="INTEGER"), LOCAL),
            "k smallint, u timestamptz",
            f"SELECT n, timestamptz {OLD} FROM generate_series(-50, 50) n",
            f"SELECT n::INTEGER AS k, TIMESTAMP {OLD} + to_hours(7) AS updated_at FROM range(-50, 51) r(n)",
        ),
        (
            (KEY, DATE),
            "k int, u date",
            "SELECT n, date '1999-12-01' + n FROM generate_series(0, 60) n",
            "SELECT n AS k, DATE '1999-12-01' + CAST(n AS INTEGER) AS updated_at FROM range(61) r(n)",
        ),
        (
            (replace(KEY, sql_type="DATE", logical_type="date"), UPDATED),
            "k date, u timestamptz",
            f"SELECT date '1999-12-01' + n, timestamptz {OLD} FROM generate_series(0, 60) n",
            f"SELECT DATE '1999-12-01' + CAST(n AS INTEGER) AS k, TIMESTAMPTZ {OLD} AS updated_at FROM range(61) r(n)",
        ),
    ],
    ids=["bigint and instant", "text and local time", "small integer, published in local time", "date", "date first"],
)
def test_the_same_rows_have_the_same_figure(
    pg: psycopg.Connection,
    postgres: str,
    lake: Lake,
    columns: tuple[Column, ...],
    types: str,
    rows: str,
    published: str,
) -> None:
    pg.execute("SET timezone = 'UTC'")
    said, ours = figures(pg, postgres, lake, *columns, types=types, rows=rows, published=published)
    assert said == ours
    assert said is not None
    assert said.rows > 20


def test_rows_that_are_wanted_are_not_in_the_figure(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    rows = "VALUES (1, timestamp '2025-01-01'), (2, '2026-02-01'), (3, NULL), (4, 'infinity')"
    only_old = "SELECT 1::BIGINT AS k, TIMESTAMPTZ '2024-12-31 17:00:00' AS updated_at"
    said, ours = figures(pg, postgres, lake, KEY, UPDATED, types="k int, u timestamp", rows=rows, published=only_old)
    assert said == ours == replace(ours or RowSetChecksum(0, 0), rows=1)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (TEXT_KEY, "char(5)"),
        (replace(KEY, sql_type="DECIMAL(20,0)"), "numeric(20,0)"),
        (TEXT_KEY, "int"),
        (replace(KEY, expression="k + 1"), "int"),
    ],
)
def test_it_is_not_asked_of_keys_that_are_published_otherwise(
    pg: psycopg.Connection, postgres: str, lake: Lake, column: Column, kind: str
) -> None:
    pg.execute(f"CREATE TABLE t (k {kind}, u timestamp)")
    with opened(contract_by(column, UPDATED), postgres, lake) as source:
        assert source.checksum_query(SINCE) is None


def test_instants_that_postgresql_folds_to_the_same_32_bits_are_told_apart(
    pg: psycopg.Connection, postgres: str, lake: Lake
) -> None:
    pg.execute("CREATE TABLE t AS SELECT 1 AS k, timestamp '2025-01-28 15:16:59' AS u")
    said = []
    for instant in ("2025-01-05 02:23:09.934593", "2025-01-05 01:11:34.967296"):
        pg.execute("UPDATE t SET u = %s::timestamp", (instant,))
        with opened(contract_by(KEY, UPDATED), postgres, lake) as source:
            question = source.checksum_query(SINCE)
            assert question is not None
            said.append(source.checksum(question))
    assert said[0] != said[1]


def test_a_server_that_will_not_answer_is_no_failure(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    pg.execute("CREATE TABLE t AS SELECT n::int AS k, timestamp '2025-01-01' AS u FROM generate_series(1, 10) n")
    with opened(contract_by(KEY, UPDATED), postgres, lake) as source:
        question = source.checksum_query(SINCE)
        assert question is not None
        assert source.checksum(question) is not None
        pg.execute("ALTER FUNCTION timestamp_hash_extended(timestamp, bigint) RENAME TO hidden")
        try:
            assert source.checksum(question) is None
        finally:
            pg.execute("ALTER FUNCTION hidden(timestamp, bigint) RENAME TO timestamp_hash_extended")
        assert landed(source, lake).rows == 10, "the snapshot is still held"
