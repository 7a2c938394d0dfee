"""How long a recipient can look back: old versions and the change feed, for HISTORY_DAYS, and no longer."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from deltalake import DeltaTable

from include.lake.delta import epoch_milliseconds
from include.lake.storage import Lake, lake_errors
from include.sharing.products.state import HISTORY_DAYS


def forget_history(lake: Lake, delta: DeltaTable, uri: str, *, at: datetime) -> None:
    """Remove what only versions older than the history need: data files, change files and log entries."""
    hours = HISTORY_DAYS * 24
    with lake_errors("removing old versions"):
        if delta.vacuum(retention_hours=hours, dry_run=True, enforce_retention_duration=False):
            delta.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False)
            delta.create_checkpoint()
            delta.cleanup_metadata()
    _forget_changes(lake, delta, uri, at - timedelta(days=HISTORY_DAYS))


def _forget_changes(lake: Lake, delta: DeltaTable, uri: str, since: datetime) -> None:
    """Remove files of the change feed that no commit since then names: the vacuum of delta-rs leaves all of them."""
    files = lake.list(f"{uri}/_change_data")
    if not files:
        return
    with lake_errors("reading a table's log"):
        history = delta.history()
    recent = [int(commit["version"]) for commit in history if commit["timestamp"] >= epoch_milliseconds(since)]
    named: set[str] = set()
    for version in recent:
        lines = lake.read_text(f"{uri}/_delta_log/{version:020d}.json").split("\n")  # values may hold other line ends
        actions = map(json.loads, filter(None, lines))
        named |= {action["cdc"]["path"].rpartition("/")[2] for action in actions if "cdc" in action}
    for file in files:
        if file.rpartition("/")[2] not in named:
            lake.delete_tree(file)
