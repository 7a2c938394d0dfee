"""Extracts from a real PostgreSQL: types, names, one snapshot, and how it fails."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from include.contracts.model import Column, Server
from include.lake.storage.lake import Lake
from include.sources.access import SourceDenied, SourceLost, SourceMissing, SourceUnavailable
from include.sources.databases import postgres as reader
from tests.extracts import contract_of, rows_of, take, types_of
from tests.repeats import repeats

pytestmark = pytest.mark.slow

# PostgreSQL type, value as written there, DuckDB type that lands, value that lands
CARRIED = [
    ("text", "Nguyễn", "VARCHAR", "Nguyễn"),
    ("varchar(9)", "  x ", "VARCHAR", "  x "),
    ("char(5)", "ab", "VARCHAR", "ab"),
    ("boolean", "t", "BOOLEAN", True),
    ("smallint", "-32768", "SMALLINT", -32768),
    ("bigint", "9223372036854775807", "BIGINT", 9223372036854775807),
    ("numeric(12,2)", "1.50", "DECIMAL(12,2)", Decimal("1.50")),
    ("double precision", "0.1", "DOUBLE", 0.1),
    ("date", "2024-01-31", "DATE", dt.date(2024, 1, 31)),
    ("timestamp", "2024-01-31 05:06:07.123456", "TIMESTAMP", dt.datetime(2024, 1, 31, 5, 6, 7, 123456)),
    ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "VARCHAR", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("json", '{"a":  1}', "VARCHAR", '{"a":  1}'),
    ("jsonb", '{"a": 1}', "VARCHAR", '{"a": 1}'),
    ("bytea", "\\x00ff41", "BLOB", b"\x00\xffA"),
    ("time", "07:30:00", "TIME", dt.time(7, 30)),
]
AS_TEXT = [
    ("numeric", "12345678901234567890.123456789012345"),
    ("numeric", "Infinity"),
    ("numeric(50,10)", "1234567890123456789012345678901234567890.5000000000"),
    ("money", "$12.34"),
    ("interval", "1 year 2 mons 3 days 04:05:06"),
    ("timetz", "10:00:00+07"),
    ("bit(3)", "101"),
    ("inet", "10.0.0.1/8"),
    ("int4range", "[1,5)"),
    ("point", "(1,2)"),
    ("tsvector", "'a':1"),
    ("mood", "buồn"),
    ("ward", "00001"),
    ("pair", "(1,x)"),
    ("oid", "4294967295"),
]
GUARDED = [
    ("numeric(10,2)", "NaN"),
    ("timestamp", "294276-12-31 23:59:59"),
]
# Infinite and ancient dates are carried as DuckDB carries them.
FAR = [
    ("date", "infinity", "infinity"),
    ("date", "-infinity", "-infinity"),
    ("date", "0044-03-15 BC", "0044-03-15 (BC)"),
    ("date", "5874897-01-01", "5874897-01-01"),
    ("timestamp", "infinity", "infinity"),
    ("timestamp", "4713-01-01 00:00:00 BC", "4713-01-01 (BC) 00:00:00"),
    ("timestamptz", "2024-01-01 00:00:00+07", "2023-12-31 17:00:00+00"),
]


def make_odd(pg: psycopg.Connection, cells: list[tuple[str, str]]) -> list[str]:
    pg.execute("CREATE TYPE mood AS ENUM ('vui', 'buồn'); CREATE DOMAIN ward AS varchar(5)")
    pg.execute("CREATE TYPE pair AS (a int, b text)")
    names = [f"c{n}" for n in range(len(cells))]
    pg.execute(f"CREATE TABLE odd ({', '.join(f'{n} {kind}' for n, (kind, _) in zip(names, cells, strict=True))})")
    pg.execute(f"INSERT INTO odd VALUES ({', '.join(['%s'] * len(cells))})", [value for _, value in cells])
    pg.execute("INSERT INTO odd DEFAULT VALUES")
    return names


def test_types_that_are_carried(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    make_odd(pg, [(kind, value) for kind, value, _, _ in CARRIED])
    extracted = take(contract_of("odd"), postgres, lake)
    assert list(types_of(extracted).values()) == [sql_type for _, _, sql_type, _ in CARRIED]
    full, empty = sorted(rows_of(extracted), key=lambda row: row[0] is None)
    assert list(full) == [landed for _, _, _, landed in CARRIED]
    assert set(empty) == {None}
    assert extracted.source == "postgresql"


def test_types_that_land_as_postgresql_writes_them(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    make_odd(pg, AS_TEXT)
    extracted = take(contract_of("odd"), postgres, lake)
    assert set(types_of(extracted).values()) == {"VARCHAR"}
    (full,) = [row for row in rows_of(extracted) if row[0] is not None]
    assert list(full) == [value for _, value in AS_TEXT]
    assert not any("landed as text" in note for note in extracted.drift)


@pytest.mark.parametrize(("kind", "value"), GUARDED)
def test_a_value_that_the_scanner_would_damage(
    pg: psycopg.Connection, postgres: str, lake: Lake, kind: str, value: str
) -> None:
    make_odd(pg, [(kind, value), ("int", "1")])
    extracted = take(contract_of("odd"), postgres, lake)
    assert types_of(extracted) == {"c0": "VARCHAR", "c1": "INTEGER"}
    assert rows_of(extracted) == [(value, 1), (None, None)]
    assert any("landed as text" in note for note in extracted.drift)


def test_far_dates(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    names = make_odd(pg, [(kind, value) for kind, value, _ in FAR])
    extracted = take(contract_of("odd"), postgres, lake)
    rows = rows_of(extracted, ", ".join(f"{name}::VARCHAR" for name in names))
    assert [row for row in rows if row[0]] == [tuple(landed for _, _, landed in FAR)]


def test_an_empty_table_and_a_view_and_another_schema(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    pg.execute("CREATE TABLE t (a text, b int); CREATE VIEW v AS SELECT 'x' AS a; CREATE SCHEMA other")
    pg.execute("CREATE TABLE other.t (a text); INSERT INTO other.t VALUES ('y')")
    assert take(contract_of("t", ["a"]), postgres, lake).rows == 0
    assert rows_of(take(contract_of("v", ["a"]), postgres, lake)) == [("x",)]
    assert rows_of(take(contract_of("other.t", ["a"]), postgres, lake)) == [("y",)]
    server = Server("source", "postgresql", schema="other")
    assert rows_of(take(contract_of("t", ["a"], server=server), postgres, lake)) == [("y",)]


def test_names_that_want_quoting(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    pg.execute("""CREATE TABLE "Bảng ""x"" 'y'; %%s :a" ("Họ tên" text, "select" text, "a%%b" text, "c:d" text)""")
    pg.execute("""INSERT INTO "Bảng ""x"" 'y'; %%s :a" VALUES ('1', '2', '3', '4')""")
    contract = contract_of("Bảng \"x\" 'y'; %%s :a", ["Họ tên", "a%%b", "c:d"])
    assert rows_of(take(contract, postgres, lake)) == [("1", "2", "3", "4")]


def test_drift(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    pg.execute("CREATE TABLE cong_dan (ho_ten text, ngay_sinh int, moi text)")
    born = Column("ngay_sinh", "ngay_sinh", "date", "DATE")
    extracted = take(contract_of("cong_dan", ["ho_ten", born]), postgres, lake)
    assert extracted.drift == (
        "not in the contract, landed but not published: moi",
        "type of 'ngay_sinh' is integer, the contract reads it as date: its values may be unreadable",
    )


def test_missing_table_column_and_database(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    pg.execute("CREATE SCHEMA other; CREATE TABLE cong_dan (ho_ten text); CREATE TABLE other.thua_dat (a text)")
    with pytest.raises(SourceMissing, match=r"no table or view 'congdan'.*did you mean 'cong_dan'"):
        take(contract_of("congdan", ["ho_ten"]), postgres, lake)
    with pytest.raises(SourceMissing, match=r"It is in schema 'other': write 'other\.thua_dat'"):
        take(contract_of("thua_dat", ["a"]), postgres, lake)
    with pytest.raises(SourceMissing, match=r"no column 'hoten' \(did you mean 'ho_ten'\?\)"):
        take(contract_of("cong_dan", ["hoten"]), postgres, lake)
    with pytest.raises(SourceMissing, match="no such database"):
        take(contract_of("cong_dan", ["ho_ten"]), postgres.replace("/registry", "/registri"), lake)


def test_source_down(lake: Lake) -> None:
    with pytest.raises(SourceUnavailable, match=r"does not answer.*AIRFLOW_CONN_SOURCE"):
        take(contract_of("t", ["a"]), "postgresql://u:secret@127.0.0.1:1/d", lake)
    with pytest.raises(SourceUnavailable, match="does not answer"):
        take(contract_of("t", ["a"]), "postgresql://u:secret@no-such-host.invalid/d", lake)


def as_reader(pg: psycopg.Connection, uri: str, password: str = "mật 'khẩu' \\ @:/") -> str:
    pg.execute(psycopg.sql.SQL("CREATE ROLE reader LOGIN PASSWORD {}").format(password))
    parts = urlsplit(uri)
    return f"postgresql://reader:{quote(password, safe='')}@{parts.hostname}:{parts.port}{parts.path}"


def test_a_reader_with_an_odd_password(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    uri = as_reader(pg, postgres)
    pg.execute("CREATE TABLE t (a text); INSERT INTO t VALUES ('x'); GRANT USAGE ON SCHEMA public TO reader")
    pg.execute("GRANT SELECT ON t TO reader")
    assert rows_of(take(contract_of("t", ["a"]), uri, lake)) == [("x",)]


def test_wrong_password_and_missing_rights(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    uri = as_reader(pg, postgres)
    pg.execute("CREATE TABLE t (a text, b text); GRANT USAGE ON SCHEMA public TO reader")
    with pytest.raises(SourceDenied, match="AIRFLOW_CONN_SOURCE") as caught:
        take(contract_of("t", ["a"]), uri.replace("reader:", "reader:hunter2"), lake)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(SourceDenied, match=r"may read registry\.thing \(GRANT SELECT\)"):
        take(contract_of("t", ["a"]), uri, lake)
    pg.execute("GRANT SELECT (a) ON t TO reader")
    with pytest.raises(SourceDenied, match="GRANT SELECT"):
        take(contract_of("t", ["a"]), uri, lake)


def fill(pg: psycopg.Connection, rows: int) -> None:
    pg.execute("CREATE TABLE big (k int, v int, t text)")
    pg.execute("INSERT INTO big SELECT i, 0, repeat(i::text, 20) FROM generate_series(1, %s) i", [rows])
    pg.execute("VACUUM ANALYZE big")


@contextmanager
def copying(postgres: str) -> Iterator[set[int]]:
    """The server processes that send rows to us meanwhile."""
    seen: set[int] = set()
    stop = threading.Event()

    def watch() -> None:
        sql = "SELECT pid FROM pg_stat_activity WHERE application_name = 'lienthong' AND query LIKE 'COPY%'"
        with psycopg.connect(postgres, autocommit=True) as watcher:
            while not stop.is_set():
                seen.update(pid for (pid,) in watcher.execute(sql).fetchall())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()


@pytest.fixture
def scan_small_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PAGES_WORTH_SCANNING", 10)


@pytest.mark.usefixtures("scan_small_tables")
def test_all_readers_and_the_reflection_see_one_snapshot(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    """A writer moves rows between pages while several connections read; what lands must be of one moment."""
    fill(pg, 300_000)
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(postgres, autocommit=True) as writer:
            while not stop.is_set():
                writer.execute(
                    "BEGIN; UPDATE big SET v = v + 1 WHERE k <= 20; UPDATE big SET v = v - 1 WHERE k > 299980; COMMIT"
                )
                writer.execute("BEGIN; DELETE FROM big WHERE k = 77; INSERT INTO big VALUES (77, 0, 'moved'); COMMIT")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(repeats(2, 3)):
            with copying(postgres) as seen:
                extracted = take(contract_of("big", ["k"]), postgres, lake)
            assert rows_of(extracted, "count(*), count(DISTINCT k), sum(v)") == [(300_000, 300_000, 0)]
            assert len(seen) >= 2
    finally:
        stop.set()
        writer.join()


@pytest.mark.usefixtures("scan_small_tables")
def test_no_more_connections_than_the_contract_allows(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    fill(pg, 300_000)
    server = Server("source", "postgresql", options={"connectionLimit": 1})
    with copying(postgres) as seen:
        take(contract_of("big", ["k"], server=server), postgres, lake)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("limits", "workers"), [({}, "5"), ({"connectionLimit": 3}, "0"), ({"rowsPerSecond": 50_000}, "0")]
)
def test_a_limit_counts_the_servers_own_workers(
    pg: psycopg.Connection, postgres: str, lake: Lake, limits: dict[str, int], workers: str
) -> None:
    # The test above reads whole tables, for which PostgreSQL starts none; it does for the rows past a cursor.
    pg.execute("CREATE VIEW t AS SELECT 1 AS k, current_setting('max_parallel_workers_per_gather') AS v")
    pg.execute("ALTER ROLE CURRENT_USER SET max_parallel_workers_per_gather = 5")
    try:
        found = take(contract_of("t", ["k"], server=Server("source", "postgresql", options=limits)), postgres, lake)
    finally:
        pg.execute("ALTER ROLE CURRENT_USER RESET max_parallel_workers_per_gather")
    assert rows_of(found, "v") == [(workers,)]


@pytest.mark.usefixtures("scan_small_tables")
def test_the_two_ways_of_reading_give_the_same(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    pg.execute(
        "CREATE TABLE t AS SELECT i AS k, (i / 3.0)::numeric(12,2) AS m, now()::timestamp AS ts, 'x' || i AS a "
        "FROM generate_series(1, 50000) i"
    )
    scanned = take(contract_of("t", ["k"]), postgres, lake)
    server = Server("source", "postgresql", options={"connectionLimit": 1})
    selected = take(contract_of("t", ["k"], server=server), postgres, lake)
    assert (scanned.digest, scanned.columns, scanned.rows) == (selected.digest, selected.columns, 50_000)
    pg.execute("UPDATE t SET m = 'NaN' WHERE k = 49999")
    odd = take(contract_of("t", ["k"]), postgres, lake)
    assert rows_of(odd, "m")[-1] == ("NaN",)
    assert types_of(odd)["k"] == "INTEGER"
    assert any("landed as text" in note for note in odd.drift)


@pytest.mark.usefixtures("scan_small_tables")
@pytest.mark.parametrize("kind", ["timestamp", "timestamptz"])
def test_a_scan_stops_at_a_timestamp_that_would_wrap(
    pg: psycopg.Connection, postgres: str, lake: Lake, kind: str
) -> None:
    pg.execute(
        f"CREATE TABLE t AS SELECT i AS k, '2026-01-01'::{kind} AS ts, repeat('x', 50) AS v "
        "FROM generate_series(1, 9000) i"
    )
    pg.execute("INSERT INTO t VALUES (0, 'infinity', ''), (0, '-infinity', ''), (0, '4713-01-01 BC', '')")
    assert take(contract_of("t", ["k", "ts", "v"]), postgres, lake).drift == ()
    pg.execute("INSERT INTO t VALUES (-1, '294276-12-31 23:59:59', '')")
    extracted = take(contract_of("t", ["k"]), postgres, lake)
    assert rows_of(extracted, "k, ts")[0][1].startswith("294276-12-31 23:59:59")
    assert any("landed as text" in note for note in extracted.drift)


def test_a_statement_limit_stops_the_reading(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    pg.execute("CREATE VIEW slow AS SELECT pg_sleep(5)::text AS a")
    server = Server("source", "postgresql", options={"statementTimeoutSeconds": 0.2})
    with pytest.raises(SourceLost, match="time limit"):
        take(contract_of("slow", ["a"], server=server), postgres, lake)


def test_a_connection_dropped_half_way(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    pg.execute("CREATE TABLE t (a text); INSERT INTO t SELECT 'bimat' FROM generate_series(1, 1000)")
    pg.execute("CREATE VIEW slow AS SELECT a, pg_sleep(0.01)::text AS b FROM t")
    stop = threading.Event()

    def kill() -> None:
        with psycopg.connect(postgres, autocommit=True) as killer:
            while not stop.is_set():
                sql = (
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lienthong' "
                    "AND query LIKE 'COPY%' AND now() - query_start > '0.3 s'"
                )
                killer.execute(sql)
                time.sleep(0.05)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with pytest.raises(SourceLost, match=r"lost half-way.*nothing was published") as caught:
            take(contract_of("slow", ["a"]), postgres, lake)
    finally:
        stop.set()
        killer.join()
    assert "bimat" not in str(caught.value)
    assert caught.value.is_retryable
    assert lake.list(lake.path("landing/registry/thing")) == []


def test_through_sqlalchemy_the_same_rows_come(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    pg.execute("CREATE TABLE t (a text, n int, m numeric(10,2), d date, ts timestamp, j jsonb, u uuid)")
    pg.execute(
        "INSERT INTO t VALUES ('x', 1, 1.50, '2024-01-31', '2024-01-31 05:06:07', '{\"a\": 1}', "
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
    )
    import sys

    from sqlalchemy.engine import make_url

    from include.sources.access.connection import Connection

    connection = Connection("X", "sqlalchemy", make_url(postgres.replace("postgresql://", "postgresql+psycopg://")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["include.sources.landing.openers"], "connect", lambda contract, environ: connection)
        streamed = take(contract_of("t", ["a"]), postgres, lake)
    scanned = take(contract_of("t", ["a"]), postgres, lake)
    as_text = "a, n::VARCHAR, m::VARCHAR, d::VARCHAR, ts::VARCHAR, j, u::VARCHAR"
    assert rows_of(streamed, as_text) == rows_of(scanned, as_text)
    assert streamed.source == "sqlalchemy:postgresql"


def test_names_that_differ_only_in_case(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    pg.execute("""CREATE TABLE t ("TEN" text, ten text, _row int); INSERT INTO t VALUES ('A', 'a', 1)""")
    extracted = take(contract_of("t", ["ten"]), postgres, lake)
    assert rows_of(extracted, "ten, TEN_2, _row_2") == [("a", "A", 1)]
    assert "'TEN' lands as 'TEN_2': its name is taken" in extracted.drift
