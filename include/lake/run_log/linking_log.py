"""Log of linking runs: a row per run in `audit/link_runs`. Counts, shares and rule names; no personal value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypedDict

import pyarrow as pa

from include.contracts.words import BilingualText, RecordedFinding
from include.lake.run_log import log_tables
from include.lake.storage import Lake, lake_errors

LINKING_LOG = "link_runs"
NO_RECALL = {
    "numbers": BilingualText(
        "not estimable: too few pairs of records share an id number",
        "không ước lượng được: quá ít cặp bản ghi có chung số định danh",
    )
}
"""Reasons why a run's recall is not estimable, by `recall_reason`."""
_ARROW = {
    "str": pa.string(), "int": pa.int64(), "float": pa.float64(), "datetime": pa.timestamp("us", tz="UTC"),
}  # fmt: skip
"""By the first word of a field's type; whatever else a field holds is kept as JSON."""


class RecordedShare(TypedDict):
    """An estimated share (0 to 1) with its interval at 95 %."""

    value: float
    lower: float
    upper: float


class RecordedBand(TypedDict):
    """Pairs of one band of match weights that the model alone links, or not; `basis` of the rate: `reviews` or `model`.

    `reviewed` of the pairs were decided by people, `same` of these as one person; the rate is of the others.
    """

    low: float | None
    high: float | None
    is_linked: bool
    pairs: int
    expected: float
    reviewed: int
    same: int
    rate: RecordedShare
    basis: str


class RecordedThreshold(TypedDict):
    """A wanted precision of what the model links: from which probability on it links then, and what that costs."""

    precision: float
    link_at: float
    links: int
    reviews: int
    recall: RecordedShare | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRunRow:
    """A row of `audit/link_runs`: each field is a column, null where it does not apply. `started_at` may be ISO text.

    `basis`: digests of what linking depends on. `passes`: pairs by pass and decision. `sizes`: persons by number of
    records.
    """

    run_id: str
    verdict: str
    mode: str | None = None
    model_version: str | None = None
    approved_by: str | None = None
    approval_note: str | None = None
    refused_by: str | None = None
    refusal_note: str | None = None
    error_type: str | None = None
    error: str | None = None
    recall_reason: str | None = None
    records: int | None = None
    persons: int | None = None
    candidates: int | None = None
    links: int | None = None
    grey: int | None = None
    waiting: int | None = None
    minted: int | None = None
    merged: int | None = None
    split: int | None = None
    retired: int | None = None
    moved: int | None = None
    duplicates: int | None = None
    shared_ids: int | None = None
    largest: int | None = None
    reviews: int | None = None
    precision: float | None = None
    precision_lower: float | None = None
    precision_upper: float | None = None
    recall: float | None = None
    recall_lower: float | None = None
    recall_upper: float | None = None
    unseen: float | None = None
    seconds: float | None = None
    basis: Mapping[str, str] | None = None
    tables: Sequence[str] | None = None
    passes: Mapping[str, Mapping[str, int]] | None = None
    sizes: Mapping[str, int] | None = None
    bands: Sequence[RecordedBand] | None = None
    findings: Sequence[RecordedFinding] | None = None
    thresholds: Sequence[RecordedThreshold] | None = None
    started_at: datetime | str | None = None
    recorded: int | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LinkRunRow:
        """The row of plain values by name; names that are no column are left out."""
        return cls(**{field.name: values[field.name] for field in fields(cls) if field.name in values})

    @property
    def began(self) -> datetime:
        """The instant at which the run began."""
        at = self.started_at
        return at if isinstance(at, datetime) else datetime.fromisoformat(at or "")

    def to_arrow(self) -> pa.Table:
        """One row by the schema LINK_RUNS."""
        row = {name: getattr(self, name) for name in LINK_RUNS.names}
        row |= {name: json.dumps(row[name], ensure_ascii=False) for name in _JSON}
        if isinstance(self.started_at, str):
            row["started_at"] = self.began
        return pa.Table.from_pylist([row], LINK_RUNS)


_KINDS = {field.name: str(field.type).partition(" ")[0] for field in fields(LinkRunRow)}
_JSON = tuple(name for name, kind in _KINDS.items() if kind not in _ARROW)
LINK_RUNS = pa.schema([(name, _ARROW.get(kind, pa.string())) for name, kind in _KINDS.items()])


def append_link_run(lake: Lake, row: LinkRunRow) -> bool:
    """Append one linking run; False if it was recorded before."""
    once = None if row.verdict == "failed" else f"{row.run_id}/people/{row.verdict}"
    return log_tables.append(lake, LINKING_LOG, row.to_arrow(), once=once)


def link_runs(lake: Lake) -> list[LinkRunRow]:
    """All recorded linking runs, oldest first."""
    uri = lake.audit_table(LINKING_LOG)
    if not lake.is_table(uri):
        return []
    with lake_errors("reading the runs of linking"):
        rows = lake.table(uri).to_pyarrow_table().to_pylist()
    runs = [LinkRunRow.from_dict(row | {name: json.loads(row.get(name) or "null") for name in _JSON}) for row in rows]
    return sorted(runs, key=lambda run: (log_tables.place_of(run.recorded), run.began))


def last_link_run(lake: Lake) -> LinkRunRow | None:
    """The last run that was published; None before the first."""
    return next((run for run in reversed(link_runs(lake)) if run.verdict == "published"), None)
