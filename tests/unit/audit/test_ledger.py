"""The ledger: what goes in comes out chained, whoever writes and however often."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from include.audit.ledger import entries
from include.audit.ledger.record import GENESIS, Record, RecordRefused
from include.lake.storage.lake import Lake
from tests.forking import Forked
from tests.repeats import repeats

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")


def run(number: int) -> Record:
    return Record("run", "population", {"run_id": f"r{number}", "accepted": number})


def test_an_empty_lake_has_an_empty_ledger(lake: Lake) -> None:
    assert entries.head(lake).sequence == 0
    assert entries.read(lake).num_rows == 0


def test_entries_are_numbered_and_carry_the_hash_of_the_one_before(lake: Lake) -> None:
    entries.append(lake, [run(1), run(2)], at=AT, actor="sync")
    entries.append(lake, [run(3)], at=AT, actor="sync")
    rows = entries.read(lake).to_pylist()
    assert [row["sequence"] for row in rows] == [1, 2, 3]
    assert [row["prev_hash"] for row in rows] == [GENESIS, rows[0]["hash"], rows[1]["hash"]]
    assert rows[2]["payload"] == '{"accepted":3,"run_id":"r3"}'
    assert str(entries.head(lake)) == f"3:{rows[2]['hash']}"


def test_anyone_can_repeat_the_hash_with_a_json_library(lake: Lake) -> None:
    hanoi = timezone(timedelta(hours=7))
    record = Record("agreement", "agreements/y-tế", {"sửa": ['"', "\n", 1.5]})
    (entry,) = entries.append(lake, [record], at=AT.astimezone(hanoi), actor="thủ thư")
    columns = entries.read(lake).to_pylist()[0]
    expected = columns.pop("hash")
    columns["at"] = "2026-03-01T08:30:00.000000Z"
    text = json.dumps(columns, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == expected == entry.hash


def test_a_retried_append_is_left_out(lake: Lake) -> None:
    once = Record("run", "land", {"run_id": "r1"}, once=("run/r1/land", 1))
    assert len(entries.append(lake, [once], at=AT, actor="sync")) == 1
    assert entries.append(lake, [once, once], at=AT, actor="sync") == ()
    assert entries.head(lake).sequence == 1
    assert entries.taken(lake)("run/r1/land") == 1


def test_a_state_is_recorded_when_it_changes(lake: Lake) -> None:
    def state(standing: str) -> Record:
        return Record("agreement", "agreements/x", {"standing": standing}, on_change=True)

    for standing in ("pending", "pending", "in_force", "in_force", "pending"):
        entries.append(lake, [state(standing)], at=AT, actor="share")
    payloads = entries.read(lake)["payload"].to_pylist()
    assert [json.loads(payload)["standing"] for payload in payloads] == ["pending", "in_force", "pending"]


def test_the_head_is_found_after_maintenance_by_somebody_else(lake: Lake) -> None:
    for number in range(3):
        entries.append(lake, [run(number)], at=AT, actor="sync")
    before = entries.head(lake)
    lake.table(entries.LEDGER).optimize.compact()
    assert entries.head(lake) == before
    (entry,) = entries.append(lake, [run(4)], at=AT, actor="sync")
    assert (entry.sequence, entry.prev_hash) == (4, before.hash)


def test_an_append_does_not_build_on_a_ledger_whose_end_was_cut_off(lake: Lake) -> None:
    entries.append(lake, [run(1), run(2)], at=AT, actor="sync")
    lake.table(entries.LEDGER).delete("sequence = 2")
    with pytest.raises(entries.LedgerDamaged, match="lienthong verify"):
        entries.append(lake, [run(3)], at=AT, actor="sync")


def test_a_record_says_who_when_and_what(lake: Lake) -> None:
    with pytest.raises(RecordRefused, match="unknown kind"):
        Record("rumour", "land")  # type: ignore[arg-type]
    with pytest.raises(RecordRefused, match="subject"):
        Record("run", "")
    with pytest.raises(RecordRefused, match="time zone"):
        entries.append(lake, [run(1)], at=AT.replace(tzinfo=None), actor="sync")
    with pytest.raises(RecordRefused, match="actor"):
        entries.append(lake, [run(1)], at=AT, actor="")


def append_many(uri: str, writer: int, count: int) -> None:
    # A scratch folder of its own: the writers do not queue for their turn, the commit alone decides.
    lake = Lake(uri, (), Path(uri).parent / f"tmp-{writer}")
    for number in range(count):
        entries.append(lake, [Record("run", f"writer-{writer}", {"number": number})], at=AT, actor=f"writer-{writer}")


def test_eight_processes_leave_one_chain_without_gap_or_fork(lake: Lake) -> None:
    each = repeats(10, 25)
    writers = [Forked(f"{__name__}:append_many", lake.uri, writer, each) for writer in range(8)]
    assert [process.wait(timeout=120) for process in writers] == [0] * 8
    rows = entries.read(lake).to_pylist()
    own_checkpoints = [row for row in rows if row["subject"] == entries.LEDGER]
    assert len(own_checkpoints) <= 8  # one for each checkpoint of the log, made with every 25th commit
    assert [row["sequence"] for row in rows] == list(range(1, 8 * each + 1 + len(own_checkpoints)))
    assert [row["prev_hash"] for row in rows] == [GENESIS, *(row["hash"] for row in rows[:-1])]
    for writer in range(8):
        own = [json.loads(row["payload"])["number"] for row in rows if row["subject"] == f"writer-{writer}"]
        assert own == list(range(each))
