"""Extracts from a real MariaDB: types, names, one state of the table, and how it fails."""

from __future__ import annotations

import datetime as dt
import threading
import time
from decimal import Decimal
from urllib.parse import quote

import pymysql
import pytest

from include.lake.storage.lake import Lake
from include.sources.access import SourceDenied, SourceLost, SourceMissing, SourceUnavailable
from tests.extracts import contract_of, rows_of, take, types_of
from tests.integration.sources.conftest import MariaDb

pytestmark = pytest.mark.slow

# MariaDB type, SQL that makes the value, DuckDB type that lands, value that lands
CARRIED = [
    ("varchar(50)", "'Nguyễn 😀'", "VARCHAR", "Nguyễn 😀"),
    ("varchar(20) CHARACTER SET latin1", "'café'", "VARCHAR", "café"),
    ("varchar(20) COLLATE utf8mb4_bin", "'ê'", "VARCHAR", "ê"),
    ("char(5)", "'ab'", "VARCHAR", "ab"),
    ("text", "concat('a', char(0), 'b')", "VARCHAR", "a\x00b"),
    ("json", "'{\"a\": 1}'", "VARCHAR", '{"a": 1}'),
    ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "VARCHAR", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("enum('vui','buồn')", "'buồn'", "VARCHAR", "buồn"),
    ("set('a','b')", "'a,b'", "VARCHAR", "a,b"),
    ("tinyint(1)", "2", "TINYINT", 2),
    ("bigint unsigned", "18446744073709551615", "UBIGINT", 18446744073709551615),
    ("int(8) zerofill", "12", "VARCHAR", "00000012"),
    ("bit(1)", "b'1'", "BOOLEAN", True),
    ("bit(12)", "b'101000000001'", "UBIGINT", 2561),
    ("decimal(12,2)", "1.50", "DECIMAL(12,2)", Decimal("1.50")),
    (
        "decimal(65,30)",
        "12345678901234567890123456789012345.5",
        "VARCHAR",
        "12345678901234567890123456789012345.5" + "0" * 29,
    ),
    ("double", "0.1", "DOUBLE", 0.1),
    ("date", "'0001-01-01'", "DATE", dt.date(1, 1, 1)),
    ("datetime(6)", "'2024-01-01 10:00:00.123456'", "TIMESTAMP", dt.datetime(2024, 1, 1, 10, 0, 0, 123456)),
    ("timestamp NULL", "'2024-01-01 10:00:00'", "TIMESTAMP WITH TIME ZONE", dt.datetime(2024, 1, 1, 10, tzinfo=dt.UTC)),
    ("time", "'-838:59:59'", "VARCHAR", "-838:59:59"),
    ("year", "2024", "INTEGER", 2024),
    ("varbinary(10)", "x'00ff41'", "BLOB", b"\x00\xffA"),
    ("blob", "x'00ff41'", "BLOB", b"\x00\xffA"),
    ("point", "point(1,2)", "VARCHAR", "\\x000000000101000000000000000000f03f0000000000000040"),
]


@pytest.fixture
def uri(mariadb: MariaDb) -> str:
    return f"mysql://root@/registry?unix_socket={mariadb.socket}"


def make_odd(my: pymysql.cursors.Cursor, cells: list[tuple[str, str]]) -> None:
    my.execute("SET sql_mode = ''")
    my.execute(f"CREATE TABLE odd ({', '.join(f'c{n} {kind}' for n, (kind, _) in enumerate(cells))})")
    my.execute(f"INSERT INTO odd VALUES ({', '.join(value for _, value in cells)})")


def test_types(my: pymysql.cursors.Cursor, uri: str, lake: Lake) -> None:
    make_odd(my, [(kind, value) for kind, value, _, _ in CARRIED])
    my.execute("INSERT INTO odd (c0) VALUES (NULL)")
    extracted = take(contract_of("odd"), uri, lake)
    assert list(types_of(extracted).values()) == [sql_type for _, _, sql_type, _ in CARRIED]
    full, empty = sorted(rows_of(extracted), key=lambda row: row[0] is None)
    assert list(full) == [landed for _, _, _, landed in CARRIED]
    assert set(empty) == {None}
    assert extracted.source == "mysql"


@pytest.mark.parametrize(
    ("kind", "value"), [("date", "0000-00-00"), ("date", "2024-00-00"), ("datetime", "0000-00-00 00:00:00")]
)
def test_dates_that_are_none(my: pymysql.cursors.Cursor, uri: str, lake: Lake, kind: str, value: str) -> None:
    make_odd(my, [(kind, f"'{value}'"), ("blob", "x'00ff'"), ("int", "1")])
    extracted = take(contract_of("odd"), uri, lake)
    assert rows_of(extracted) == [(value, b"\x00\xff", 1)]
    assert any("landed as text" in note for note in extracted.drift)


def test_an_empty_table_a_view_and_odd_names(my: pymysql.cursors.Cursor, uri: str, lake: Lake) -> None:
    my.execute(
        """CREATE TABLE `Bảng "x" 'y'; %s :a` (`Họ tên` text, `select` text, `a%%b` text)""".replace("%s", "%%s") % ()
    )
    assert take(contract_of("Bảng \"x\" 'y'; %s :a", ["Họ tên", "a%b"]), uri, lake).rows == 0
    my.execute("CREATE VIEW v AS SELECT 'x' AS a")
    assert rows_of(take(contract_of("v", ["a"]), uri, lake)) == [("x",)]


def test_missing_table_and_column(my: pymysql.cursors.Cursor, uri: str, lake: Lake) -> None:
    my.execute("CREATE TABLE cong_dan (ho_ten text)")
    with pytest.raises(SourceMissing, match=r"no table or view 'congdan'.*did you mean 'cong_dan'"):
        take(contract_of("congdan", ["ho_ten"]), uri, lake)
    with pytest.raises(SourceMissing, match=r"no column 'hoten' \(did you mean 'ho_ten'\?\)"):
        take(contract_of("cong_dan", ["hoten"]), uri, lake)
    with pytest.raises(SourceMissing, match="no such database"):
        take(contract_of("cong_dan", ["ho_ten"]), uri.replace("/registry?", "/registri?"), lake)


def test_source_down(lake: Lake) -> None:
    with pytest.raises(SourceUnavailable, match=r"does not answer.*AIRFLOW_CONN_SOURCE"):
        take(contract_of("t", ["a"]), "mysql://u:secret@127.0.0.1:1/d", lake)


def test_passwords_and_rights(my: pymysql.cursors.Cursor, mariadb: MariaDb, lake: Lake) -> None:
    password = 'mật "khẩu" \\ \' @:/%;'
    my.execute("CREATE USER reader IDENTIFIED BY %s", [password])
    my.execute("CREATE TABLE t (a text)")
    my.execute("CREATE TABLE t2 (a text)")
    my.execute("INSERT INTO t VALUES ('x')")
    my.execute("GRANT SELECT ON registry.t TO reader")
    host = f"127.0.0.1:{mariadb.port}/registry"
    uri = f"mariadb://reader:{quote(password, safe='')}@{host}"
    assert rows_of(take(contract_of("t", ["a"]), uri, lake)) == [("x",)]
    with pytest.raises(SourceDenied) as caught:
        take(contract_of("t", ["a"]), f"mysql://reader:hunter2@{host}", lake)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(SourceDenied, match="GRANT SELECT"):
        take(contract_of("t2", ["a"]), uri, lake)


def test_one_state_of_the_table_while_somebody_writes(
    my: pymysql.cursors.Cursor, mariadb: MariaDb, uri: str, lake: Lake
) -> None:
    my.execute("CREATE TABLE t (k int PRIMARY KEY, v int) ENGINE = InnoDB")
    my.execute("INSERT INTO t SELECT seq, 0 FROM seq_1_to_200000")
    stop = threading.Event()

    def write() -> None:
        with mariadb.connect("registry") as connection, connection.cursor() as writer:
            while not stop.is_set():
                for sql in (
                    "BEGIN",
                    "UPDATE t SET v = v + 1 WHERE k <= 20",
                    "UPDATE t SET v = v - 1 WHERE k > 199980",
                    "COMMIT",
                ):
                    writer.execute(sql)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            assert rows_of(take(contract_of("t", ["k"]), uri, lake), "sum(v), count(*)") == [(0, 200_000)]
    finally:
        stop.set()
        writer.join()


def test_a_connection_dropped_half_way(my: pymysql.cursors.Cursor, mariadb: MariaDb, uri: str, lake: Lake) -> None:
    my.execute("CREATE TABLE t (a text)")
    my.execute("INSERT INTO t SELECT 'bimat' FROM seq_1_to_1000")
    my.execute("CREATE VIEW slow AS SELECT a, sleep(0.01) AS b FROM t")
    stop = threading.Event()

    def kill() -> None:
        with mariadb.connect() as connection, connection.cursor() as killer:
            while not stop.is_set():
                killer.execute(
                    "SELECT id FROM information_schema.processlist WHERE info LIKE %s AND time_ms > 300", ["%`slow`%"]
                )
                found = [row[0] for row in killer.fetchall()]
                killer.execute("SELECT connection_id()")
                for victim in set(found) - {row[0] for row in killer.fetchall()}:
                    killer.execute(f"KILL {victim}")
                time.sleep(0.05)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with pytest.raises(SourceLost, match="lost half-way") as caught:
            take(contract_of("slow", ["a"]), uri, lake)
    finally:
        stop.set()
        killer.join()
    assert "bimat" not in str(caught.value)
