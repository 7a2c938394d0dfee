"""The journal of reads loses no record: not if the process is killed, the disk is full, or two servers work at once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import pyarrow as pa
import pytest

from include.audit.reads import Journal, JournalDamaged, JournalFull, ReadRecord, bring_in, product_reads
from include.audit.reads import journal as journals
from include.audit.reads.journal import records_of
from include.audit.reads.record import to_arrow
from include.lake.run_log import append
from include.lake.storage import Lake

AT = datetime(2026, 3, 1, 8, 30, 0, 123456, tzinfo=UTC)
REPOSITORY = Path(__file__).parents[3]


def record(number: int, **more: object) -> ReadRecord:
    named: dict[str, object] = {
        "action": "query", "verdict": "offered", "status": 200, "recipient": "nso", "agreement": "census",
        "purpose": "Thống kê", "registry": "population", "table": "citizen", "product": "citizen", "version": 3,
        "rows": 10, "size_bytes": 99, "columns": ("full_name",),
    }  # fmt: skip
    return ReadRecord(read_id=f"{number}", at=AT, address="10.0.0.1", **(named | more))  # type: ignore[arg-type]


def keep(journal: Journal, *numbers: int) -> None:
    async def at_once() -> None:
        await asyncio.gather(*(journal.keep(record(number)) for number in numbers))

    asyncio.run(at_once())


def ids(lake: Lake) -> list[str]:
    table = pa.table(lake.table("audit/reads").to_pyarrow_table())
    return sorted(table["read_id"].to_pylist(), key=int)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")


def test_a_record_is_the_same_when_it_is_read_back() -> None:
    full = record(1, reason='é\n"', columns=("a", "b"))
    assert ReadRecord.from_line(full.to_line()) == full
    assert full.to_line().count(b"\n") == 1


def test_records_come_into_the_table_once(lake: Lake, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    keep(journal, *range(100))
    assert bring_in(lake, tmp_path / "j") == 0  # its process writes it
    journal.close_file()
    keep(journal, 100)
    assert bring_in(lake, tmp_path / "j") == 100
    journal.close_file()
    assert bring_in(lake, tmp_path / "j") == 1
    assert bring_in(lake, tmp_path / "j") == 0
    assert ids(lake) == [str(number) for number in range(101)]
    assert not list((tmp_path / "j").iterdir())


def test_killed_between_commit_and_removal_nothing_comes_twice(lake: Lake, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    keep(journal, 1, 2)
    journal.close_file()
    (path,) = (tmp_path / "j").iterdir()
    append(lake, "reads", to_arrow(records_of(path), path.stem), once=f"reads/{path.stem}")
    assert path.exists()
    bring_in(lake, tmp_path / "j")
    assert ids(lake) == ["1", "2"]
    assert not path.exists()


def test_a_line_that_was_cut_off_is_no_record(lake: Lake, tmp_path: Path) -> None:
    """It was not on disk, so its request was not answered."""
    (tmp_path / "j").mkdir()
    (tmp_path / "j" / "a.jsonl").write_bytes(record(1).to_line() + record(2).to_line()[:-9])
    assert bring_in(lake, tmp_path / "j") == 1


def test_a_damaged_journal_is_kept_and_named_and_keeps_no_other_back(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "j").mkdir()
    (tmp_path / "j" / "a.jsonl").write_bytes(record(1).to_line() + b"{}\n" + record(2).to_line())
    (tmp_path / "j" / "b.jsonl").write_bytes(record(3).to_line())
    with pytest.raises(JournalDamaged, match=r"^a.jsonl in "):
        bring_in(lake, tmp_path / "j")
    assert ids(lake) == ["3"]
    assert [path.name for path in (tmp_path / "j").iterdir()] == ["a.jsonl"]


KILLED = """
import asyncio, sys
from pathlib import Path
from include.audit.reads import Journal
from tests.unit.audit.test_reads import record

async def main():
    journal = Journal(Path(sys.argv[1]))
    async def one(number):
        await journal.keep(record(number))
        print(number, flush=True)
    for begin in range(0, 10**6, 50):
        await asyncio.gather(*map(one, range(begin, begin + 50)))

asyncio.run(main())
"""


def test_sigkill_loses_none_that_was_answered(lake: Lake, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "j")]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ, cwd=REPOSITORY)
    assert process.stdout is not None
    answered = [process.stdout.readline().strip() for _ in range(1000)]
    process.send_signal(signal.SIGKILL)
    answered += process.stdout.read().split("\n")[:-1]
    process.wait()
    bring_in(lake, tmp_path / "j")
    assert {*answered} <= {*ids(lake)}
    assert len(ids(lake)) == len({*ids(lake)})


def test_a_full_disk_answers_nobody_and_spoils_no_record(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "j")
    keep(journal, 1)

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(journals.os, "fdatasync", full)
        with pytest.raises(JournalFull):
            keep(journal, 2)
    keep(journal, 3)
    journal.close_file()
    bring_in(lake, tmp_path / "j")
    assert ids(lake) == ["1", "3"]


def test_a_new_journal_that_another_server_took_away_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its creation and its lock, another server may see an ended file, and remove it."""
    taken: list[Path] = []
    locked = journals._is_locked

    def slow(file: IO[bytes]) -> bool:
        if not taken:
            taken.extend((tmp_path / "j").iterdir())
            taken[0].unlink()
        return locked(file)

    monkeypatch.setattr(journals, "_is_locked", slow)
    keep(Journal(tmp_path / "j"), 1)
    (path,) = (tmp_path / "j").iterdir()
    assert path not in taken
    assert [found.read_id for found in records_of(path)] == ["1"]


def test_who_read_what_of_a_table(lake: Lake, tmp_path: Path) -> None:
    made = [
        record(1), record(2, columns=("full_name", "sex"), rows=20), record(3, columns=("sex",)),
        record(4, verdict="refused", status=403, rows=None, columns=None), record(5, action="version", columns=None),
        record(6, recipient="moh", agreement="health"), record(7, table="household"),
    ]  # fmt: skip
    append(lake, "reads", to_arrow(made, "b"))
    day, next_day = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    every = product_reads(lake, since=day, until=next_day)
    assert [(r.table, r.recipient, r.agreement, r.reads, r.refused, r.rows, r.columns) for r in every] == [
        ("citizen", "moh", "health", 1, 0, 10, ("full_name",)),
        ("citizen", "nso", "census", 3, 1, 20, ("full_name", "sex")),
        ("household", "nso", "census", 1, 0, 10, ("full_name",)),
    ]
    named = product_reads(lake, since=day, until=next_day, beside=["full_name"])
    assert [(r.table, r.recipient, r.reads, r.refused) for r in named] == [("citizen", "nso", 2, 1)]
    assert product_reads(lake, since=next_day, until=datetime(2027, 1, 1, tzinfo=UTC)) == ()
    assert product_reads(Lake(str(tmp_path / "none"), (), tmp_path), since=day, until=next_day) == ()
