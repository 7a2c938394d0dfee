"""Retention of a product's old versions and change feed: HISTORY_DAYS."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from deltalake import DeltaTable

from include.lake.delta import epoch_milliseconds
from include.lake.storage import Lake, lake_errors
from include.sharing.products.state import HISTORY_DAYS


def forget_history(lake: Lake, delta: DeltaTable, uri: str, *, at: datetime) -> None:
    """Remove data files, change files and log entries that only versions older than the retention need."""
    hours = HISTORY_DAYS * 24
    with lake_errors("removing old versions"):
        if delta.vacuum(retention_hours=hours, dry_run=True, enforce_retention_duration=False):
            delta.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False)
            delta.create_checkpoint()
            delta.cleanup_metadata()
    _forget_changes(lake, delta, uri, at - timedelta(days=HISTORY_DAYS))


def _forget_changes(lake: Lake, delta: DeltaTable, uri: str, since: datetime) -> None:
    """Remove files of the change feed in no commit since then, which the vacuum of delta-rs keeps."""
    files = lake.list(f"{uri}/_change_data")
    if not files:
        return
    with lake_errors("reading a table's log"):
        history = delta.history()
    recent = [int(commit["version"]) for commit in history if commit["timestamp"] >= epoch_milliseconds(since)]
    named: set[str] = set()
    for version in recent:
        lines = lake.read_text(f"{uri}/_delta_log/{version:020d}.json").split(
            "\n"
        )  # values may contain other line ends
        actions = map(json.loads, filter(None, lines))
        named |= {action["cdc"]["path"].rpartition("/")[2] for action in actions if "cdc" in action}
    for file in files:
        if file.rpartition("/")[2] not in named:
            lake.delete_tree(file)
