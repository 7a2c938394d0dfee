"""Our ways, and the floor under every extraction from PostgreSQL. Each returns its seconds and rows."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.payments import BY_CURSOR, CHANGE, TABLE, write_contract
from benchmarks.sources import psql
from include.lake.storage import Lake
from include.pipelines import PipelineContext, new_run_id
from include.pipelines.sync import extract_step, sync_registry


def floor(uri: str, folder: str) -> dict[str, Any]:
    """What the server takes to say all rows, to a client that does nothing with them."""
    del folder
    command = [psql(), uri, "-qc", f"COPY (SELECT * FROM {TABLE}) TO STDOUT (FORMAT binary)"]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return {"seconds": time.perf_counter() - started}


def extraction(uri: str, folder: str) -> dict[str, Any]:
    """A sync's first step: source to Parquet in the landing zone, with the rows' digest and the extract's record."""
    context = _place(uri, Path(folder))
    started = time.perf_counter()
    extracted = extract_step("bench", TABLE, new_run_id(context.now()), context=context)
    return {"seconds": time.perf_counter() - started, "rows": extracted.to_dict()["extracted"]}


def sync(uri: str, folder: str, *, is_full: bool = False, extract: str = BY_CURSOR) -> dict[str, Any]:
    """Source to published Delta table: extract, conform, split, Great Expectations, gate, commit, evidence."""
    context = _place(uri, Path(folder), extract)
    started = time.perf_counter()
    result = sync_registry("bench", run_id=new_run_id(context.now()), is_full=is_full, context=context)
    seconds = time.perf_counter() - started
    run = result.to_dict()
    (facts,) = run["tables"]
    if facts["verdict"] not in ("published", "unchanged"):
        raise SystemExit(f"our sync did not publish: {facts}")
    if facts["verdict"] == "unchanged":
        return {"seconds": seconds, "rows": 0, "changed": 0, "mode": "unchanged"}
    records = Path(folder).glob(f"lake/landing/bench/{TABLE}/run={run['run_id']}/_extract.json")
    landed = context.lake.read_text(str(next(records)))
    return {
        "seconds": seconds,
        "extract": json.loads(landed)["seconds"],
        "rows": facts["extracted"],
        "changed": facts["inserted"] + facts["updated"] + facts["deleted"],
        "mode": facts["mode"],
    }


def days(uri: str, folder: str, *, days: int) -> dict[str, Any]:
    """A sync of the last of so many days, on each of which a hundredth of the rows changed; the median of them."""
    turns = []
    for _ in range(days):
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(CHANGE.format(share=0.01))
        turns.append(sync(uri, folder))
    return {**turns[-1], "seconds": statistics.median(turn["seconds"] for turn in turns)}


def _place(uri: str, folder: Path, extract: str = BY_CURSOR) -> PipelineContext:
    switch = os.environ.get("LIENTHONG_PATCH_FILES", "")
    environ = {"AIRFLOW_CONN_BENCH": uri, "LIENTHONG_TMP": str(folder / "tmp"), "LIENTHONG_PATCH_FILES": switch}
    return PipelineContext(
        Lake.from_environment({**environ, "LAKE_URI": str(folder / "lake")}), write_contract(folder, extract), environ
    )
