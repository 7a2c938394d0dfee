"""Whole runs over a table, made by hand: what is rejected is kept, the rest is published, earlier rows are closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from include.contracts.model import Table
from include.lake.delta.commit_metadata import last_commit, reader_of
from include.lake.publishing.publication import publish
from include.lake.rejected.append import append_rejected
from include.lake.rejected.close import close_rejected
from include.lake.storage.lake import Lake
from tests.unit.lake.staging import START, Staged, stage


def run_name(number: int) -> str:
    return f"r{number}"


def append(
    lake: Lake, table: Table, number: int, rows: Sequence[Sequence[Any]], *,
    extract: pa.Table | None = None, mode: str = "full", table_digest: str = "", **outcomes: Any,
) -> Staged:  # fmt: skip
    """Stage run `r<number>`, a day after the one before, and keep its rejected rows."""
    staged = stage(lake, table, run_name(number), rows, **outcomes)
    if extract is not None:
        pq.write_table(extract, staged.extract)
    at = START + timedelta(days=number)
    append_rejected(
        lake, table, run_id=run_name(number), at=at, staged=staged, extract_uri=staged.extract, mode=mode,
        snapshot_at=at.isoformat(), table_digest=table_digest, began_upon=reader_of(last_commit(lake, table)),
    )  # fmt: skip
    return staged


def commit(lake: Lake, table: Table, number: int, staged: Staged, *, mode: str = "full", gone: str | None = None):
    """Publish run `r<number>`."""
    at = START + timedelta(days=number)
    metadata = {"snapshot_at": at.isoformat()}
    more = {"gone": gone} if gone else {}
    return publish(lake, table, run_id=run_name(number), at=at, staged=staged, metadata=metadata, mode=mode, **more)


def close(
    lake: Lake, table: Table, number: int, staged: Staged, *, mode: str = "full", gone: str | None = None
) -> dict[str, int]:
    """Close what run `r<number>` settled."""
    at = START + timedelta(days=number)
    return close_rejected(lake, table, run_id=run_name(number), at=at, mode=mode, staged=staged, gone=gone)


def sync(
    lake: Lake, table: Table, number: int, rows: Sequence[Sequence[Any]], *,
    mode: str = "full", gone: str | None = None, **outcomes: Any,
) -> dict[str, int]:  # fmt: skip
    """All three; gives how many rows took each life."""
    staged = append(lake, table, number, rows, mode=mode, **outcomes)
    commit(lake, table, number, staged, mode=mode, gone=gone)
    return close(lake, table, number, staged, mode=mode, gone=gone)


def kept(lake: Lake, table: Table) -> list[dict[str, Any]]:
    """Every row in the table of rejected rows."""
    delta = lake.table(lake.rejected_table(table.registry, table.name))
    rows = pa.table(delta.to_pyarrow_table()).to_pylist()
    return sorted(rows, key=lambda row: (row["_run_id"], row["_row"]))


def lives(lake: Lake, table: Table) -> list[tuple[str, int, str | None, str | None]]:
    """Run, row, life and who closed it, of every row."""
    return [(r["_run_id"], r["_row"], r["_life"], r["_closed_by"]) for r in kept(lake, table)]
