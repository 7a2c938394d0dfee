"""The keys by which open rejections are told apart follow the contract."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from include.contracts.model import Table
from include.lake.delta import RunCommit
from include.lake.rejected import renew_keys
from include.lake.storage import Lake
from include.quality.conversion import conform_keys
from include.quality.errors import QualityError


def renew_rejected_keys(
    lake: Lake,
    table: Table,
    schemas: Path,
    state: RunCommit | None,
    definition_digest: str,
    *,
    run_id: str,
    at: datetime,
) -> None:
    """Make the keys of open rejections anew, if the last commit `state` is by another definition than the contract's.

    Where today's key cannot be computed from the columns that were received then, they stay as they are.
    """
    if not table.primary_key or (state is not None and state.metadata.get("table_digest") == definition_digest):
        return
    names = {*table.primary_key, *table.extract.cursor}
    try:
        renew_keys(
            lake, table, run_id=run_id, at=at,
            conform=lambda extract_uri, uri: conform_keys(lake, table, schemas, names, extract_uri, uri),
        )  # fmt: skip
    except QualityError:
        return
