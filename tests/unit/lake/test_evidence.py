"""Runs and checks: one record each, once, from many processes."""

from __future__ import annotations

import json
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from include.lake.delta.maintenance import maintain_table
from include.lake.run_log import log_tables
from include.lake.run_log.run_row import RunRow
from include.lake.storage.lake import Lake
from tests.unit.lake.staging import START

FACTS = {
    "run_id": "r1",
    "registry": "population",
    "table": "citizen",
    "verdict": "held",
    "extracted": 4,
    "findings": [{"what": "rejectedPercent", "measured": 25.0}],
    "started_at": START.isoformat(),
    "seconds": 1.5,
    "held": True,
}


@dataclass(frozen=True)
class Count:
    rule_id: str = "population.citizen.age.required"
    metric: str = "required"
    scope: str = "row"
    severity: str = "error"
    dimension: str = "completeness"
    violations: int = 2
    rows: int = 4
    columns: tuple[str, ...] = ("age",)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def test_before_any_run_there_is_nothing_to_read(lake):
    assert log_tables.read(lake, "runs").num_rows == 0
    assert log_tables.read(lake, "checks").schema.equals(log_tables.CHECKS)


def test_a_verdict_of_a_run_is_recorded_once_and_failures_each_time(lake):
    assert log_tables.append_run(lake, RunRow.from_dict(FACTS))
    assert not log_tables.append_run(lake, RunRow.from_dict(FACTS))
    assert log_tables.append_run(lake, RunRow.from_dict({**FACTS, "verdict": "published", "started_at": START}))
    for _ in range(2):
        assert log_tables.append_run(
            lake, RunRow.from_dict({**FACTS, "verdict": "failed", "error": "the source is down"})
        )
    rows = log_tables.read(lake, "runs").to_pylist()
    assert sorted(r["verdict"] for r in rows) == ["failed", "failed", "held", "published"]
    held = next(r for r in rows if r["verdict"] == "held")
    assert json.loads(held["findings"]) == FACTS["findings"]
    assert (held["extracted"], held["accepted"], held["started_at"]) == (4, None, START)


def test_checks_hold_both_counts(lake):
    arguments = {"registry": "population", "table": "citizen", "run_id": "r1", "at": START}
    counts = [Count(), Count(rule_id="other")]
    assert log_tables.append_checks(lake, counts=counts, gx_counts={Count.rule_id: 2}, **arguments)
    assert not log_tables.append_checks(lake, counts=counts, gx_counts={}, **arguments)
    rows = log_tables.read(lake, "checks").to_pylist()
    assert [(r["rule_id"], r["violations"], r["gx_violations"], r["columns"]) for r in rows] == [
        ("population.citizen.age.required", 2, 2, ["age"]),
        ("other", 2, None, ["age"]),
    ]


def test_many_at_once_lose_nothing(lake):
    """The first appenders race to create the table, the others to commit; small files are joined on the way."""

    def record(number: int) -> bool:
        return log_tables.append_run(lake, RunRow.from_dict({**FACTS, "run_id": f"r{number % 40}"}))

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(record, range(80)))
    assert sum(made) == 40
    assert sorted(log_tables.read(lake, "runs")["run_id"].to_pylist()) == sorted(f"r{n}" for n in range(40))


def test_many_small_files_are_joined(lake):
    for number in range(70):
        log_tables.append_run(lake, RunRow.from_dict({**FACTS, "run_id": f"r{number}"}))
    assert len(lake.table("audit/runs").file_uris()) < 64
    assert log_tables.read(lake, "runs").num_rows == 70


def in_folder(lake: Lake, pattern: str) -> set[str]:
    return {path.name for path in Path(lake.audit_table("runs")).glob(pattern)}


def age(lake: Lake, days: float) -> None:
    """Make everything that lies in the table's folder look as old as that."""
    at = time.time() - days * 86_400
    for path in Path(lake.audit_table("runs")).rglob("*.*"):
        os.utime(path, (at, at))


def test_years_of_runs_leave_the_log_of_a_month(lake):
    """Of the log goes what a checkpoint holds that is older: there is one at version 100."""
    for number in range(130):
        assert log_tables.append_run(lake, RunRow.from_dict({**FACTS, "run_id": f"r{number}"}))
        if number == 110:
            age(lake, 40)
    maintain_table(lake, "audit/runs")
    kept = in_folder(lake, "_delta_log/*.json")
    assert len(kept) < 40
    assert f"{0:020d}.json" not in kept
    assert set(log_tables.read(lake, "runs")["run_id"].to_pylist()) == {f"r{n}" for n in range(130)}
    assert not log_tables.append_run(lake, RunRow.from_dict({**FACTS, "run_id": "r0"})), (
        "what fell out of the log is still known"
    )


def test_a_lake_of_before_whose_log_was_kept_for_ever_is_set_right(lake):
    log_tables.append_run(lake, RunRow.from_dict(FACTS))
    lake.table(lake.audit_table("runs")).alter.set_table_properties({"delta.enableExpiredLogCleanup": "false"})
    maintain_table(lake, "audit/runs")
    assert lake.table(lake.audit_table("runs")).metadata().configuration["delta.enableExpiredLogCleanup"] == "true"
    version = maintain_table(lake, "audit/runs").version
    assert maintain_table(lake, "audit/runs").version == version, "and is then left alone"


def test_what_was_joined_is_not_written_again_and_again(lake, monkeypatch):
    """Else every 64th append writes all that was ever recorded."""
    monkeypatch.setattr(log_tables, "_COMPACT_AT", 8)
    monkeypatch.setattr(log_tables, "_COMPACT_BYTES", 80_000)
    texts = random.Random(7)
    for number in range(64):
        log_tables.append_run(
            lake, RunRow.from_dict({**FACTS, "run_id": f"r{number}", "why": texts.randbytes(5000).hex()})
        )
    written = [path.stat().st_size for path in Path(lake.audit_table("runs")).glob("*.parquet")]
    live = [Path(uri).stat().st_size for uri in lake.table("audit/runs").file_uris()]
    assert sum(written) < 6 * sum(live)
    assert len(live) < 20
