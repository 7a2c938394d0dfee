"""Split, first load and difference of one table by DuckDB on all cores, and on Spark clusters of one and two workers.

Each worker has one core and gives its executor 1 GiB. Prints the seconds of each way in one run, and how many times
DuckDB's that is: to split an extract, to publish it as a new table, and to find what a second extract of it changes, in
which one row of a hundred is another and one of a thousand is gone; then the bytes that went through Spark's shuffle
and the most memory that one executor had. Of several sizes it fits, for each step, seconds = fixed + rows x (driver +
cluster / workers), and says what that makes of a table and workers that this machine does not have.

Needs requirements-spark.txt and Java. A cluster is begun before its time is taken.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import numpy as np

from benchmarks.executors import Memory, event_log, shuffled_bytes
from benchmarks.payments import ROWS, write_contract
from benchmarks.running import VAR
from include.cluster import Spark, held_session, session
from include.contracts.model import Table
from include.contracts.reading import load_contract
from include.lake.publishing import publish
from include.lake.storage import Lake, literal
from include.lake.upsert import preview
from include.quality.split import SplitResult, conform_and_split

Seconds = dict[str, float]
FORETOLD_ROWS, FORETOLD_WORKERS = 5_000_000_000, (10, 100)
# So that workers write a table as small as this one: it is several files then.
_SMALL_FILES = patch("include.lake.upsert.workers.FILE_BYTES", 16 * 1024**2)
_CHANGED = "SELECT * REPLACE (CASE WHEN id % 100 = 1 THEN amount_vnd + 1 ELSE amount_vnd END AS amount_vnd)"


def main() -> None:
    """Take the time of every way, and see that all come to the same."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000_000], help="sizes; default: 5,000,000")
    sizes = parser.parse_args().rows
    taken: dict[tuple[int, int], Seconds] = {}
    VAR.mkdir(parents=True, exist_ok=True)
    with event_log() as log:
        for rows in sizes:
            print(f"{rows:,} rows", flush=True)
            for workers, seconds in _ways(rows, log):
                taken[rows, workers] = seconds
    if len(sizes) > 1:
        _print_model(taken)


def _ways(rows: int, log: Path) -> Iterator[tuple[int, Seconds]]:
    """Workers (0: DuckDB) and the seconds of each step, of every way."""
    with tempfile.TemporaryDirectory(dir=VAR, prefix="spark-") as name, _SMALL_FILES:
        folder = Path(name)
        table = load_contract(write_contract(folder) / "registries" / "bench.odcs.yaml").tables[0]
        first, second = (str(folder / f"extract-{day}.parquet") for day in (1, 2))
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({ROWS.format(rows=rows)}) TO {literal(first)} (FORMAT parquet)")
            changed = f"{_CHANGED} FROM {literal(first)} WHERE id % 1000 <> 7"
            connection.execute(f"COPY ({changed}) TO {literal(second)} (FORMAT parquet)")
        base: Seconds = {}
        outcomes = set[tuple[int, ...]]()
        for workers in (0, 1, 2):
            where = Spark(f"local-cluster[{workers},1,1024]") if workers else None
            with Memory() as memory, held_session():
                began, (seconds, outcome) = time.time(), _timed(table, first, second, folder, where, workers)
                ended = time.time()
            outcomes.add(outcome)
            base = base or seconds
            told = [f"{step} {s:6.1f} s {s / base[step]:5.2f}" for step, s in seconds.items()]
            if workers:
                told += [f"shuffle {shuffled_bytes(log, began, ended) / 1024**2:,.0f} MiB"]
                told += [f"an executor {memory.peak_mib:,.0f} MiB"]
            print(f"{f'Spark, {workers} workers' if workers else 'DuckDB':<16}", "   ".join(told), flush=True)
            yield workers, seconds
            shutil.rmtree(folder / f"lake-{workers}")
        if len(outcomes) > 1:
            raise SystemExit("the engines disagree")


def _print_model(taken: Mapping[tuple[int, int], Seconds]) -> None:
    """By step, of DuckDB and of clusters: the factors that come nearest, and what they foretell."""
    print(f"fitted; {FORETOLD_ROWS:,} rows foretold:")
    for step in next(iter(taken.values())):
        of_cluster = [(rows, workers, s[step]) for (rows, workers), s in taken.items() if workers]
        fixed, driver, cluster = _fitted([(1.0, rows, rows / workers) for rows, workers, _ in of_cluster], of_cluster)
        alone = [(rows, workers, s[step]) for (rows, workers), s in taken.items() if not workers]
        (each,) = _fitted([(rows,) for rows, _, _ in alone], alone)
        errors = [abs((fixed + rows * (driver + cluster / n)) / s - 1) for rows, n, s in of_cluster]
        hours = [(fixed + FORETOLD_ROWS * (driver + cluster / n)) / 3600 for n in FORETOLD_WORKERS]
        foretold = "  ".join(f"{n} workers {h:.1f} h" for n, h in zip(FORETOLD_WORKERS, hours, strict=True))
        print(
            f"{step}: {fixed:.1f} s, a million rows {driver * 1e6:.2f} s of the driver and {cluster * 1e6:.2f} s of "
            f"workers (within {max(errors):.0%}); DuckDB {each * 1e6:.2f} s; "
            f"{foretold}; DuckDB, two cores {each * FORETOLD_ROWS / 3600:.1f} h"
        )


def _fitted(terms: Sequence[tuple[float, ...]], taken: Sequence[tuple[int, int, float]]) -> list[float]:
    """Factors of the terms, none below zero, that come nearest to the seconds (each error in parts of its seconds)."""
    relative = np.array(terms) / np.array([[s] for _, _, s in taken])
    kept = list(range(relative.shape[1]))
    while True:
        found, *_ = np.linalg.lstsq(relative[:, kept], np.ones(len(taken)))
        if (found >= 0).all():
            return [float(found[kept.index(n)]) if n in kept else 0.0 for n in range(relative.shape[1])]
        kept.pop(int(found.argmin()))


def _timed(
    table: Table, first: str, second: str, folder: Path, where: Spark | None, workers: int
) -> tuple[Seconds, tuple[int, ...]]:
    """Seconds by step, and counts of what came of it."""
    lake = Lake(str(folder / f"lake-{workers}"), scratch=folder / "tmp")
    seconds: Seconds = {}

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
