"""Log of linking runs: a row per run in `audit/link_runs`. Counts, shares and rule names; no personal value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from include.contracts.words import BilingualText
from include.lake.run_log import log_tables
from include.lake.run_log.run_row import RECORDED
from include.lake.storage import Lake, lake_errors

LINKING_LOG = "link_runs"
NO_RECALL = {
    "numbers": BilingualText(
        "not estimable: too few pairs of records share an id number",
        "không ước lượng được: quá ít cặp bản ghi có chung số định danh",
    )
}
"""Reasons why a run's recall is not estimable, by `recall_reason`."""
_TEXTS = (
    "run_id", "verdict", "mode", "model_version", "approved_by", "approval_note", "refused_by", "refusal_note",
    "error_type", "error", "recall_reason",
)  # fmt: skip
_COUNTS = (
    "records", "persons", "candidates", "links", "grey", "waiting", "minted", "merged", "split", "retired", "moved",
    "duplicates", "shared_ids", "largest", "reviews",
)  # fmt: skip
_SHARES = (
    "precision", "precision_lower", "precision_upper", "recall", "recall_lower", "recall_upper", "unseen", "seconds",
)  # fmt: skip
_JSON = ("basis", "tables", "passes", "sizes", "bands", "findings", "thresholds")
LINK_RUNS = pa.schema(
    [
        *((name, pa.string()) for name in _TEXTS),
        *((name, pa.int64()) for name in _COUNTS),
        *((name, pa.float64()) for name in _SHARES),
        *((name, pa.string()) for name in _JSON),
        ("started_at", pa.timestamp("us", tz="UTC")),
        (RECORDED, pa.int64()),
    ]
)


def append_link_run(lake: Lake, facts: Mapping[str, Any]) -> bool:
    """Append one linking run; False if it was recorded before. `facts` has the column names of LINK_RUNS."""
    row: dict[str, Any] = {name: facts.get(name) for name in LINK_RUNS.names}
    row |= {name: json.dumps(facts.get(name), ensure_ascii=False) for name in _JSON}
    if isinstance(row["started_at"], str):
        row["started_at"] = datetime.fromisoformat(row["started_at"])
    once = None if row["verdict"] == "failed" else f"{row['run_id']}/people/{row['verdict']}"
    return log_tables.append(lake, LINKING_LOG, pa.Table.from_pylist([row], LINK_RUNS), once=once)


def link_runs(lake: Lake) -> list[dict[str, Any]]:
    """All recorded linking runs, oldest first, with JSON columns parsed."""
    uri = lake.audit_table(LINKING_LOG)
    if not lake.is_table(uri):
        return []
    with lake_errors("reading the runs of linking"):
        rows = lake.table(uri).to_pyarrow_table().to_pylist()
    rows.sort(key=lambda row: (log_tables.place_of(row), row["started_at"]))
    return [{**row, **{name: json.loads(row.get(name) or "null") for name in _JSON}} for row in rows]


def last_link_run(lake: Lake) -> dict[str, Any] | None:
    """The last run that was published; None before the first."""
    return next((run for run in reversed(link_runs(lake)) if run["verdict"] == "published"), None)
