"""Digests of single rows of log tables (`audit/runs`, `audit/checks`, `indicators/values` and the like).

A falsified value is thus reported by its row, not only by its file. A digest covers the row's non-null values, so files
may be compacted and columns added.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
from pyarrow import ArrowInvalid

from include.audit.verification.findings import Discrepancy
from include.audit.verification.recorded_state import RecordedTable
from include.lake.storage import Lake, LakeDenied, LakeError, LakeUnreachable

EVIDENCE = ("audit/", "indicators/")
"""Zones of append-only log tables, whose rows are in the ledger one by one."""
_DIGITS = 16


def row_digests(lake: Lake, subject: str, paths: Iterable[str]) -> list[str]:
    """A digest for each row of these files of a table, in their order."""
    return [_digest(row) for path in paths for row in _rows(lake, subject, path)]


def compare_rows(lake: Lake, table: RecordedTable, live: Iterable[str]) -> Iterator[Discrepancy]:
    """Discrepancies between the rows of the live files and the recorded rows: unrecorded and missing ones."""
    recorded = Counter(digest for commit in table.commits.values() for digest in commit.rows)
    lost, unknown = Counter(recorded), []
    for path in live:
        try:
            rows = list(_rows(lake, table.subject, path))
        except (LakeUnreachable, LakeDenied):
            raise
        except (LakeError, ArrowInvalid, OSError):
            continue  # already reported as a file
        for row in rows:
            digest = _digest(row)
            if lost[digest] > 0:
                lost[digest] -= 1
            else:
                unknown.append(row)
    gone: dict[str, tuple[int | None, int]] = {}
    for commit in table.commits.values():
        missing = 0
        for digest in commit.rows:
            if lost[digest] > 0:
                lost[digest] -= 1
                missing += 1
        if missing:
            sequence, before = gone.get(commit.run_id, (commit.sequence, 0))
            gone[commit.run_id] = (sequence, before + missing)
    for row in unknown:
        run_id = str(row.get("run_id"))
        sequence, missing = gone.get(run_id, (None, 0))
        if missing:
            gone[run_id] = (sequence, missing - 1)
        kind = "row altered" if missing else "row unknown"
        yield Discrepancy.of(kind, table.subject, sequence, table=table.subject, run_id=run_id, **_label(row))
    for run_id, (sequence, missing) in gone.items():
        if missing:
            named = {"table": table.subject, "run_id": run_id, "entry": sequence, "rows": missing}
            yield Discrepancy.of("row gone" if missing == 1 else "rows gone", table.subject, sequence, **named)


def _rows(lake: Lake, subject: str, path: str) -> list[dict[str, Any]]:
    with lake.open_input(lake.path(subject, path)) as file:
        return list(pq.read_table(file).to_pylist())


def _digest(row: dict[str, Any]) -> str:
    cells = {name: value for name, value in row.items() if value is not None}
    text = json.dumps(cells, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_as_text)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _as_text(value: datetime | date | Decimal) -> str:
    return str(value) if isinstance(value, Decimal) else value.isoformat()


def _label(row: dict[str, Any]) -> dict[str, str]:
    """Identification of a row by names and numbers; log tables hold no value of a registry."""
    if row.get("indicator"):
        return {"row": " ".join(filter(None, (row["period"], row["member"]))), "of": row["indicator"]}
    if "read_id" in row:
        return {"row": row["read_id"], "of": row.get("recipient") or "–"}
    of = f"{row['registry']}.{row['table']}" if row.get("table") else "people"
    return {"row": row.get("rule_id") or row.get("verdict") or "", "of": of}
