"""Writers on a real S3 server leave one chain too: the store's conditional PUT decides who is next."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from include.audit.ledger import entries
from include.audit.ledger.record import Record
from include.audit.verification.verify_lake import verify
from include.lake.storage.lake import Lake
from tests.forking import Forked

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def append_many(uri: str, options: list[list[str]], scratch: str, writer: int) -> None:
    # A scratch folder each: they do not queue, they race.
    lake = Lake(uri, tuple((name, value) for name, value in options), Path(scratch) / str(writer))
    for number in range(8):
        entries.append(lake, [Record("run", f"w{writer}", {"n": number})], at=AT, actor=f"w{writer}")


def test_four_processes_leave_one_chain(lake: Lake, tmp_path: Path) -> None:
    order = (lake.uri, lake.options, str(tmp_path))
    writers = [Forked(f"{__name__}:append_many", *order, writer) for writer in range(4)]
    assert [process.wait(timeout=180) for process in writers] == [0] * 4
    found = verify(lake)
    assert found.ok, found.why
    assert found.records == 4 * 8 + 1  # one more vouches for the Delta checkpoint that the 25th commit made
