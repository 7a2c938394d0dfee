"""Records of reads: who was offered which rows and columns under which agreement, or was refused, and why."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Literal

import pyarrow as pa

Verdict = Literal["offered", "refused"]
_INSTANT = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRecord:
    """One request of a recipient: a row of `audit/reads`. It holds names, counts and reasons, no value of a registry.

    `action` is what was asked for; `status` the HTTP status of the answer; `rows` and `size_bytes` those of the files
    that were offered, of `columns`; `registry` and `table` the published table behind the product; `version` that of
    the shared table, `from_version` the first one of a read of changes, `table_id` the shared table's Delta id, which
    a table that is made anew has not; `address` where the request came from. Of a refused request it has all that could
    be told. Which columns are personal, the contract of `registry` says.
    """

    read_id: str
    at: datetime
    action: str
    verdict: Verdict
    status: int
    address: str
    reason: str | None = None
    recipient: str | None = None
    token_id: str | None = None
    agreement: str | None = None
    agreement_version: str | None = None
    purpose: str | None = None
    registry: str | None = None
    table: str | None = None
    product: str | None = None
    version: int | None = None
    from_version: int | None = None
    rows: int | None = None
    size_bytes: int | None = None
    columns: tuple[str, ...] | None = None
    table_id: str | None = None

    def to_line(self) -> bytes:
        """The record as a line of the journal."""
        values = {name: value for name, value in asdict(self).items() if value is not None}
        values["at"] = self.at.astimezone(UTC).isoformat()
        return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> ReadRecord:
        """The record of a line of the journal. Raises ValueError, TypeError: it is none, or was cut off."""
        values = json.loads(line)
        values["at"] = datetime.fromisoformat(values["at"])
        if "columns" in values:
            values["columns"] = tuple(values["columns"])
        return cls(**values)


_ARROW = {
    "str": pa.string(), "int": pa.int64(), "datetime": _INSTANT, "Verdict": pa.string(),
    "tuple[str, ...]": pa.list_(pa.string()),
}  # fmt: skip
READS = pa.schema(
    [
        ("run_id", pa.string()),
        *((field.name, _ARROW[str(field.type).removesuffix(" | None")]) for field in fields(ReadRecord)),
    ]
)
"""Columns of `audit/reads`: those of a record, and `run_id`, the batch in which it came into the table."""


def to_arrow(records: list[ReadRecord], batch_id: str) -> pa.Table:
    """The records as rows of `audit/reads`."""
    rows = [asdict(record) | {"run_id": batch_id} for record in records]
    return pa.Table.from_pylist(rows, READS)
