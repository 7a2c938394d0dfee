"""`changes: log` on a real PostgreSQL: what a run reads, and what it leaves to the next."""

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
    POSTGRES,
    Session,
    content,
    context_of,
    position,
    published,
    synced,
)


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


def test_more_changes_than_are_read_by_key(
    source: Session, logged_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(tmp_path, logged_database)
    synced(context)
    monkeypatch.setattr(change_reading, "MOST_CHANGED_ROWS", 10)
    # Of a large table a share of its rows is read by keys before all are.
    for most, share in ((10, 0.0), (20, 20.5 / len(published(context)))):
        monkeypatch.setattr(change_reading, "MOST_CHANGED_SHARE", share)
        source.execute(f"UPDATE cong_dan SET so_tien = so_tien + 1 WHERE so_dinh_danh <= {most}")
        assert synced(context)["mode"] == "incremental"
        source.execute(f"UPDATE cong_dan SET so_tien = so_tien + 1 WHERE so_dinh_danh <= {most + 1}")
        found = synced(context)
        assert (found["mode"], found["why"]) == ("full", f"more than {most} rows changed")
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
