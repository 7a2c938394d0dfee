"""`changes: log` on a real MariaDB: what a run reads, when the log is lost, and what is refused.

`LOG_SEED` in the environment asks for other days.
"""

from __future__ import annotations

import os
import random
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from include.pipelines.context import PipelineContext
from tests.forking import Forked
from tests.integration.change_log.binlog_server import BinlogServer
from tests.integration.change_log.registered_source import CITIZENS, MANY_KEYS, MARIADB, context_of, published, synced
from tests.repeats import held_by, repeats

DAYS, SEED = repeats(2, 12), int(os.environ.get("LOG_SEED", "5"))
IN_FLIGHT = 1_000_000  # numbers from here on are written while runs read


def context(folder: Path, server: BinlogServer, **settings: Any) -> PipelineContext:
    return context_of(folder, server.uri, server=MARIADB, **settings)


def content(server: BinlogServer, condition: str = "true") -> list[tuple[Any, ...]]:
    """What must be published."""
    query = f"SELECT so_dinh_danh, ho_ten, so_tien FROM cong_dan WHERE so_tien >= 0 AND {condition} ORDER BY 1"
    return server.run(query)


def fill(server: BinlogServer, rows: int = 100) -> None:
    server.run(
        f"INSERT INTO cong_dan (so_dinh_danh, ho_ten, so_tien, vi_tri, so) SELECT seq, concat('Lê ', seq), seq, "
        f"point(1, 2), 1e50 FROM seq_1_to_{rows}"
    )


def test_a_run_reads_the_rows_that_the_log_names_and_no_others(binlog: BinlogServer, tmp_path: Path) -> None:
    fill(binlog)
    lake = context(tmp_path, binlog)
    assert synced(lake)["mode"] == "full"
    binlog.run(
        "UPDATE cong_dan SET so_tien = 5 WHERE so_dinh_danh = 7",
        "UPDATE cong_dan SET so_tien = -5 WHERE so_dinh_danh = 6",
        "DELETE FROM cong_dan WHERE so_dinh_danh = 8",
        "UPDATE cong_dan SET so_dinh_danh = 4000000000 WHERE so_dinh_danh = 9",
        "FLUSH BINARY LOGS",
        "INSERT INTO cong_dan (so_dinh_danh, ho_ten, so_tien) VALUES (501, 'Trần', 1), (502, 'Vũ', 2)",
        "DELETE FROM cong_dan WHERE so_dinh_danh = 502",
        "CREATE TABLE other (a int) AS SELECT 1 AS a",
    )
    found = synced(lake)
    assert (found["verdict"], found["mode"]) == ("published", "incremental")
    assert (found["extracted"], found["rejected"], found["deleted"]) == (4, 1, 2)
    assert [row for row in published(lake) if row[0] != 6] == content(binlog)
    assert "0 keys" in synced(lake)["why"]


def test_the_published_table_is_the_source_on_every_day(binlog: BinlogServer, tmp_path: Path) -> None:
    """With readers killed at any instant, and transactions that end while a run reads."""
    rng = random.Random(SEED)
    fill(binlog, 1000)
    lake = context(tmp_path, binlog)
    assert synced(lake)["mode"] == "full"
    took, modes, killed = 2.0, [], 0
    for day in range(DAYS):
        mutate(binlog, rng)
        settled = set(content(binlog, f"so_dinh_danh >= {IN_FLIGHT}"))
        writer = threading.Thread(target=write_meanwhile, args=(binlog, IN_FLIGHT + day, rng.random() * took))
        writer.start()
        if day % 2:
            process = Forked(f"{__name__}:carry_out", {"folder": str(tmp_path), "uri": binlog.uri})
            process.has_ended(rng.uniform(0.0, took))
            process.kill()
            process.communicate()
            killed += 1
        began = time.perf_counter()
        found = synced(lake)
        took = time.perf_counter() - began
        writer.join()
        assert found["verdict"] in ("published", "unchanged"), found.get("error")
        modes.append(found["mode"])
        rows = published(lake)
        assert [row for row in rows if row[0] < IN_FLIGHT] == content(binlog, f"so_dinh_danh < {IN_FLIGHT}"), f"{day=}"
        assert settled <= set(rows), f"{day=}"
    assert set(modes) <= {"incremental", "unchanged"}
    assert killed
    synced(lake)
    assert published(lake) == content(binlog)


def carry_out(order: dict[str, Any]) -> None:
    """What the process does that is killed."""
    synced(context_of(Path(order["folder"]), order["uri"], server=MARIADB))


def write_meanwhile(server: BinlogServer, number: int, seconds: float) -> None:
    with server.connect(autocommit=False) as session, session.cursor() as cursor:
        cursor.execute("INSERT INTO cong_dan (so_dinh_danh, ho_ten, so_tien) VALUES (%s, 'Ngô', 1)", (number,))
        time.sleep(seconds)
        session.commit()


def mutate(server: BinlogServer, rng: random.Random) -> None:
    """A day of changes."""
    with server.connect(autocommit=False) as session, session.cursor() as cursor:
        for _ in range(rng.randrange(0, 8)):
            cursor.execute(f"SELECT so_dinh_danh FROM cong_dan WHERE so_dinh_danh < {IN_FLIGHT}")
            numbers = [number for (number,) in cursor.fetchall()]
            some = tuple(rng.sample(numbers, min(len(numbers), rng.randrange(1, 30))))
            fresh = max(numbers) + rng.randrange(1, 50)
            match rng.randrange(4):
                case 0:
                    cursor.execute("DELETE FROM cong_dan WHERE so_dinh_danh IN %s", (some,))
                case 1:
                    cursor.execute(
                        "UPDATE cong_dan SET so_tien = %s WHERE so_dinh_danh IN %s", (rng.randrange(9), some)
                    )
                case 2:
                    cursor.execute("UPDATE cong_dan SET so_dinh_danh = %s WHERE so_dinh_danh = %s", (fresh, some[0]))
                case _:
                    cursor.execute(
                        "REPLACE INTO cong_dan (so_dinh_danh, ho_ten, so_tien) VALUES (%s, 'Vũ', 3), (%s, 'Đỗ', 4)",
                        (fresh, some[0]),
                    )
            session.rollback() if rng.random() < 0.1 else session.commit()


def other_format(server: BinlogServer) -> None:
    server.run("SET SESSION binlog_format = STATEMENT", "UPDATE cong_dan SET so_tien = 6 WHERE so_dinh_danh = 6")


def two_phases(server: BinlogServer) -> None:
    server.run(
        "XA START 'a'", "UPDATE cong_dan SET so_tien = 66 WHERE so_dinh_danh = 6", "XA END 'a'", "XA PREPARE 'a'",
        "XA COMMIT 'a'",
    )  # fmt: skip


def purge(server: BinlogServer) -> None:
    """A file goes once nobody writes to it or reads it, of which the server learns a moment later."""
    server.run("FLUSH BINARY LOGS")
    for _ in range(100):
        ((last, *_),) = server.run("SHOW MASTER STATUS")
        server.run(f"PURGE BINARY LOGS TO '{last}'")
        if len(server.run("SHOW BINARY LOGS")) == 1:
            return
        time.sleep(0.1)


LOST: list[tuple[Any, str]] = [
    (lambda server: server.run("ALTER TABLE cong_dan COMMENT 'x'"), "altered, emptied"),
    (other_format, "as a statement"),
    (two_phases, "in two phases"),
    (purge, "has removed the log"),
    (lambda server: server.run("TRUNCATE cong_dan"), "altered, emptied"),
    (lambda server: server.run("RESET MASTER"), ""),
]


def test_a_log_that_leads_nowhere_is_noticed_one_time_after_another(binlog: BinlogServer, tmp_path: Path) -> None:
    """What is told each time shows that the whole run before it noted a position again."""
    fill(binlog)
    lake = context(tmp_path, binlog)
    binlog.run("FLUSH BINARY LOGS")
    synced(lake)
    for number, (happen, why) in enumerate(LOST[1:]):  # what alters a table is told as what empties it
        binlog.run("UPDATE cong_dan SET so_tien = so_tien + 5 WHERE so_dinh_danh = 7")
        happen(binlog)
        binlog.run(f"INSERT INTO cong_dan (so_dinh_danh, ho_ten, so_tien) VALUES ({900 + number}, 'Vũ', 1)")
        found = synced(lake)
        assert (found["mode"], why in found["why"]) == ("full", True), found["why"]
        assert "holds no position" not in found["why"]
        assert published(lake) == content(binlog)
    binlog.run("UPDATE cong_dan SET so_tien = 6 WHERE so_dinh_danh = 904")
    assert synced(lake)["mode"] == "incremental"
    assert published(lake) == content(binlog)


@held_by("integration/change_log/test_mariadb_log.py::test_a_log_that_leads_nowhere_is_noticed_one_time_after_another")
@pytest.mark.parametrize(("happen", "why"), LOST)
def test_a_log_that_does_not_lead_to_the_present_is_noticed(
    happen: Any, why: str, binlog: BinlogServer, tmp_path: Path
) -> None:
    fill(binlog)
    lake = context(tmp_path, binlog)
    binlog.run("FLUSH BINARY LOGS")
    synced(lake)
    binlog.run("UPDATE cong_dan SET so_tien = 5 WHERE so_dinh_danh = 7")
    happen(binlog)
    binlog.run("INSERT INTO cong_dan (so_dinh_danh, ho_ten, so_tien) VALUES (900, 'Vũ', 1)")
    found = synced(lake)
    assert found["mode"] == "full"
    assert why in found["why"]
    assert published(lake) == content(binlog)
    binlog.run("UPDATE cong_dan SET so_tien = 6 WHERE so_dinh_danh = 900")
    assert synced(lake)["mode"] == "incremental"
    assert published(lake) == content(binlog)


EMPTIED = held_by(
    "integration/change_log/test_mariadb_log.py::"
    "test_a_table_emptied_under_a_name_that_the_log_spells_otherwise_is_noticed"
)


@pytest.mark.parametrize(
    ("name", "charset"),
    [
        ("công_dân", "latin1"),
        pytest.param("công_dân", "utf8mb4", marks=EMPTIED),
        pytest.param("cong`dan", "latin1", marks=EMPTIED),
        ("cong`dan", "utf8mb4"),
    ],
)
def test_a_table_emptied_under_a_name_that_the_log_spells_otherwise_is_noticed(
    name: str, charset: str, binlog: BinlogServer, tmp_path: Path
) -> None:
    """Older tests altered a table of a plain name only, which every session spells alike."""
    quoted = f"`{name.replace('`', '``')}`"
    binlog.run(f"RENAME TABLE cong_dan TO {quoted}", f"INSERT INTO {quoted} (so_dinh_danh, ho_ten) VALUES (1, 'Lê')")
    text = CITIZENS.replace("physicalName: cong_dan", f'physicalName: "{name}"')
    lake = context(tmp_path, binlog, contract=text)
    synced(lake)
    with binlog.connect(charset=charset) as session, session.cursor() as cursor:
        cursor.execute(f"TRUNCATE {quoted}")
    binlog.run(f"INSERT INTO {quoted} (so_dinh_danh, ho_ten) VALUES (2, 'Vũ')")
    found = synced(lake)
    assert published(lake) == [(2, "Vũ", None)]
    assert "altered, emptied" in found["why"]


def test_a_source_restored_from_a_copy_is_noticed(binlog: BinlogServer, tmp_path: Path) -> None:
    """Its log has a file of the same name, which has grown past the last position."""
    fill(binlog)
    data, copy = binlog.folder / "data", binlog.folder / "copy"
    lake = context(tmp_path, binlog)
    synced(lake)
    binlog.stop()
    shutil.copytree(data, copy)
    time.sleep(1.1)
    binlog.start()
    binlog.run("UPDATE cong_dan SET so_tien = 1000 WHERE so_dinh_danh < 10")
    assert synced(lake)["mode"] == "incremental"
    binlog.stop()
    shutil.rmtree(data)
    copy.rename(data)
    time.sleep(1.1)
    binlog.start()
    binlog.run("UPDATE cong_dan SET so_tien = 2000 WHERE so_dinh_danh < 5", "UPDATE cong_dan SET so = 1")
    found = synced(lake)
    assert found["mode"] == "full"
    assert "restored from a copy" in found["why"]
    assert published(lake) == content(binlog)


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (("ALTER TABLE cong_dan ENGINE = Aria",), "of the engine InnoDB"),
        (("ALTER TABLE cong_dan DROP PRIMARY KEY",), "CREATE UNIQUE INDEX"),
        (
            (
                "ALTER TABLE cong_dan MODIFY ho_ten varchar(50) NOT NULL",
                "ALTER TABLE cong_dan DROP PRIMARY KEY, ADD UNIQUE (so_dinh_danh, ho_ten(10))",
            ),
            "CREATE UNIQUE INDEX",
        ),
        (("ALTER TABLE cong_dan MODIFY so_dinh_danh varchar(20) CHARACTER SET latin1",), "character set"),
        (
            (
                "CREATE TABLE ho (a int unsigned PRIMARY KEY)",
                "ALTER TABLE cong_dan ADD FOREIGN KEY (so_dinh_danh) REFERENCES ho (a) ON DELETE CASCADE",
            ),
            "RESTRICT",
        ),
    ],
)
def test_what_the_source_does_not_log_is_refused_with_what_helps(
    statements: tuple[str, ...], said: str, binlog: BinlogServer, tmp_path: Path
) -> None:
    binlog.run(*statements)
    found = synced(context(tmp_path, binlog))
    assert found["verdict"] == "failed"
    assert said in found["error"]


def test_a_server_that_logs_too_little_or_a_user_without_rights_is_refused(
    binlog: BinlogServer, tmp_path: Path
) -> None:
    fill(binlog)
    binlog.run(
        "CREATE OR REPLACE USER reader@'127.0.0.1' IDENTIFIED BY ''", "GRANT SELECT ON citizens.* TO reader@'127.0.0.1'"
    )
    uri = binlog.uri.replace("root", "reader")
    lake = context_of(tmp_path, uri, server=MARIADB)
    assert "BINLOG MONITOR" in synced(lake)["error"]
    binlog.run("GRANT BINLOG MONITOR, REPLICATION SLAVE ON *.* TO reader@'127.0.0.1'")
    assert synced(lake)["verdict"] == "published"
    binlog.run("UPDATE cong_dan SET so_tien = 5 WHERE so_dinh_danh = 7")
    assert synced(lake)["mode"] == "incremental"
    binlog.run("SET GLOBAL binlog_row_metadata = NO_LOG")
    try:
        assert "binlog_row_metadata" in synced(lake)["error"]
    finally:
        binlog.run("SET GLOBAL binlog_row_metadata = FULL")


def test_keys_of_every_type_are_found_again(binlog: BinlogServer, tmp_path: Path) -> None:
    binlog.run(
        "CREATE TABLE nhieu_khoa (a char(10), b date, c datetime(6), d decimal(10, 2), e varchar(50), f bigint, "
        "PRIMARY KEY (a, b, c, d, e)) CHARACTER SET utf8mb4",
        "INSERT INTO nhieu_khoa SELECT seq, adddate('1850-01-01', seq), adddate('2026-01-01 10:00:00.123456', seq), "
        "seq / 3, concat('Lê', char(39, 92), 'x41', seq), seq FROM seq_1_to_60",
    )
    lake = context(tmp_path, binlog, contract=MANY_KEYS, key_type="string")
    assert synced(lake)["verdict"] == "published"
    binlog.run(
        "UPDATE nhieu_khoa SET f = 1000 WHERE f % 5 = 0",
        "UPDATE nhieu_khoa SET d = d + 1, e = upper(e) WHERE f % 5 = 1",
        "UPDATE nhieu_khoa SET c = c + interval 1 microsecond WHERE f % 5 = 2",
        "DELETE FROM nhieu_khoa WHERE f % 5 = 3",
    )
    found = synced(lake)
    assert (found["mode"], found["deleted"]) == ("incremental", 36)
    names = binlog.run("SELECT e, f FROM nhieu_khoa ORDER BY 1, 2")
    assert sorted((name, amount) for _, name, amount in published(lake)) == sorted(names)
    assert synced(lake)["verdict"] == "unchanged"
