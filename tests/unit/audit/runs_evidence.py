"""A lake with nothing but evidence: runs and checks as the pipeline would record them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from include.contracts.model import Contract, Table
from include.contracts.reading.load import load_contracts
from include.lake.run_log import log_tables
from include.lake.run_log.run_row import RunRow
from include.lake.run_log.table_checks import append_table_checks
from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.reporting.report import ReportMade, report_step
from tests.once import once, shared_site

SCHEMAS = Path(__file__).parents[3] / "schemas"
NIGHT = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
"""01:30 in Hà Nội, half an hour after the population registry is scheduled."""


@dataclass(frozen=True)
class Count:
    rule_id: str
    metric: str
    scope: str
    severity: str
    dimension: str
    violations: int
    rows: int
    columns: tuple[str, ...]


def report_of_nothing() -> tuple[Lake, ReportMade, Path]:
    """The report of an empty lake by the contracts of the house, made once for all processes of the run: the lake,
    what was made, and the folder of its files.
    """

    def make() -> tuple[Lake, ReportMade, Path]:
        folder = shared_site("report-of-nothing").var
        lake = Lake(str(folder / "lake"), (), folder / "tmp")
        return lake, report_step(context=PipelineContext(lake, SCHEMAS, {}), folder=folder / "out"), folder / "out"

    return once("report-of-nothing", make)


def contracts(*registries: str) -> dict[str, Contract]:
    return {name: contract for name, contract in load_contracts(SCHEMAS).items() if name in registries}


def record_run(lake: Lake, table: Table, number: int = 0, *, verdict: str = "published", **facts: Any) -> str:
    """One run of the night `number`; returns its id."""
    run_id = facts.pop("run_id", f"night-{number:04}")
    figures = {"extracted": 1000, "accepted": 980, "rejected": 15, "superseded": 5, "deleted": 0, "retained": 0}
    log_tables.append_run(
        lake, RunRow.from_dict({
         "run_id": run_id, "registry": table.registry, "table": table.name, "verdict": verdict, "mode": "full",
         "live_rows": 980, "version": number, "contract_version": "1.0.0", "seconds": 12.5,
         "started_at": NIGHT + timedelta(days=number), **figures, **facts}))  # fmt: skip
    return run_id


def record_checks(
    lake: Lake, table: Table, run_id: str, number: int = 0, *, gx_more: int = 0, **violations: int
) -> None:
    """Every rule of the contract was counted; `violations` by the last part of the rule id, dashes as underscores.

    Great Expectations finds `gx_more` more of the violations given.
    """
    counts = [
        Count(r.rule_id, r.metric, r.scope, r.severity, r.dimension,
              violations.get(r.rule_id.rpartition(".")[2].replace("-", "_"), 1000 if r.metric == "rowCount" else 0),
              1000, r.columns)
        for r in table.rules
    ]  # fmt: skip
    second = {c.rule_id: c.violations + (gx_more if c.violations and c.metric != "rowCount" else 0) for c in counts}
    log_tables.append_checks(
        lake, registry=table.registry, table=table.name, run_id=run_id, at=NIGHT + timedelta(days=number),
        counts=counts, gx_counts=second,
    )  # fmt: skip
    record_standing(lake, table, run_id, number, counts=counts)


def record_standing(
    lake: Lake, table: Table, run_id: str, number: int = 0, *, counts: Sequence[Count], open_rows: int = 15
) -> None:
    """How the table stood after the run: 1,000 rows judged."""
    append_table_checks(
        lake, table, run_id=run_id, table_id="t", version=number, published_rows=1000 - open_rows,
        open_rows=open_rows, counts=counts, at=NIGHT + timedelta(days=number),
    )  # fmt: skip


def record_relationship(lake: Lake, table: Table, run_id: str, rule_id: str, orphans: int, rows: int, day: int) -> None:
    row = {
        "run_id": run_id, "registry": table.registry, "table": table.name, "rule_id": rule_id,
        "metric": "relationship", "scope": "row", "severity": "warning", "dimension": "consistency", "columns": [],
        "rows": rows, "violations": orphans, "at": NIGHT + timedelta(days=day),
    }  # fmt: skip
    log_tables.append(lake, "checks", pa.Table.from_pylist([row], log_tables.CHECKS))
