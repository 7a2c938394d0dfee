"""Five million rows from PostgreSQL to a published table: Liên Thông against the usual pandas stack.

Both read the same table (9 columns) from the same server in turn, hold it to the same ten rules and write Parquet.
The usual stack: `pandas.read_sql` in chunks, Great Expectations on the frame, `drop_duplicates`, `to_parquet`. Each
runs in a process of its own, so that peak memory is its own. Figures are medians over `--rounds`; compare the ratios.

    python -m benchmarks.sync_against_pandas [--rows 5000000] [--rounds 1] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
TABLE = "payments"
CONTRACT = r"""
apiVersion: v3.2.0
kind: DataContract
id: bench
version: 1.0.0
status: active
servers: [{server: bench, type: custom}]
schema:
  - name: payments
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - name: person_id
        logicalType: string
        required: true
        logicalTypeOptions: {pattern: '^[0-9]{12}$'}
      - name: full_name
        logicalType: string
        required: true
      - name: sex
        logicalType: string
        enum: [{value: 'M'}, {value: 'F'}]
      - {name: ward_code, logicalType: string, logicalTypeOptions: {minLength: 5, maxLength: 5}}
      - {name: paid_on, logicalType: date, required: true}
      - {name: amount_vnd, logicalType: integer, logicalTypeOptions: {minimum: 0}}
      - {name: note, logicalType: string}
      - {name: updated_at, logicalType: timestamp, required: true}
    quality:
      - id: paid-before-update
        type: sql
        query: SELECT COUNT(*) FROM {object} WHERE paid_on > CAST(updated_at AS DATE)
        mustBe: 0
    customProperties:
      - {property: extract, value: {cursor: [updated_at]}}
"""
FILL = """
CREATE TABLE payments AS
SELECT g AS id,
       lpad((g::bigint * 7919 % 1000000000000)::text, 12, '0') AS person_id,
       'Nguyen Van ' || (g % 100000) AS full_name,
       CASE WHEN g % 2 = 0 THEN 'M' ELSE 'F' END AS sex,
       lpad((g % 32000)::text, 5, '0') AS ward_code,
       DATE '2020-01-01' + (g % 1500)::int AS paid_on,
       (g::bigint * 13 % 50000000)::bigint AS amount_vnd,
       'payment ' || (g % 977) AS note,
       TIMESTAMP '2025-01-01' + (g % 86400) * INTERVAL '1 second' AS updated_at
FROM generate_series(1, {rows}) AS g
"""


def ours(uri: str, folder: Path) -> dict[str, float]:
    """Extract to commit with our pipeline; returns seconds of the extract alone and of all."""
    from include.lake.root import Lake
    from include.pipelines.sync import sync_registry
    from include.pipelines.workplace import Workplace
    from include.sources.landing import Extract

    schemas = folder / "schemas"
    (schemas / "registries").mkdir(parents=True)
    (schemas / "registries" / "bench.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    environ = {"LAKE_URI": str(folder / "lake"), "AIRFLOW_CONN_BENCH": uri, "LIENTHONG_TMP": str(folder / "tmp")}
    place = Workplace(Lake.from_environment(environ), schemas, environ)
    started = time.perf_counter()
    run = sync_registry("bench", run_id="20260101T000000Z-00000000", workplace=place)
    seconds = time.perf_counter() - started
    (facts,) = run["tables"]
    if facts["verdict"] != "published":
        raise SystemExit(f"our sync did not publish: {facts}")
    record = folder / "lake/landing/bench/payments/run=20260101T000000Z-00000000/_extract.json"
    extract = Extract.from_dict(json.loads(record.read_text(encoding="utf-8")))
    return {"rows": facts["accepted"], "extract": extract.seconds, "all": seconds}


def usual(uri: str, folder: Path) -> dict[str, float]:
    """The same with pandas and Great Expectations on the frame."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    import great_expectations.expectations as gxe
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq
    import sqlalchemy as sa

    engine = sa.create_engine(uri.replace("postgresql://", "postgresql+psycopg://", 1))
    started = time.perf_counter()
    raw = folder / "raw.parquet"
    writer = None
    with engine.connect().execution_options(stream_results=True) as connection:
        for chunk in pd.read_sql(sa.text(f"SELECT * FROM {TABLE}"), connection, chunksize=100_000):
            arrow = pa.Table.from_pandas(chunk, preserve_index=False)
            writer = writer or pq.ParquetWriter(raw, arrow.schema, compression="zstd")
            writer.write_table(arrow.cast(writer.schema))
    assert writer is not None
    writer.close()
    extracted = time.perf_counter() - started

    frame = pd.read_parquet(raw)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = (
        context.data_sources.add_pandas("pandas")
        .add_dataframe_asset("payments")
        .add_batch_definition_whole_dataframe("all")
    )
    suite = gx.ExpectationSuite("payments")
    for column in ("id", "person_id", "full_name", "paid_on", "updated_at"):
        suite.add_expectation(gxe.ExpectColumnValuesToNotBeNull(column=column))
    suite.add_expectation(gxe.ExpectColumnValuesToMatchRegex(column="person_id", regex="^[0-9]{12}$"))
    suite.add_expectation(gxe.ExpectColumnValuesToBeInSet(column="sex", value_set=["M", "F"]))
    suite.add_expectation(gxe.ExpectColumnValueLengthsToEqual(column="ward_code", value=5))
    suite.add_expectation(gxe.ExpectColumnValuesToBeBetween(column="amount_vnd", min_value=0))
    frame["_paid_at"] = pd.to_datetime(frame["paid_on"])
    suite.add_expectation(
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="updated_at", column_B="_paid_at", or_equal=True)
    )
    result = batch.get_batch({"dataframe": frame}).validate(suite)
    if not result.success:
        raise SystemExit("the usual stack found faults where there are none")
    kept = frame.drop(columns="_paid_at").sort_values("updated_at").drop_duplicates("id", keep="last")
    kept.to_parquet(folder / "published.parquet", compression="zstd", index=False)
    return {"rows": len(kept), "extract": extracted, "all": time.perf_counter() - started}


WAYS = {"lienthong": ours, "pandas": usual}


def in_own_process(way: str, uri: str) -> dict[str, float]:
    """Run one way in a process of its own; adds its peak memory in MiB."""
    with tempfile.TemporaryDirectory(dir=REPOSITORY / "var") as folder:
        command = [
            sys.executable,
            "-m",
            "benchmarks.sync_against_pandas",
            "--way",
            way,
            "--uri",
            uri,
            "--folder",
            folder,
        ]
        done = subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def compare(rows: int, rounds: int) -> dict[str, dict[str, float]]:
    """Fill an embedded PostgreSQL, let both ways run in turn, and take medians."""
    import psycopg

    from include.embedded.postgres import start_postgres, stop_postgres, uri
    from include.embedded.site import Site

    figures: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(dir=REPOSITORY / "var") as folder:
        site = Site.at(Path(folder))
        start_postgres(site, "bench")
        try:
            with psycopg.connect(uri(site, "bench"), autocommit=True) as connection:
                print(f"filling {TABLE} with {rows:,} rows ...", file=sys.stderr)
                connection.execute(FILL.format(rows=rows))
                connection.execute(f"VACUUM ANALYZE {TABLE}")
            for turn in range(rounds):
                for way in WAYS:
                    print(f"round {turn + 1} of {rounds}: {way} ...", file=sys.stderr)
                    figures[way].append(in_own_process(way, uri(site, "bench")))
        finally:
            stop_postgres(site)
    return {way: {name: statistics.median(f[name] for f in runs) for name in runs[0]} for way, runs in figures.items()}


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--uri", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        figures = WAYS[given.way](given.uri, given.folder)
        figures["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(figures))
        return
    (REPOSITORY / "var").mkdir(exist_ok=True)
    figures_of = compare(given.rows, given.rounds)
    mine, theirs = figures_of["lienthong"], figures_of["pandas"]
    print(f"{given.rows:,} rows x 9 columns, 10 rules, PostgreSQL on this machine, medians of {given.rounds}")
    print(f"{'':22}{'Liên Thông':>12}{'pandas':>12}{'ratio':>9}")
    for name, label in (
        ("extract", "extract, seconds"),
        ("all", "whole sync, seconds"),
        ("peak_mib", "peak memory, MiB"),
    ):
        print(f"{label:22}{mine[name]:>12,.1f}{theirs[name]:>12,.1f}{theirs[name] / mine[name]:>8.1f}x")
    if given.json:
        given.json.write_text(json.dumps(figures_of, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
