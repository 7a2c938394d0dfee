"""`changes: log` on a real PostgreSQL: tables, keys and rights with which it works, and what is refused."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.integration.change_log.registered_source import (
    BY_LOG,
    MANY_KEYS,
    Session,
    content,
    context_of,
    position,
    published,
    synced,
)
from tests.repeats import held_by


def test_a_key_that_is_published_otherwise_than_received_is_not_followed(logged_database: str, tmp_path: Path) -> None:
    """Two keys of the source may become one: only a comparison of all rows tells."""
    source = psycopg.connect(logged_database, autocommit=True)
    source.execute("ALTER TABLE cong_dan ALTER COLUMN so_dinh_danh TYPE char(12)")
    source.execute("INSERT INTO cong_dan VALUES ('001234567890', 'Lê', 1), ('001234567891', 'Vũ', 2)")
    context = context_of(
        tmp_path,
        logged_database,
        key_type="string, transformLogic: trim(so_dinh_danh)",
        extract=f"{BY_LOG}, drift: evolve",
    )
    synced(context)
    source.execute("UPDATE cong_dan SET so_tien = 3 WHERE ho_ten = 'Lê'")
    source.execute("DELETE FROM cong_dan WHERE ho_ten = 'Vũ'")
    assert synced(context)["mode"] == "incremental"
    assert published(context) == [("001234567890", "Lê", 3)]
    source.execute("ALTER TABLE cong_dan ALTER COLUMN so_dinh_danh TYPE text")
    assert synced(context)["mode"] == "full"
    source.execute("INSERT INTO cong_dan VALUES (' 001234567890', 'Hồ', 4)")
    for _ in range(2):
        found = synced(context)
        assert (found["mode"], found["rejected"], position(context)) == ("full", 2, "")
        assert "published otherwise than it was received" in found["why"]
        source.execute("UPDATE cong_dan SET so_tien = so_tien + 1")


def test_partitions_are_followed_whatever_name_the_log_gives_them(logged_database: str, tmp_path: Path) -> None:
    source = psycopg.connect(logged_database, autocommit=True)
    source.execute("DROP TABLE cong_dan")
    columns = "so_dinh_danh int PRIMARY KEY, so_tien bigint, ho_ten text"
    source.execute(f"CREATE TABLE cong_dan ({columns}) PARTITION BY RANGE (so_dinh_danh)")
    for number in range(3):
        bounds = f"FROM ({number * 100}) TO ({number * 100 + 100})"
        source.execute(f"CREATE TABLE phan_{number} PARTITION OF cong_dan FOR VALUES {bounds}")
    source.execute("INSERT INTO cong_dan SELECT n, n, 'Lê' FROM generate_series(0, 299) n")
    source.execute("ALTER PUBLICATION lienthong_citizens SET TABLE cong_dan")
    context = context_of(tmp_path, logged_database)
    for number, way in enumerate(("false", "true")):
        source.execute(f"ALTER PUBLICATION lienthong_citizens SET (publish_via_partition_root = {way})")
        assert synced(context)["mode"] == "full"
        source.execute(f"DELETE FROM cong_dan WHERE so_dinh_danh % 50 = {7 + number}")
        source.execute(f"UPDATE cong_dan SET so_dinh_danh = {207 + number} WHERE so_dinh_danh = {1 + number}")
        assert synced(context)["mode"] == "incremental"
        assert published(context) == content(source)
    source.execute("ALTER TABLE cong_dan DETACH PARTITION phan_2")
    assert "its partitions" in synced(context)["why"]
    assert published(context) == content(source)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP PUBLICATION lienthong_citizens", "CREATE PUBLICATION lienthong_citizens FOR TABLE"),
        ("ALTER PUBLICATION lienthong_citizens DROP TABLE cong_dan", "ADD TABLE"),
        ("ALTER TABLE cong_dan REPLICA IDENTITY NOTHING", "REPLICA IDENTITY FULL"),
        ("ALTER PUBLICATION lienthong_citizens SET (publish = 'insert')", "SET (publish ="),
        ("ALTER PUBLICATION lienthong_citizens SET TABLE cong_dan WHERE (so_dinh_danh > 5)", "without a condition"),
        ("ALTER TABLE cong_dan DROP CONSTRAINT cong_dan_pkey", "CREATE UNIQUE INDEX"),
        ("ALTER TABLE cong_dan RENAME TO t; CREATE VIEW cong_dan AS SELECT * FROM t", "name the table"),
        ("DROP TABLE cong_dan; CREATE UNLOGGED TABLE cong_dan (so_dinh_danh int PRIMARY KEY)", "name the table"),
    ],
)
def test_what_the_source_does_not_log_is_refused_with_the_statement_that_helps(
    statement: str, said: str, source: Session, logged_database: str, tmp_path: Path
) -> None:
    for one in statement.split("; "):
        source.execute(one)
    found = synced(context_of(tmp_path, logged_database))
    assert found["verdict"] == "failed"
    assert said in found["error"]


def test_a_changed_key_is_known_with_the_whole_row_logged(
    source: Session, logged_database: str, tmp_path: Path
) -> None:
    """REPLICA IDENTITY FULL, and values kept out of line (TOAST) that are not logged again."""
    source.execute("ALTER TABLE cong_dan REPLICA IDENTITY FULL")
    source.execute("UPDATE cong_dan SET ghi_chu = (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 900) n)")
    context = context_of(tmp_path, logged_database)
    synced(context)
    source.execute("UPDATE cong_dan SET so_dinh_danh = 1000 + so_dinh_danh WHERE so_dinh_danh < 5")
    source.execute("UPDATE cong_dan SET so_tien = 0 WHERE so_dinh_danh = 50")
    source.execute("DELETE FROM cong_dan WHERE so_dinh_danh = 60")
    found = synced(context)
    assert "10 keys" in found["why"]
    assert published(context) == content(source)


def test_a_server_that_logs_too_little_is_refused(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as source:
        source.execute("CREATE TABLE cong_dan (so_dinh_danh int PRIMARY KEY, ho_ten text, so_tien bigint)")
    found = synced(context_of(tmp_path, database))
    assert found["verdict"] == "failed"
    assert "wal_level = logical" in found["error"]


OF_MORE_TYPES = held_by(
    "integration/change_log/test_postgres_logged_tables.py::test_keys_of_every_type_are_found_again"
)


@pytest.mark.parametrize(
    "kind", ["char(40)", "bigint", *(pytest.param(kind, marks=OF_MORE_TYPES) for kind in ("uuid", "text", "so"))]
)
def test_keys_of_every_type_are_found_again(kind: str, logged_database: str, tmp_path: Path) -> None:
    """As the log writes them; `so` is a domain."""
    source = psycopg.connect(logged_database, autocommit=True)
    source.execute("CREATE DOMAIN so AS varchar(60)")
    source.execute(
        f"CREATE TABLE nhieu_khoa (a {kind}, b date, c timestamptz, d numeric(10, 2), e varchar(50), f int, "
        "PRIMARY KEY (a, b, c, d, e))"
    )
    source.execute("ALTER PUBLICATION lienthong_citizens ADD TABLE nhieu_khoa")
    value = {"uuid": "md5(n::text)::uuid", "bigint": "n + 9007199254740993"}.get(kind, "n || E' \\\\''ế'")
    source.execute(
        f"INSERT INTO nhieu_khoa SELECT {value}, '1850-01-01'::date + n, '2026-01-01 10:00:00.123456+07'::timestamptz "
        "+ n * interval '1 day', n / 3.0, 'Lê''\\x41' || n, n FROM generate_series(1, 60) n"
    )
    context = context_of(tmp_path, logged_database, contract=MANY_KEYS, key_type="timestamp")
    assert synced(context)["verdict"] == "published"
    source.execute("UPDATE nhieu_khoa SET f = 1000 WHERE f % 5 = 0")
    source.execute("UPDATE nhieu_khoa SET d = d + 1, b = b + 5000 WHERE f % 5 = 1")
    source.execute("UPDATE nhieu_khoa SET c = c + interval '1 microsecond' WHERE f % 5 = 2")
    source.execute("DELETE FROM nhieu_khoa WHERE f % 5 = 3")
    found = synced(context)
    assert found["mode"] == "incremental"
    rows = source.execute("SELECT a::text, e, f FROM nhieu_khoa").fetchall()
    assert sorted((number.rstrip(), *others) for number, *others in published(context)) == sorted(rows)
    assert synced(context)["verdict"] == "unchanged"


def test_an_ordinary_user_with_replication_is_enough(source: Session, logged_database: str, tmp_path: Path) -> None:
    source.execute("DROP ROLE IF EXISTS reader")
    source.execute("CREATE ROLE reader LOGIN PASSWORD 'x'")
    source.execute("GRANT SELECT ON cong_dan TO reader")
    uri = f"postgresql://reader:x@{logged_database.rpartition('@')[2]}"
    context = context_of(tmp_path, uri)
    refused = synced(context)
    assert refused["verdict"] == "failed"
    assert "ALTER ROLE ... REPLICATION" in refused["error"]
    source.execute("ALTER ROLE reader REPLICATION")
    assert synced(context)["verdict"] == "published"
    source.execute("UPDATE cong_dan SET so_tien = 5 WHERE so_dinh_danh = 7")
    assert synced(context)["mode"] == "incremental"
    assert published(context) == content(source)
