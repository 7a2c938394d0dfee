"""`changes: log` on a real PostgreSQL: a log that does not lead to the present, and one that keeps too much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.integration.change_log.registered_source import (
    BY_LOG,
    Session,
    content,
    context_of,
    position,
    published,
    synced,
)
from tests.repeats import held_by


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
    source.execute("DELETE FROM cong_dan WHERE so_dinh_danh = 4")
    source.execute("ALTER PUBLICATION lienthong_citizens SET (publish = 'insert, update, delete, truncate')")


LOST: list[tuple[Any, str]] = [
    (rewrite, "rewritten or emptied"),
    (drop_slot, "the replication slot is gone"),
    (move_slot, "has moved past the last position"),
    (leave_for_a_while, "its publication were altered"),
    (publish_less_for_a_while, "its publication were altered"),
    (lambda source: source.execute("TRUNCATE cong_dan"), "rewritten or emptied"),
]


def test_a_log_that_leads_nowhere_is_noticed_one_time_after_another(
    source: Session, logged_database: str, tmp_path: Path
) -> None:
    """What is told each time shows that the whole run before it noted a position again."""
    context = context_of(tmp_path, logged_database)
    synced(context)
    for number, (happen, why) in enumerate(LOST[1:]):  # a rewritten table has a new file, as an emptied one
        source.execute("UPDATE cong_dan SET so_tien = so_tien + 5 WHERE so_dinh_danh = 7")
        happen(source)
        source.execute("INSERT INTO cong_dan VALUES (%s, 'Vũ', 1)", (900 + number,))
        found = synced(context)
        assert (found["mode"], why in found["why"]) == ("full", True), found["why"]
        assert published(context) == content(source)
    source.execute("UPDATE cong_dan SET so_tien = 6 WHERE so_dinh_danh = 904")
    assert synced(context)["mode"] == "incremental"
    assert published(context) == content(source)


@held_by(
    "integration/change_log/test_postgres_log_lost.py::test_a_log_that_leads_nowhere_is_noticed_one_time_after_another"
)
@pytest.mark.parametrize(("happen", "why"), LOST)
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


def test_a_partition_that_was_away_for_a_while_is_noticed(logged_database: str, tmp_path: Path) -> None:
    """Older tests left a table out of its publication for a while, but no partition out of its table."""
    with psycopg.connect(logged_database, autocommit=True) as source:
        source.execute("DROP TABLE cong_dan")
        source.execute(
            "CREATE TABLE cong_dan (so_dinh_danh int PRIMARY KEY, ho_ten text, so_tien bigint) "
            "PARTITION BY RANGE (so_dinh_danh)"
        )
        for start in (0, 100):
            bounds = f"FOR VALUES FROM ({start}) TO ({start + 100})"
            source.execute(f"CREATE TABLE phan_{start} PARTITION OF cong_dan {bounds}".encode())
        source.execute("INSERT INTO cong_dan SELECT n, 'Lê', n FROM generate_series(1, 199) n")
        source.execute("ALTER PUBLICATION lienthong_citizens SET TABLE cong_dan")
        context = context_of(tmp_path, logged_database)
        synced(context)
        source.execute("ALTER TABLE cong_dan DETACH PARTITION phan_100")
        source.execute("DELETE FROM phan_100 WHERE so_dinh_danh < 110")
        source.execute("ALTER TABLE cong_dan ATTACH PARTITION phan_100 FOR VALUES FROM (100) TO (200)")
        found = synced(context)
        assert (found["mode"], "its partitions" in found["why"]) == ("full", True)
        assert published(context) == content(source)
        source.execute("VACUUM FULL pg_inherits")
        source.execute("VACUUM (FREEZE, ANALYZE) cong_dan, pg_inherits")
        source.execute("UPDATE cong_dan SET so_tien = 6 WHERE so_dinh_danh = 150")
        assert synced(context)["mode"] == "incremental"
        assert published(context) == content(source)


RENAMED = held_by("integration/change_log/test_postgres_log_lost.py::test_a_renamed_label_of_an_enum_is_noticed")


@pytest.mark.parametrize(
    "kind", ["hop[]", *(pytest.param(kind, marks=RENAMED) for kind in ("loai", "ten_loai", "loai[]", "hop"))]
)
def test_a_renamed_label_of_an_enum_is_noticed(kind: str, logged_database: str, tmp_path: Path) -> None:
    """Older tests changed what lies in the table or its publication; a label lies beside both.

    An array of a composite of a domain over the enum is as far from it as a column gets.
    """
    values = {"loai[]": "ARRAY['cu'::loai]", "hop": "ROW('cu')::hop", "hop[]": "ARRAY[ROW('cu')::hop]"}
    value = values.get(kind, "'cu'")
    with psycopg.connect(logged_database, autocommit=True) as source:
        source.execute("DROP TABLE cong_dan; CREATE TYPE loai AS ENUM ('cu', 'moi'); CREATE DOMAIN ten_loai AS loai")
        source.execute("CREATE TYPE hop AS (loai ten_loai)")
        source.execute(f"CREATE TABLE cong_dan (so_dinh_danh int PRIMARY KEY, ho_ten {kind}, so_tien bigint)".encode())
        source.execute("ALTER PUBLICATION lienthong_citizens SET TABLE cong_dan")
        source.execute(f"INSERT INTO cong_dan SELECT n, {value}, n FROM generate_series(1, 9) n".encode())
        context = context_of(tmp_path, logged_database)
        synced(context)
        source.execute("ALTER TYPE loai RENAME VALUE 'cu' TO 'da'")
        source.execute("UPDATE cong_dan SET so_tien = 7 WHERE so_dinh_danh = 1")
        found = synced(context)
        assert (found["mode"], "the types of its columns" in found["why"]) == ("full", True)
        assert all("da" in str(row) for row in published(context))
        source.execute("UPDATE cong_dan SET so_tien = 8 WHERE so_dinh_danh = 1")
        assert synced(context)["mode"] == "incremental"
