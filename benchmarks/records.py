"""What the records of runs come to: `python -m benchmarks.records [--runs 1500] [--years 10]`.

Measures appends to `audit/runs`, `audit/checks` and the ledger, from an empty lake and from one as after `--years`
of 102 tables synced daily (its rows and the names of its appends are laid at once, then appends go on). Prints the
seconds of an append, and the files and bytes on disk before and after a maintenance a month later.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import pyarrow as pa
from deltalake import CommitProperties, Transaction, write_deltalake

from include.audit import ledger
from include.audit.ledger import Record
from include.lake import run_log
from include.lake.delta import LOG_KEPT, find_tables, maintain_table
from include.lake.run_log import RunRow
from include.lake.storage import Lake

TABLES, RULES = 102, 40
AT = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Count:
    """One rule's count."""

    rule_id: str
    metric: str = "required"
    scope: str = "row"
    severity: str = "error"
    dimension: str = "completeness"
    violations: int = 2
    rows: int = 40_000
    columns: tuple[str, ...] = ("age",)


def main() -> None:
    """Measure both lakes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.records", description=__doc__)
    parser.add_argument("--runs", type=int, default=1500)
    parser.add_argument("--years", type=int, default=10)
    given = parser.parse_args()
    for years in (0, given.years):
        with tempfile.TemporaryDirectory(prefix="records-") as name:
            lake = Lake.from_environment({"LAKE_URI": f"{name}/lake", "LIENTHONG_TMP": f"{name}/tmp"})
            print(f"After {years} years ({years * 365 * TABLES:,} runs), {given.runs:,} runs more:")
            if years:
                _lay(lake, years * 365 * TABLES)
            _append(lake, given.runs)
            _tell(lake, "then")
            _age(lake, days=31)  # by which a log is cleaned; data files go by what the log says, so `retention` is 0
            _append(lake, 110)  # past the next checkpoint, which is when old commits of a log go
            began = time.perf_counter()
            for table in find_tables(lake):
                maintain_table(lake, table, retention=timedelta(0))
            _tell(lake, f"a month later, maintained in {time.perf_counter() - began:.1f} s")


def _append(lake: Lake, runs: int) -> None:
    mark = time.time_ns()
    counts = [Count(f"population.citizen.column_{n}.required") for n in range(RULES)]
    ways: dict[str, Callable[[str], object]] = {
        "audit/runs": lambda run: run_log.append_run(lake, RunRow.from_dict(_facts(run))),
        "audit/checks": lambda run: run_log.append_checks(
            lake, registry="population", table="citizen", run_id=run, at=AT, counts=counts, gx_counts={}
        ),
        "audit/ledger": lambda run: ledger.append(
            lake,
            [Record("run", "registry/population/citizen", _facts(run), once=(f"run/{run}", 1))],
            at=AT,
            actor="bench",
        ),
    }
    seconds: dict[str, list[float]] = {table: [] for table in ways}
    for number in range(runs):
        for table, way in ways.items():
            began = time.perf_counter()
            way(f"{mark}-{number}")
            seconds[table].append(time.perf_counter() - began)
    for table, taken in seconds.items():
        print(
            f"  {table:13} an append takes {median(taken[:100]) * 1e3:5.0f} ms at first, "
            f"{median(taken[-100:]) * 1e3:5.0f} ms at last; longest {max(taken):.2f} s"
        )


def _lay(lake: Lake, runs: int) -> None:
    """Lay the rows and the append names of that many runs into `audit/runs` and `audit/checks`, and checkpoint them."""
    names = [f"old-{n:08d}" for n in range(runs)]
    runs_rows = _many(run_log.RUNS, names, _facts(""))
    one = dataclasses.asdict(Count("population.citizen.column_7.required"))
    checks = _many(run_log.CHECKS, [name for name in names for _ in range(RULES)], {**one, "columns": ["age"]})
    for name, rows, what in (("runs", runs_rows, "published"), ("checks", checks, "checks")):
        uri = lake.audit_table(name)
        lake.make_folder(uri)
        marks = [Transaction(f"{run}/population.citizen/{what}", 1) for run in names]
        noted = CommitProperties(app_transactions=marks)
        write_deltalake(uri, rows, configuration=LOG_KEPT, commit_properties=noted)
        lake.table(uri).create_checkpoint()


def _facts(run: str) -> dict[str, object]:
    return {
        "run_id": run, "registry": "population", "table": "citizen", "verdict": "published", "mode": "incremental",
        "extracted": 40_000, "accepted": 39_000, "rejected": 1_000, "superseded": 0, "deleted": 3, "retained": 5,
        "version": 7, "contract_digest": "0" * 64, "seconds": 3.5,
    }  # fmt: skip


def _many(schema: pa.Schema, run_ids: list[str], values: Mapping[str, object]) -> pa.Table:
    """A row for each run, alike but for its id."""

    def column(field: pa.Field) -> pa.Array:
        if field.name == "run_id":
            return pa.array(run_ids, field.type)
        return pa.repeat(pa.scalar(values.get(field.name), field.type), len(run_ids))

    return pa.table([column(field) for field in schema], schema=schema)


def _age(lake: Lake, *, days: float) -> None:
    at = time.time() - timedelta(days=days).total_seconds()
    for path in Path(lake.uri).rglob("*.*"):
        os.utime(path, (at, at))


def _tell(lake: Lake, when: str) -> None:
    print(f"  {when}:")
    for table in find_tables(lake):
        folder = Path(lake.path(table))
        data, log = ([p for p in folder.glob(pattern) if p.is_file()] for pattern in ("*.parquet", "_delta_log/*"))
        size = sum(path.stat().st_size for path in (*data, *log)) / 1e6
        print(f"    {table:13} {len(data):6,} data files, {len(log):6,} files of the log, {size:8.1f} MB")


if __name__ == "__main__":
    main()
