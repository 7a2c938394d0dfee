"""The split of one extract by DuckDB on all cores, and on Spark clusters of one and two workers of one core each.

Prints the seconds of each way in one run, and how many times DuckDB's that is. Needs requirements-spark.txt and Java. A
cluster is begun before its time is taken.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import duckdb

from benchmarks.payments import ROWS, write_contract
from benchmarks.running import VAR
from include.cluster import Spark, held_session, session
from include.contracts.model import Table
from include.contracts.reading import load_contract
from include.lake.storage import Lake, literal
from include.quality.split import SplitResult, conform_and_split


def main() -> None:
    """Take the time of every way, and see that all come to the same."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="default: 5,000,000")
    rows = parser.parse_args().rows
    VAR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VAR, prefix="spark-") as name:
        folder = Path(name)
        table = load_contract(write_contract(folder) / "registries" / "bench.odcs.yaml").tables[0]
        extract = str(folder / "extract.parquet")
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({ROWS.format(rows=rows)}) TO {literal(extract)} (FORMAT parquet)")
        ways = {"DuckDB": None, "Spark, 1 worker": 1, "Spark, 2 workers": 2}
        seconds, outcomes = dict[str, float](), set[tuple[int, ...]]()
        for way, workers in ways.items():
            with held_session():
                where = Spark(f"local-cluster[{workers},1,1024]") if workers else None
                seconds[way], split = _timed(table, extract, folder, where, run_id=f"run-{workers}")
            outcomes.add((split.accepted, split.rejected, split.superseded))
            print(f"{way:<18} {seconds[way]:8.1f} s  {seconds[way] / seconds['DuckDB']:5.2f}", flush=True)
        if len(outcomes) > 1:
            raise SystemExit("the engines disagree")


def _timed(table: Table, extract: str, folder: Path, where: Spark | None, *, run_id: str) -> tuple[float, SplitResult]:
    lake = Lake(str(folder / "lake"), scratch=folder / "tmp")
    if where is not None:
        with session(where, doing="beginning") as spark:
            spark.range(0, 8, 1, 8).mapInArrow(lambda batches: batches, "id long").count()
    started = time.perf_counter()
    split = conform_and_split(table, extract, lake=lake, run_id=run_id, schemas_dir=folder / "schemas", spark=where)
    return time.perf_counter() - started, split


if __name__ == "__main__":
    main()
