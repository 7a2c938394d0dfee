"""Parts of a MariaDB table: past a cursor, of given keys, of some columns."""

from __future__ import annotations

from datetime import timedelta

import pymysql
import pytest

from include.contracts.model import Column
from include.lake.storage.lake import Lake
from include.sources.access import SourceLost
from include.sources.open_object import ReadRequest
from tests.integration.sources.conftest import MariaDb
from tests.unit.sources.parts import HANOI, KEY, VALUE, contract_by, keys, landed, opened, rows

pytestmark = pytest.mark.slow


@pytest.fixture
def uri(mariadb: MariaDb) -> str:
    return f"mysql://root@/registry?unix_socket={mariadb.socket}"


def made(my: pymysql.cursors.Cursor, kind: str, *values: str | None) -> None:
    my.execute(f"CREATE TABLE t (k int PRIMARY KEY, u {kind}, v text)")
    my.executemany("INSERT INTO t VALUES (%s, %s, 'x')", list(enumerate(values, start=1)))


@pytest.mark.parametrize(
    ("kind", "values", "since", "lag", "found"),
    [
        ("datetime(6)", ["2026-01-01 10:00", "2026-01-01 12:00", "2026-01-01 12:00:00.5", None], "2026-01-01 12:00:00",
         timedelta(0), [2, 3, 4]),
        ("datetime", ["2026-01-01 10:00", "2026-01-01 12:00", "2026-01-01 13:00", None], "2026-01-01 05:30:00+00",
         timedelta(hours=1), [2, 3, 4]),
        ("timestamp NULL", ["2026-01-01 10:00", "2026-01-01 12:00", None], "2026-01-01 19:00:00+07", timedelta(0),
         [2, 3]),
        ("date", ["2026-01-01", "2026-01-02", "2026-01-03"], "2026-01-03", timedelta(hours=1), [2, 3]),
        ("bigint unsigned", ["1", "9", "18446744073709551615", None], "9", timedelta(0), [2, 3, 4]),
        ("decimal(20,3)", ["1", "9.5", "10", None], "9.5", timedelta(0), [2, 3, 4]),
        ("varchar(30)", ["2026-01-01T10:00:00", "2026-01-01 12:00", "2026-01-02", "?", None], "2026-01-01T12:00:00",
         timedelta(0), [2, 3, 4, 5]),
    ],
)  # fmt: skip
def test_cursors_of_every_kind(
    my: pymysql.cursors.Cursor,
    uri: str,
    lake: Lake,
    kind: str,
    values: list[str | None],
    since: str,
    lag: timedelta,
    found: list[int],
) -> None:
    made(my, kind, *values)
    published = "BIGINT" if kind.startswith(("big", "dec")) else "TIMESTAMPTZ"
    contract = contract_by(KEY, Column("updated_at", "u", "timestamp", published, options=HANOI), VALUE)
    assert keys(contract, uri, lake, since, lag=lag) == found
    with opened(contract, uri, lake) as source:
        cursor = landed(source, lake).cursor
        assert cursor is not None
        assert source.can_select(contract.tables[0], cursor) == ""
        assert landed(source, lake, ReadRequest(since=cursor), "again").rows >= 1


@pytest.mark.parametrize("kind", ["date", "char(30)", "varchar(10)"])
@pytest.mark.parametrize(("options", "found"), [(HANOI, [3, 4]), ({}, [2, 3, 4]), ({"defaultTimezone": "UTC"}, [3])])
def test_a_stretch_of_time_has_every_day_of_which_it_has_a_part(
    my: pymysql.cursors.Cursor, uri: str, lake: Lake, kind: str, options: dict[str, str], found: list[int]
) -> None:
    made(my, kind, *(f"2026-03-{day:02}" for day in range(1, 7)))
    moved = Column("updated_at", "u", "date", "DATE", options=options)
    since, until = "2026-03-03T07:00+07:00", "2026-03-04T07:00+07:00"
    assert keys(contract_by(KEY, moved, VALUE), uri, lake, since, until=(until,)) == found


def test_a_composite_cursor(my: pymysql.cursors.Cursor, uri: str, lake: Lake) -> None:
    made(my, "datetime", "2026-01-01 10:00", "2026-01-01 10:00", "2026-01-01 10:00", "2026-01-01 11:00", None)
    contract = contract_by(cursor=("updated_at", "k"))
    assert keys(contract, uri, lake, "2026-01-01 10:00:00", "2") == [2, 3, 4, 5]


def test_given_keys(my: pymysql.cursors.Cursor, uri: str, lake: Lake) -> None:
    my.execute("CREATE TABLE t (k bigint, w varchar(20), u datetime, v text, PRIMARY KEY (k, w))")
    my.execute("INSERT INTO t SELECT seq, concat('O''Neil \\\\ %', seq % 7), '2026-01-01', 'x' FROM seq_1_to_20000")
    word = Column("w", "w", "string", "VARCHAR", primary_key_position=2)
    contract = contract_by(KEY, word, Column("updated_at", "u", "timestamp", "TIMESTAMP"), VALUE)
    with opened(contract, uri, lake) as source:
        some = tuple(rows(landed(source, lake, ReadRequest(columns=("k", "w"))), "k, w")[::2])
        part = landed(source, lake, ReadRequest(since=("2026-02-01",), keys=some), "some")
        assert rows(part, "k, w") == sorted(some)
        my.execute("UPDATE t SET u = '2026-02-02' WHERE k <= 10")
        assert landed(source, lake, ReadRequest(since=("2026-02-01",), keys=some), "more").rows == len(some) + 5


def test_a_date_that_is_none_does_not_hide_the_rest(my: pymysql.cursors.Cursor, uri: str, lake: Lake) -> None:
    my.execute("SET sql_mode = ''")
    made(my, "datetime", "0000-00-00", "2026-01-01", "2026-01-02")
    contract = contract_by(KEY, Column("updated_at", "u", "timestamp", "TIMESTAMP"), VALUE)
    with opened(contract, uri, lake) as source:
        assert landed(source, lake).cursor == ("2026-01-02 00:00:00",)
    assert keys(contract, uri, lake, "2026-01-02") == [3]


def test_a_statement_limit_stops_the_reading(my: pymysql.cursors.Cursor, uri: str, lake: Lake) -> None:
    my.execute("CREATE TABLE t (k int, u datetime, v text)")
    my.execute("INSERT INTO t SELECT seq, now(), 'x' FROM seq_1_to_1000")
    my.execute("CREATE VIEW slow AS SELECT k, u, v, sleep(0.01) AS s FROM t")
    contract = contract_by(source_name="slow", statementTimeoutSeconds=0.3)
    with opened(contract, uri, lake) as source, pytest.raises(SourceLost, match="time limit"):
        landed(source, lake)
