"""A row of `audit/runs`: what one run did to one table. Names, counts and digests, no value of a registry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import pyarrow as pa

RECORDED = "recorded"
"""The column that orders what is on record: the version of the log table that the append made. Workers' clocks say
otherwise; of runs that were recorded at the same time none is the later. Null before there was this column.
"""
_ARROW = {
    "str": pa.string(), "int": pa.int64(), "float": pa.float64(), "datetime": pa.timestamp("us", tz="UTC"),
    "list": pa.string(),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """Each field is a column, null where it does not apply; lists are kept as JSON. `started_at` may be ISO text."""

    run_id: str | None = None
    registry: str | None = None
    table: str | None = None
    mode: str | None = None
    why: str | None = None
    verdict: str | None = None
    engine: str | None = None
    contract_version: str | None = None
    contract_digest: str | None = None
    extract_digest: str | None = None
    source: str | None = None
    protection: str | None = None
    same_as_run: str | None = None
    approved_by: str | None = None
    approval_note: str | None = None
    refused_by: str | None = None
    refusal_note: str | None = None
    error_type: str | None = None
    error: str | None = None
    extracted: int | None = None
    accepted: int | None = None
    rejected: int | None = None
    superseded: int | None = None
    deleted: int | None = None
    retained: int | None = None
    inserted: int | None = None
    updated: int | None = None
    live_rows: int | None = None
    version: int | None = None
    bytes: int | None = None
    findings: list[Any] | None = None
    reasons: list[Any] | None = None
    drift: list[Any] | None = None
    started_at: datetime | str | None = None
    seconds: float | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RunRow:
        """The row of plain values by name; names that are no column are left out."""
        return cls(**{field.name: values[field.name] for field in fields(cls) if field.name in values})

    @property
    def is_over(self) -> bool:
        """Whether the run has come to its end: a held one can still be decided, a failed one begun again."""
        return self.verdict in ("published", "declined", "timed out")

    @property
    def is_delivery(self) -> bool:
        """Whether the source was read with success, also if nothing had changed."""
        return self.verdict in ("published", "unchanged") and self.mode in ("full", "incremental", "unchanged")

    def to_arrow(self) -> pa.Table:
        """One row by the schema RUNS."""
        row = {field.name: getattr(self, field.name) for field in fields(self)}
        row |= {
            name: json.dumps(row[name] or [], ensure_ascii=False) for name, kind in _KINDS.items() if kind == "list"
        }
        if isinstance(self.started_at, str):
            row["started_at"] = datetime.fromisoformat(self.started_at)
        return pa.Table.from_pylist([row], RUNS)


_KINDS = {field.name: str(field.type).partition(" ")[0].partition("[")[0] for field in fields(RunRow)}
RUNS = pa.schema([*((name, _ARROW[kind]) for name, kind in _KINDS.items()), (RECORDED, pa.int64())])
