"""Reads of recipients and runs of linking as a collector hears of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.audit.reads.journal import Journal, records_of
from include.audit.reads.record import ReadRecord
from include.telemetry import exported_at_the_end, record_linking, steps
from tests.collector import Collector, collecting


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(steps, "_sdk", None)
    with collecting() as collector:
        for name, value in collector.variables.items():
            monkeypatch.setenv(name, value)
        yield collector
    monkeypatch.setattr(steps, "_sdk", None)


def read(number: int, **said: object) -> ReadRecord:
    what = {
        "action": "query",
        "verdict": "offered",
        "status": 200,
        "registry": "population",
        "table": "citizen",
        **said,
    }
    return ReadRecord(
        read_id=f"r{number}", at=datetime.now(UTC), address="10.0.0.7", recipient="nso", token_id="t1",
        reason="for Nguyễn Văn A", **what,
    )  # type: ignore[arg-type]  # fmt: skip


def test_every_read_on_record_is_told_once_and_nothing_of_who_read(collector: Collector, tmp_path: Path) -> None:
    journal = Journal(tmp_path)

    async def requests() -> None:
        with exported_at_the_end():  # as a server does for as long as it runs
            for number in range(3):
                await journal.keep(read(number))
            await journal.keep(read(3, verdict="refused", status=401, registry=None, table=None, action="unknown"))
            assert not collector.metrics, "no request waits for a collector"

    asyncio.run(requests())
    assert len(records_of(next(tmp_path.iterdir()))) == 4
    assert collector.sums("lienthong.reads", "registry", "table", "action", "verdict") == {
        ("population", "citizen", "query", "offered"): 3,
        ("", "", "unknown", "refused"): 1,
    }
    for secret in ("nso", "10.0.0.7", "Nguyễn", 't1"'):
        assert secret.encode() not in collector.received


def test_a_linking_that_is_held_waits_at_its_gate(collector: Collector) -> None:
    of = {"registry": "people", "table": "index"}
    record_linking(**of, verdict="held", mode="full")
    record_linking(**of, verdict="published", mode="full")
    assert collector.points["lienthong.gates.waiting"] == [(of, 1), (of, 0)]
    assert collector.sums("lienthong.runs", "verdict") == {("held",): 1, ("published",): 1}
