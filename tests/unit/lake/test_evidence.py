"""Runs and checks: one record each, once, from many processes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from include.lake import evidence
from include.lake.root import Lake
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
    assert evidence.read(lake, "runs").num_rows == 0
    assert evidence.read(lake, "checks").schema.equals(evidence.CHECKS)


def test_a_verdict_of_a_run_is_recorded_once_and_failures_each_time(lake):
    assert evidence.append_run(lake, FACTS)
    assert not evidence.append_run(lake, FACTS)
    assert evidence.append_run(lake, {**FACTS, "verdict": "published", "started_at": START})
    for _ in range(2):
        assert evidence.append_run(lake, {**FACTS, "verdict": "failed", "error": "the source is down"})
    rows = evidence.read(lake, "runs").to_pylist()
    assert sorted(r["verdict"] for r in rows) == ["failed", "failed", "held", "published"]
    held = next(r for r in rows if r["verdict"] == "held")
    assert json.loads(held["findings"]) == FACTS["findings"]
    assert (held["extracted"], held["accepted"], held["started_at"]) == (4, None, START)


def test_checks_hold_both_counts(lake):
    arguments = {"registry": "population", "table": "citizen", "run_id": "r1", "at": START}
    counts = [Count(), Count(rule_id="other")]
    assert evidence.append_checks(lake, counts=counts, gx_counts={Count.rule_id: 2}, **arguments)
    assert not evidence.append_checks(lake, counts=counts, gx_counts={}, **arguments)
    rows = evidence.read(lake, "checks").to_pylist()
    assert [(r["rule_id"], r["violations"], r["gx_violations"], r["columns"]) for r in rows] == [
        ("population.citizen.age.required", 2, 2, ["age"]),
        ("other", 2, None, ["age"]),
    ]


def test_many_at_once_lose_nothing(lake):
    """The first appenders race to create the table, the others to commit; small files are joined on the way."""

    def record(number: int) -> bool:
        return evidence.append_run(lake, {**FACTS, "run_id": f"r{number % 40}"})

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(record, range(80)))
    assert sum(made) == 40
    assert sorted(evidence.read(lake, "runs")["run_id"].to_pylist()) == sorted(f"r{n}" for n in range(40))


def test_many_small_files_are_joined(lake):
    for number in range(70):
        evidence.append_run(lake, {**FACTS, "run_id": f"r{number}"})
    assert len(lake.table("audit/runs").file_uris()) < 64
    assert evidence.read(lake, "runs").num_rows == 70
