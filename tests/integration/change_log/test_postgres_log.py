"""`changes: log` on a real PostgreSQL: what a run reads, when the log is lost, and what is refused."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from include.pipelines.context import new_run_id
from include.pipelines.rejected.replaying import replay
from include.pipelines.sync import change_reading, extraction
from include.sources.change_log import postgres_log
from tests.integration.change_log.registered_source import (
    BY_LOG,
    MANY_KEYS,
    POSTGRES,
    context_of,
    position,
    published,
    synced,
)

Session = psycopg.Connection[Any]


@pytest.fixture
def source(logged_database: str) -> Session:
    session = psycopg.connect(logged_database, autocommit=True)
    session.execute("INSERT INTO cong_dan SELECT n, 'Lê ' || n, n, 'x' FROM generate_series(1, 100) n")
    return session


def content(source: Session) -> list[tuple[Any, ...]]:
    """What must be published."""
    return source.execute("SELECT so_dinh_danh, ho_ten, so_tien FROM cong_dan WHERE so_tien >= 0 ORDER BY 1").fetchall()


def test_a_run_reads_the_rows_that_the_log_names_and_no_others(
    source: Session, logged_database: str, tmp_path: Path
) -> None:
    context = context_of(tmp_path, logged_database)
    assert synced(context)["mode"] == "full"
    source.execute("UPDATE cong_dan SET so_tien = 5 WHERE so_dinh_danh = 7")
    source.execute("UPDATE cong_dan SET so_tien = -5 WHERE so_dinh_danh = 6")  # rejected: the last good row stays
    source.execute("DELETE FROM cong_dan WHERE so_dinh_danh = 8")
    source.execute("UPDATE cong_dan SET so_dinh_danh = 500 WHERE so_dinh_danh = 9")
    source.execute("INSERT INTO cong_dan VALUES (501, 'Trần', 1), (502, 'Vũ', 2)")
    source.execute("DELETE FROM cong_dan WHERE so_dinh_danh = 502")

    found = synced(context)

    assert (found["verdict"], found["mode"]) == ("published", "incremental")
    assert (found["extracted"], found["rejected"], found["deleted"]) == (4, 1, 2)
    assert [row for row in published(context) if row[0] != 6] == content(source)
    quiet = synced(context)
    assert (quiet["verdict"], quiet["mode"]) == ("unchanged", "unchanged")
    assert "0 keys" in quiet["why"]


def test_a_commit_that_the_log_shows_before_the_snapshot_sees_it_is_not_passed(
    source: Session, logged_database: str, tmp_path: Path
) -> None:
    """Held between its commit record and its visibility, as by a synchronous standby that does not answer."""
    context = context_of(tmp_path, logged_database)
    synced(context)
    source.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    source.execute("SELECT pg_reload_conf()")
    writer = psycopg.connect(logged_database)
    writer.execute("SET synchronous_commit = on")
    writer.execute("UPDATE cong_dan SET so_tien = 77 WHERE so_dinh_danh = 7")
    held = threading.Thread(target=writer.commit)
    held.start()
    try:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid = %s"
        while not source.execute(waiting, (writer.info.backend_pid,)).fetchone()[0]:  # type: ignore[index]
            time.sleep(0.01)
        source.execute("UPDATE cong_dan SET so_tien = 88 WHERE so_dinh_danh = 8")

        found = synced(context)

        assert "1 keys" in found["why"]
        assert {row[0]: row[2] for row in published(context)}[7] == 7
    finally:
        source.execute("SELECT pg_cancel_backend(%s)", (writer.info.backend_pid,))
        held.join()
        source.execute("ALTER SYSTEM RESET synchronous_standby_names")
        source.execute("SELECT pg_reload_conf()")
    assert "2 keys" in synced(context)["why"]
    assert published(context) == content(source)


def test_a_transaction_that_is_open_while_a_run_reads_comes_with_the_next(
    source: Session, logged_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With savepoints, and one prepared for two phases: what the snapshot does not see is left to the next run."""
    context = context_of(tmp_path, logged_database)
    synced(context)
    long, other = psycopg.connect(logged_database), psycopg.connect(logged_database)
    long.execute("SAVEPOINT a")
    long.execute("UPDATE cong_dan SET so_tien = 11 WHERE so_dinh_danh = 11")
    long.execute("RELEASE a")
    other.tpc_begin(other.xid(1, "moved", ""))
    other.execute("UPDATE cong_dan SET so_dinh_danh = 1012 WHERE so_dinh_danh = 12")
    other.tpc_prepare()
    opened = extraction.open_source

    def commit_after_the_snapshot(*args: Any, **settings: Any) -> Any:
        context_manager = opened(*args, **settings)
        enter = context_manager.__enter__

        def entered() -> Any:
            found = enter()
            long.commit()
            other.tpc_commit()
            return found

        context_manager.__enter__ = entered  # type: ignore[method-assign]
        return Opened(entered, context_manager)

    monkeypatch.setattr(extraction, "open_source", commit_after_the_snapshot)
    assert "0 keys" in synced(context)["why"]
    monkeypatch.undo()
    assert "3 keys" in synced(context)["why"]
    assert published(context) == content(source)


class Opened:
    """A context manager that does more as it begins."""

    def __init__(self, begin: Any, of: Any) -> None:
        self.begin, self.of = begin, of

    def __enter__(self) -> Any:
        return self.begin()

    def __exit__(self, *failure: Any) -> Any:
        return self.of.__exit__(*failure)


def test_a_first_run_waits_for_open_transactions_but_not_for_ever(
    source: Session, logged_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_log, "_WAIT_SECONDS", 1)
    context = context_of(tmp_path, logged_database)
    long = psycopg.connect(logged_database)
    long.execute("UPDATE cong_dan SET so_tien = 11 WHERE so_dinh_danh = 11")
    first = synced(context)
    assert (first["verdict"], first["mode"], position(context)) == ("published", "full", "")
    assert "stayed open" in first["why"]
    assert source.execute(
        "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"
    ).fetchone() == (0,)
    long.commit()
    second = synced(context)
    assert (second["mode"], second["why"]) == ("full", "the last commit holds no position in the source's log")
    assert published(context) == content(source)
    assert position(context)


def drop_slot(source: Session) -> None:
    source.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()"
    )


def move_slot(source: Session) -> None:
    source.execute(
        "SELECT pg_replication_slot_advance(slot_name, pg_current_wal_flush_lsn()) FROM pg_replication_slots "
        "WHERE database = current_database()"
    )


def rewrite(source: Session) -> None:
    source.execute("ALTER TABLE cong_dan ALTER COLUMN ho_ten TYPE text USING upper(ho_ten)")


def leave_for_a_while(source: Session) -> None:
    source.execute("ALTER PUBLICATION lienthong_citizens DROP TABLE cong_dan")
    source.execute("DELETE FROM cong_dan WHERE so_dinh_danh = 3")
    source.execute("ALTER PUBLICATION lienthong_citizens ADD TABLE cong_dan")


def publish_less_for_a_while(source: Session) -> None:
    source.execute("ALTER PUBLICATION lienthong_citizens SET (publish = 'insert')")
    source.execute("DELETE FROM cong_dan WHERE so_dinh_danh = 3")
    source.execute("ALTER PUBLICATION lienthong_citizens SET (publish = 'insert, update, delete, truncate')")


@pytest.mark.parametrize(
    ("happen", "why"),
    [
        (drop_slot, "the replication slot is gone"),
        (move_slot, "has moved past the last position"),
        (lambda source: source.execute("TRUNCATE cong_dan"), "rewritten or emptied"),
        (rewrite, "rewritten or emptied"),
        (leave_for_a_while, "its publication were altered"),
        (publish_less_for_a_while, "its publication were altered"),
    ],
)
def test_a_log_that_does_not_lead_to_the_present_is_noticed(
    happen: Any, why: str, source: Session, logged_database: str, tmp_path: Path
) -> None:
    context = context_of(tmp_path, logged_database)
    synced(context)
    source.execute("UPDATE cong_dan SET so_tien = 5 WHERE so_dinh_danh = 7")
    happen(source)
    source.execute("INSERT INTO cong_dan VALUES (900, 'Vũ', 1)")
    found = synced(context)
    assert found["mode"] == "full"
    assert why in found["why"]
    assert published(context) == content(source)
    source.execute("UPDATE cong_dan SET so_tien = 6 WHERE so_dinh_danh = 900")
    assert synced(context)["mode"] == "incremental"
    assert published(context) == content(source)


def test_a_slot_that_keeps_too_much_is_dropped_and_said(source: Session, logged_database: str, tmp_path: Path) -> None:
    """Warned of from half the limit on; beyond it the source gets its disk back."""
    context = context_of(tmp_path, logged_database, extract=f"{BY_LOG}, changeLogLimitMegabytes: 30")
    synced(context)
    write_megabytes(source, 20)
    assert "warning: the source keeps" in synced(context)["why"]
    write_megabytes(source, 40)
    found = synced(context)
    assert found["mode"] == "full"
    assert "the slot was dropped" in found["why"]
    assert "MB" not in synced(context)["why"]


def test_a_quiet_table_lets_the_source_give_up_its_log(source: Session, logged_database: str, tmp_path: Path) -> None:
    """By a commit without rows, only once there is a file of log to give up."""
    context = context_of(tmp_path, logged_database)
    synced(context)
    before = position(context)
    assert synced(context)["verdict"] == "unchanged"
    assert position(context) == before
    write_megabytes(source, 20)
    source.execute("CHECKPOINT")  # or within 15 seconds by itself
    found = synced(context)
    assert (found["verdict"], found["inserted"], found["updated"], found["deleted"]) == ("published", 0, 0, 0)
    assert position(context) != before
    kept = "SELECT pg_current_wal_lsn() - restart_lsn FROM pg_replication_slots WHERE database = current_database()"
    assert source.execute(kept).fetchone()[0] > 16e6  # type: ignore[index]
    synced(context)
    assert source.execute(kept).fetchone()[0] < 16e6  # type: ignore[index]


def write_megabytes(source: Session, megabytes: int) -> None:
    """Log of something else."""
    for _ in range(megabytes):
        source.execute("SELECT pg_logical_emit_message(true, 'other', repeat('x', 1000000))")


def test_a_full_run_begins_anew_and_a_restored_version_is_read_as_a_whole(
    source: Session, logged_database: str, tmp_path: Path
) -> None:
    context = context_of(tmp_path, logged_database)
    synced(context)
    first = position(context)
    synced(context, is_full=True)
    assert position(context) != first
    source.execute("UPDATE cong_dan SET so_tien = 5 WHERE so_dinh_danh = 7")
    assert synced(context)["mode"] == "incremental"
    assert published(context) == content(source)


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


def test_a_replay_keeps_the_position(source: Session, logged_database: str, tmp_path: Path) -> None:
    """What reads nothing of the log moves it nowhere."""
    context = context_of(tmp_path, logged_database)
    source.execute("UPDATE cong_dan SET so_tien = -5 WHERE so_dinh_danh = 6")
    synced(context)
    before, path = position(context), context.schemas / "registries" / "citizens.odcs.yaml"
    path.write_text(path.read_text().replace("minimum: 0", "minimum: -9"))
    replayed = replay(context, "citizens", run_id=new_run_id(context.now()))
    assert [one.verdict for one in replayed.tables] == ["published"]
    assert position(context) == before


@pytest.mark.parametrize("kind", ["uuid", "text", "char(40)", "bigint", "so"])
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


def test_more_changes_than_are_read_by_key(
    source: Session, logged_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(tmp_path, logged_database)
    synced(context)
    monkeypatch.setattr(change_reading, "MOST_CHANGED_ROWS", 10)
    source.execute("UPDATE cong_dan SET so_tien = 5 WHERE so_dinh_danh <= 10")
    assert synced(context)["mode"] == "incremental"
    source.execute("UPDATE cong_dan SET so_tien = 6 WHERE so_dinh_danh <= 11")
    found = synced(context)
    assert (found["mode"], found["why"]) == ("full", "more than 10 rows changed")
    assert published(context) == content(source)


def test_outside_the_allowed_hours_nothing_is_asked_of_the_source(
    source: Session, logged_database: str, tmp_path: Path
) -> None:
    shut = f"{(datetime.now(UTC) + timedelta(hours=2)):%H:00}-{(datetime.now(UTC) + timedelta(hours=3)):%H:00}"
    hours = f'[{{property: allowedHours, value: "{shut}"}}, {{property: timezone, value: UTC}}]'
    context = context_of(tmp_path, logged_database, server=f"{POSTGRES}, customProperties: {hours}")
    found = synced(context)
    assert found["error_type"] == "SourceClosed"
    assert not source.execute("SELECT FROM pg_replication_slots WHERE database = current_database()").fetchall()
