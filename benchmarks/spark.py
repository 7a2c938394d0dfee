"""Split, first load and difference of one table by DuckDB on all cores, and on Spark clusters of one and two workers.

Each worker has one core. Prints the seconds of each way in one run, and how many times DuckDB's that is: to split an
extract, to publish it as a new table, and to find what a second extract of it changes, in which one row of a hundred is
another and one of a thousand is gone. Needs requirements-spark.txt and Java. A cluster is begun before its time is
taken.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

from benchmarks.payments import ROWS, write_contract
from benchmarks.running import VAR
from include.cluster import Spark, held_session, session
from include.contracts.model import Table
from include.contracts.reading import load_contract
from include.lake.publishing import publish
from include.lake.storage import Lake, literal
from include.lake.upsert import preview
from include.quality.split import SplitResult, conform_and_split

# So that workers write a table as small as this one: it is several files then.
_SMALL_FILES = patch("include.lake.upsert.workers.FILE_BYTES", 16 * 1024**2)
_CHANGED = "SELECT * REPLACE (CASE WHEN id % 100 = 1 THEN amount_vnd + 1 ELSE amount_vnd END AS amount_vnd)"


def main() -> None:
    """Take the time of every way, and see that all come to the same."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="default: 5,000,000")
    rows = parser.parse_args().rows
    VAR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VAR, prefix="spark-") as name, _SMALL_FILES:
        folder = Path(name)
        table = load_contract(write_contract(folder) / "registries" / "bench.odcs.yaml").tables[0]
        first, second = (str(folder / f"extract-{day}.parquet") for day in (1, 2))
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({ROWS.format(rows=rows)}) TO {literal(first)} (FORMAT parquet)")
            changed = f"{_CHANGED} FROM {literal(first)} WHERE id % 1000 <> 7"
            connection.execute(f"COPY ({changed}) TO {literal(second)} (FORMAT parquet)")
        ways = {"DuckDB": None, "Spark, 1 worker": 1, "Spark, 2 workers": 2}
        taken, outcomes = dict[str, dict[str, float]](), set[tuple[int, ...]]()
        for way, number in ways.items():
            with held_session():
                where = Spark(f"local-cluster[{number},1,1024]") if number else None
                taken[way], outcome = _timed(table, first, second, folder, where, name=f"lake-{number}")
            outcomes.add(outcome)
            times = (f"{step} {s:6.1f} s {s / taken['DuckDB'][step]:5.2f}" for step, s in taken[way].items())
            print(f"{way:<18}", "   ".join(times), flush=True)
        if len(outcomes) > 1:
            raise SystemExit("the engines disagree")


def _timed(
    table: Table, first: str, second: str, folder: Path, where: Spark | None, *, name: str
) -> tuple[dict[str, float], tuple[int, ...]]:
    """Seconds by step, and counts of what came of it."""
    lake = Lake(str(folder / name), scratch=folder / "tmp")
    seconds: dict[str, float] = {}

    def timed(step: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = work()
        seconds[step] = time.perf_counter() - started
        return result

    def split(extract: str, run_id: str) -> SplitResult:
        return conform_and_split(table, extract, lake=lake, run_id=run_id, schemas_dir=folder / "schemas", spark=where)

    if where is not None:
        with session(where, doing="beginning") as spark:
            spark.range(0, 8, 1, 8).mapInArrow(lambda batches: batches, "id long").count()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    one = timed("split", lambda: split(first, "run-1"))
    done = timed(
        "first load",
        lambda: publish(lake, table, run_id="run-1", at=at, staged=one.staged, metadata={}, spark=where),
    )
    two = split(second, "run-2")
    changes = timed("difference", lambda: preview(lake, table, two.staged, spark=where))
    counts = (done.inserted, changes.inserted, changes.updated, changes.deleted, changes.live_after)
    return seconds, (one.accepted, one.rejected, one.superseded, *counts)


if __name__ == "__main__":
    main()
