"""Days of a register that changes while it is read, with readers killed at any instant (`changes: log`).

`LOG_SEED` in the environment asks for other days.
"""

from __future__ import annotations

import os
import random
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.forking import Forked
from tests.integration.change_log.registered_source import content, context_of, published, synced
from tests.repeats import repeats

DAYS, SEED = repeats(3, 30), int(os.environ.get("LOG_SEED", "7"))
IN_FLIGHT = 1_000_000  # numbers from here on are written while runs read


def test_the_published_table_is_the_source_on_every_day(logged_database: str, tmp_path: Path) -> None:
    """Rows written by transactions that end while a run reads are compared a day later, all others at once."""
    rng = random.Random(SEED)
    source = psycopg.connect(logged_database, autocommit=True)
    source.execute("INSERT INTO cong_dan SELECT n, 'Lê ' || n, n FROM generate_series(1, 2000) n")
    context = context_of(tmp_path, logged_database)
    assert synced(context)["mode"] == "full"
    took, modes, killed = 2.0, [], 0
    for day in range(DAYS):
        mutate(source, rng)
        settled = in_flight(source)
        writers = [Writer(logged_database, day, rng.random() * took, kind) for kind in ("plain", "prepared", "rolled")]
        if day % 2:
            process = Forked(f"{__name__}:carry_out", {"folder": str(tmp_path), "uri": logged_database})
            process.has_ended(rng.uniform(0.0, took))
            process.kill()
            process.communicate()
            killed += 1
        began = time.perf_counter()
        found = synced(context)
        took = time.perf_counter() - began
        for writer in writers:
            writer.join()
        assert found["verdict"] in ("published", "unchanged"), found.get("error")
        modes.append(found["mode"])
        rows = published(context)
        assert [row for row in rows if row[0] < IN_FLIGHT] == content(source, f"so_dinh_danh < {IN_FLIGHT}"), f"{day=}"
        settled = {row for row in settled if row[0] not in {writer.number - 10 for writer in writers}}
        assert settled <= set(rows), f"{day=}"
    assert set(modes) <= {"incremental", "unchanged"}
    assert killed
    synced(context)
    assert published(context) == content(source, "true")


def carry_out(order: dict[str, Any]) -> None:
    """What the process does that is killed."""
    synced(context_of(Path(order["folder"]), order["uri"]))


def in_flight(source: psycopg.Connection[Any]) -> set[tuple[Any, ...]]:
    return set(content(source, f"so_dinh_danh >= {IN_FLIGHT}"))


def mutate(source: psycopg.Connection[Any], rng: random.Random) -> None:
    """A day of changes, in transactions of every kind."""
    ours = f"so_dinh_danh < {IN_FLIGHT}"
    for _ in range(rng.randrange(0, 8)):
        numbers = [number for (number,) in source.execute(f"SELECT so_dinh_danh FROM cong_dan WHERE {ours}").fetchall()]
        some = rng.sample(numbers, min(len(numbers), rng.randrange(1, 30)))
        fresh = max(numbers, default=0) + rng.randrange(1, 50)
        with source.transaction(force_rollback=rng.random() < 0.1):
            match rng.randrange(6):
                case 0:
                    source.execute("DELETE FROM cong_dan WHERE so_dinh_danh = ANY (%s)", (some,))
                case 1:
                    source.execute(
                        "UPDATE cong_dan SET so_tien = %s WHERE so_dinh_danh = ANY (%s)", (rng.randrange(10**9), some)
                    )
                case 2:  # a number is corrected, and given to a new row
                    source.execute("UPDATE cong_dan SET so_dinh_danh = %s WHERE so_dinh_danh = %s", (fresh, some[0]))
                    source.execute("INSERT INTO cong_dan VALUES (%s, 'Hồ', 1)", (some[0],))
                case 3:
                    with suppress(psycopg.errors.RaiseException), source.transaction():
                        source.execute("DELETE FROM cong_dan WHERE so_dinh_danh = ANY (%s)", (some,))
                        raise psycopg.errors.RaiseException
                    with source.transaction():
                        source.execute("INSERT INTO cong_dan VALUES (%s, 'Đỗ', 2)", (fresh,))
                case 4:  # comes and goes
                    source.execute("INSERT INTO cong_dan VALUES (%s, 'Vũ', 3)", (fresh,))
                    source.execute("DELETE FROM cong_dan WHERE so_dinh_danh = %s", (fresh,))
                case _:
                    wide = "SELECT n, 'Trần', n, repeat('x', 9000) FROM generate_series(%s::int, %s::int) n"
                    source.execute(f"INSERT INTO cong_dan {wide}", (fresh, fresh + rng.randrange(1, 60)))


class Writer(threading.Thread):
    """A transaction that has begun, and ends after some seconds."""

    def __init__(self, uri: str, day: int, seconds: float, kind: str) -> None:
        super().__init__()
        self.seconds, self.kind = seconds, kind
        self.session = psycopg.connect(uri)
        self.number = IN_FLIGHT + day * 10 + len(kind)
        if kind == "prepared":
            self.session.tpc_begin(self.session.xid(day, f"day {day}", ""))
        self.session.execute("INSERT INTO cong_dan VALUES (%s, 'Ngô', %s)", (self.number, day))
        self.session.execute("SAVEPOINT a")
        self.session.execute("UPDATE cong_dan SET so_tien = so_tien + 1 WHERE so_dinh_danh = %s", (self.number - 10,))
        if kind == "prepared":
            self.session.tpc_prepare()
        self.start()

    def run(self) -> None:
        time.sleep(self.seconds)
        if self.kind == "prepared":
            self.session.tpc_commit()
        elif self.kind == "rolled":
            self.session.rollback()
        else:
            self.session.commit()
        self.session.close()
