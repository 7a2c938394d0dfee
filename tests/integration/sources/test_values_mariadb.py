"""Which type and which text every value of MariaDB lands as, by any setting of the server.

Older tests had a server in UTC with the settings it is shipped with, few kinds of bytes, and never an odd date beside a
sound one.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql
import pytest

from include.contracts.model import Column
from include.lake.storage.lake import Lake
from include.sources.access import SourceUnavailable
from include.sources.databases import reflection
from include.sources.open_object import ReadRequest
from tests.extracts import contract_of, rows_of, take, types_of
from tests.integration.sources.conftest import MariaDb
from tests.repeats import held_by
from tests.unit.sources.parts import KEY, VALUE, contract_by, landed, opened, rows

pytestmark = pytest.mark.slow

# type, value as SQL, type that lands, its text as DuckDB writes it
VALUES = [
    *((kind, "x'4142e9ff'", "BLOB", "AB\\xE9\\xFF")
      for kind in ("tinyblob", "blob", "mediumblob", "longblob", "varbinary(9)", "binary(4)")),
    ("bit(1)", "b'1'", "BOOLEAN", "true"),
    ("bit(8)", "255", "UINTEGER", "255"),
    ("bit(64)", "18446744073709551615", "UBIGINT", "18446744073709551615"),
    ("point", "point(1,2)", "VARCHAR", "\\x000000000101000000000000000000f03f0000000000000040"),
    ("varchar(9) COLLATE utf8mb4_bin", "'ê'", "VARCHAR", "ê"),
    ("tinytext", "'ê'", "VARCHAR", "ê"),
    ("longtext CHARACTER SET latin1", "'café'", "VARCHAR", "café"),
    ("varchar(9) CHARACTER SET utf8mb3", "'ễ'", "VARCHAR", "ễ"),
    ("varchar(9) CHARACTER SET tis620", "'สวัสดี'", "VARCHAR", "สวัสดี"),
    ("varchar(9) CHARACTER SET cp1250", "'čeština?'", "VARCHAR", "čeština?"),
    ("varchar(9) CHARACTER SET ucs2", "'ê'", "VARCHAR", "ê"),
    ("varchar(9) CHARACTER SET cp1250", "x'4181'", "VARCHAR", "\\x4181"),
    ("varchar(9) CHARACTER SET tis620", "x'41db'", "VARCHAR", "\\x41db"),
    ("varchar(9) CHARACTER SET latin1", "'a\\'\"'", "VARCHAR", "a'\""),
    ("set('a','b')", "'a,b'", "VARCHAR", "a,b"),
    ("enum('có','không')", "'không'", "VARCHAR", "không"),
    ("json", "'{\"a\":  1.10}'", "VARCHAR", '{"a":  1.10}'),
    ("inet6", "'::1'", "VARCHAR", "::1"),
    ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "VARCHAR", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("bigint unsigned", "18446744073709551615", "UBIGINT", "18446744073709551615"),
    ("tinyint(1)", "-1", "TINYINT", "-1"),
    ("decimal(65,30)", "12345678901234567890123456789012345.123456789012345678901234567890", "VARCHAR",
     "12345678901234567890123456789012345.123456789012345678901234567890"),
    ("decimal(38,2)", "123456789012345678901234567890123456.78", "DECIMAL(38,2)",
     "123456789012345678901234567890123456.78"),
    ("float", "16777215", "FLOAT", "16777215.0"),
    ("double", "0.30000000000000004", "DOUBLE", "0.30000000000000004"),
    ("timestamp(6) NULL", "'2024-01-31 20:00:00.5'", "TIMESTAMP WITH TIME ZONE", "2024-01-31 20:00:00.5+00"),
    ("datetime(6)", "'2024-01-31 20:00:00.5'", "TIMESTAMP", "2024-01-31 20:00:00.5"),
    ("datetime(6)", "'9999-12-31 23:59:59.999999'", "TIMESTAMP", "9999-12-31 23:59:59.999999"),
    ("date", "'0001-01-01'", "DATE", "0001-01-01"),
    ("time(3)", "'-838:59:58.5'", "VARCHAR", "-838:59:58.5"),
    ("year", "0", "INTEGER", "0"),
]  # fmt: skip
SETTINGS = {
    "": "",
    "time_zone": "'-05:30'",
    "sql_mode": "'NO_BACKSLASH_ESCAPES,ANSI_QUOTES,PIPES_AS_CONCAT'",
    "sql_select_limit": "1",
    "max_allowed_packet": "1048576",
}


@contextmanager
def set_for_all(mariadb: MariaDb, setting: str, value: str) -> Iterator[None]:
    """The setting that each new connection begins with."""
    with mariadb.connect() as connection, connection.cursor() as cursor:
        if setting:
            cursor.execute(f"SELECT @@global.{setting}")
            (before,) = cursor.fetchone()
            cursor.execute(f"SET GLOBAL {setting} = {value}")
        try:
            yield
        finally:
            if setting:
                cursor.execute(f"SET GLOBAL {setting} = %s", [before])


@pytest.fixture
def uri(mariadb: MariaDb) -> str:
    return f"mysql://root@/registry?unix_socket={mariadb.socket}"


@pytest.mark.parametrize("setting", SETTINGS)
def test_values(my: pymysql.cursors.Cursor, mariadb: MariaDb, uri: str, lake: Lake, setting: str) -> None:
    my.execute("SET sql_mode = '', time_zone = '+00:00'")
    my.execute(f"CREATE TABLE odd ({', '.join(f'c{n} {kind}' for n, (kind, *_) in enumerate(VALUES))}) ENGINE = Aria")
    my.execute(f"INSERT INTO odd VALUES ({', '.join(value for _, value, *_ in VALUES)})")
    my.execute("INSERT INTO odd (c0) VALUES (NULL)")
    with set_for_all(mariadb, setting, SETTINGS[setting]):
        extracted = take(contract_of("odd"), uri, lake)
    full, empty = rows_of(extracted, ", ".join(f"c{n}::VARCHAR" for n in range(len(VALUES))))
    told = list(zip((kind for kind, *_ in VALUES), types_of(extracted).values(), full, strict=True))
    assert told == [(kind, landed_as, text) for kind, _, landed_as, text in VALUES]
    assert set(empty) == {None}


def test_a_text_that_is_longer_than_a_packet(
    my: pymysql.cursors.Cursor, mariadb: MariaDb, uri: str, lake: Lake
) -> None:
    my.execute("CREATE TABLE t (a longtext CHARACTER SET latin1)")
    my.execute("INSERT INTO t VALUES (repeat('é', 1500000))")
    with set_for_all(mariadb, "max_allowed_packet", "1048576"):
        assert rows_of(take(contract_of("t", ["a"]), uri, lake), "length(a)") == [(1_500_000,)]


ODD = ["0000-00-00", "0000-05-05", "2024-00-10", "2024-01-00", "2024-02-31"]
SOME_ODD = [("date", "0000-00-00"), ("datetime(6)", "2024-00-10"), ("date", "2024-02-31")]
OTHERS_ODD = held_by("integration/sources/test_values_mariadb.py::test_an_odd_date_changes_no_other_text")


@pytest.mark.parametrize(
    ("kind", "odd"),
    [
        pytest.param(kind, odd, marks=() if (kind, odd) in SOME_ODD else OTHERS_ODD)
        for kind in ("date", "datetime(6)")
        for odd in ODD
    ],
)
def test_an_odd_date_changes_no_other_text(
    my: pymysql.cursors.Cursor, uri: str, lake: Lake, odd: str, kind: str
) -> None:
    my.execute("SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'")
    my.execute(f"CREATE TABLE t (k int, o {kind}, d date, t datetime(6), s timestamp(6) NULL, m decimal(9,2))")
    sound = "'2024-01-31 20:00:00.5'"
    my.execute(f"INSERT INTO t VALUES (1, {sound}, {sound}, {sound}, {sound}, 1.5)")
    texts = "k::VARCHAR, o::VARCHAR, d::VARCHAR, t::VARCHAR, s::VARCHAR, m::VARCHAR"
    before = take(contract_of("t"), uri, lake)
    my.execute("INSERT INTO t (k, o) VALUES (2, %s)", [odd])
    extracted = take(contract_of("t"), uri, lake)
    assert types_of(extracted) == types_of(before) | {"o": "VARCHAR"}
    first, second = rows_of(extracted, texts)
    assert [first] == rows_of(before, texts)
    assert second[1] == odd + (" 00:00:00" if kind != "date" else "")


def test_an_odd_instant(my: pymysql.cursors.Cursor, uri: str, lake: Lake) -> None:
    my.execute("SET sql_mode = '', time_zone = '+00:00'")
    my.execute("CREATE TABLE t (k int, s timestamp(6) NULL)")
    my.execute("INSERT INTO t VALUES (1, '2024-01-31 20:00:00.5'), (2, '0000-00-00'), (3, NULL)")
    assert rows_of(take(contract_of("t"), uri, lake)) == [
        (1, "2024-01-31 20:00:00.5+00"), (2, "0000-00-00 00:00:00"), (3, None),
    ]  # fmt: skip


def test_a_cursor_from_before_instants_were_known_reads_all(my: pymysql.cursors.Cursor, uri: str, lake: Lake) -> None:
    my.execute("CREATE TABLE t (k int PRIMARY KEY, u timestamp NULL, v text)")
    my.execute("INSERT INTO t VALUES (1, '2024-01-31 20:00:00', 'x')")
    contract = contract_by(KEY, Column("updated_at", "u", "timestamp", "TIMESTAMPTZ"), VALUE)
    with opened(contract, uri, lake) as source:
        assert "no value of the source column u" in source.can_select(contract.tables[0], ["2024-02-01 03:00:00"])
        cursor = landed(source, lake).cursor
        assert cursor is not None
        assert source.can_select(contract.tables[0], cursor) == ""


def test_an_instant_in_a_key(my: pymysql.cursors.Cursor, mariadb: MariaDb, uri: str, lake: Lake) -> None:
    my.execute("SET time_zone = '+00:00'")
    my.execute("CREATE TABLE t (k int, u timestamp NULL, v text, PRIMARY KEY (k))")
    my.execute("INSERT INTO t VALUES (1, '2024-01-31 20:00:00', 'x'), (2, '2024-01-31 21:00:00', 'y')")
    key = Column("u", "u", "timestamp", "TIMESTAMPTZ", primary_key_position=2)
    contract = contract_by(KEY, key, VALUE, cursor=())
    with set_for_all(mariadb, "time_zone", "'+07:00'"), opened(contract, uri, lake) as source:
        keys = tuple(rows(landed(source, lake, ReadRequest(columns=("k", "u"))), "k, u"))
        assert landed(source, lake, ReadRequest(keys=keys[:1]), "one").rows == 1


def test_a_server_that_accepts_and_says_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflection, "ANSWER_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted: list[socket.socket] = []
        threading.Thread(target=lambda: accepted.append(server.accept()[0]), daemon=True).start()
        started = time.monotonic()
        with pytest.raises(SourceUnavailable, match="does not answer"):
            take(contract_of("t", ["a"]), f"mysql://u:secret@127.0.0.1:{server.getsockname()[1]}/d", lake)
        assert time.monotonic() - started < 5
