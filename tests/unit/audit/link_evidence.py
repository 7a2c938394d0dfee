"""A lake with nothing but the evidence of linking: runs as the pipeline would record them, an index, findings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from include.audit.report_data.linking import ComparisonLevels, Level, ModelFacts
from include.lake.people.index import upsert_people
from include.lake.people.tables import FINDINGS, INDEX
from include.lake.run_log.linking_log import LinkRunRow, append_link_run
from include.lake.storage.lake import Lake
from tests.unit.audit.runs_evidence import NIGHT

SECRET = "001099012345"
"""A personal id in the key of a record: it must not be told."""

MODEL = ModelFacts(
    name="person", version="2026.03.01", link_at=0.97, review_at=0.5, persons=3, is_of_last_run=True,
    trained_on="a <simulated> country", trained_at=NIGHT, seed=7, records=900, sampled=800, splink="5.0.0",
    comparisons=(
        ComparisonLevels("name", (Level("same name", 0.9, 0.0009, True), Level("other name", 0.05, 0.99, False))),
        ComparisonLevels("hair", (Level("same hair", None, 0.5, False), Level("other hair", 0.1, 0.5, False))),
    ),
)  # fmt: skip

_BANDS = [
    {"low": None, "high": 0.0, "is_linked": False, "pairs": 10, "expected": 0.5, "reviewed": 0, "same": 0,
     "rate": {"value": 0.05, "lower": 0.01, "upper": 0.3}, "basis": "model"},
    {"low": 20.0, "high": None, "is_linked": True, "pairs": 900, "expected": 899.9, "reviewed": 30, "same": 30,
     "rate": {"value": 1.0, "lower": 0.886, "upper": 1.0}, "basis": "reviews"},
]  # fmt: skip
_THRESHOLDS = [
    {"precision": 0.95, "link_at": 0.61, "links": 1240, "reviews": 4,
     "recall": {"value": 0.98, "lower": 0.965, "upper": 0.99}},
    {"precision": 0.995, "link_at": 0.98, "links": 1210, "reviews": 33,
     "recall": {"value": 0.961, "lower": 0.94, "upper": 0.97}},
]  # fmt: skip
JUMP = {"what": "merged", "measured": 4.25, "allowed": "at most 0.5 % of persons", "message": "30 would be merged"}


def record_link_run(lake: Lake, number: int = 0, *, verdict: str = "published", **facts: Any) -> str:
    """One run of linking in the night `number`; returns its id."""
    run_id = f"link-{number:04}"
    row: dict[str, Any] = (
        {"run_id": run_id, "verdict": verdict, "mode": "full", "model_version": "2026.03.01", "records": 5,
         "persons": 3 + number, "candidates": 12, "links": 1234 + number, "grey": 9, "waiting": 8, "minted": 3,
         "merged": 0, "split": 0, "retired": 0, "moved": 0, "duplicates": 1, "shared_ids": 2, "largest": 2,
         "reviews": 30, "precision": 0.99996, "precision_lower": 0.9951, "precision_upper": 1.0, "recall": 0.975,
         "recall_lower": 0.961, "recall_upper": 0.983, "recall_reason": "", "unseen": 3.2, "seconds": 4.5,
         "basis": {"model": "m1"},
         "tables": ["insurance.member", "population.citizen"],
         "passes": {"old_id": {"link": 2}, "model": {"link": 90, "review": 9, "finding": 4}},
         "sizes": {"1": 2, "5": 1, "over 50": 1}, "bands": _BANDS, "findings": [],
         "thresholds": _THRESHOLDS,
         "started_at": NIGHT + timedelta(days=number), **facts}
    )  # fmt: skip
    append_link_run(lake, LinkRunRow(**row))
    return run_id


def write_people(lake: Lake, folder: str) -> None:
    """Five records of three persons in two tables, and what their owners were told."""
    records = [("citizen", "a"), ("citizen", "a"), ("citizen", "b"), ("member", "a"), ("member", "c")]
    index = [
        {"record_id": f'{number}.{table}:["{SECRET}"]', "person_id": person * 32, "table": table,
         "registry": "population" if table == "citizen" else "insurance", "since_run": "link-0000"}
        for number, (table, person) in enumerate(records)
    ]  # fmt: skip
    told = [
        {"finding_id": str(number), "kind": kind, "registry": "population", "table": "citizen", "owner": "Bộ Công an",
         "left_id": f'citizen:["{SECRET}"]', "right_id": "x", "pass": "model", "person_id": None}
        for number, kind in enumerate(("duplicate", "shared_id", "shared_id"))
    ]  # fmt: skip
    for name, rows, schema in (("index", index, INDEX), ("findings", told, FINDINGS)):
        pq.write_table(pa.Table.from_pylist(rows, schema), f"{folder}/{name}.parquet")
        upsert_people(lake, name, f"{folder}/{name}.parquet", run_id="link-0000")
