"""Maintenance of the lake: compacts small files, vacuums unreachable files, expires landed extracts.

Nothing here changes the current version's rows. Files that only older versions need are removed after `retention`: a
reader that began before has time to end, and the change feed reaches that far back. A version that was current at any
instant of that time stays readable.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable

from include.lake.delta.data_files import FILE_ROWS
from include.lake.delta.table_schema import CHECKPOINTS, RETENTION, RETENTION_PROPERTY, as_interval
from include.lake.storage import SERVER, Lake, LakeTable, lake_errors, retry_on_conflict

STAGING_RETENTION = timedelta(days=7)
_ZONES = ("registry", "rejected", "reference", "audit", "people", "shared", "statistics", "indicators", "history")
_SCRATCH = ("duckdb", "drop")  # spilled rows, and copies of delivered files: <kind>-<process id>-<random>
_DEEPEST = 2
_SMALL_BYTES = 64 * 1024**2
LOG_KEPT = {
    **CHECKPOINTS,
    "delta.enableExpiredLogCleanup": "true",
    "delta.logRetentionDuration": as_interval(RETENTION),
}
"""Properties of append-only log tables: rows stay, Delta log entries are kept for a month."""
_SMALL_FILES = 4


@dataclass(frozen=True, slots=True)
class TableFigures:
    """Counts of what maintenance did to one table; `table` is its path in the lake."""

    table: str
    files_before: int
    files_after: int
    files_vacuumed: int
    bytes: int
    version: int


@dataclass(frozen=True, slots=True)
class Expired:
    """Run folders removed, and their size."""

    folders: int = 0
    bytes: int = 0


def find_tables(lake: Lake) -> list[str]:
    """Paths in the lake of all its Delta tables, sorted."""
    found: list[str] = []
    for zone in _ZONES:
        found += _tables_below(lake, lake.path(zone), _DEEPEST)
    return sorted(uri.removeprefix(lake.uri + "/") for uri in found)


def maintain_table(lake: Lake, table: str, *, retention: timedelta = RETENTION) -> TableFigures:
    """Compact one table, and remove the files that only versions older than `retention` need.

    Raises:
        LakeConflict: other writers won every commit meanwhile; try again later.
    """
    uri = lake.path(table)

    def attempt() -> TableFigures:
        with lake_errors(f"maintaining {table}"):
            delta = lake.table(uri)
            before = len(delta.file_uris())
            if table != "audit/ledger":  # which has its own
                _set_missing(delta, CHECKPOINTS)
                if table.startswith("registry/"):
                    _set_missing(delta, {RETENTION_PROPERTY: as_interval(max(retention, RETENTION))})
                if table.startswith(("audit/", "indicators/")):
                    _set(delta, LOG_KEPT)
            compact(delta)
            vacuumed = _vacuum(delta, retention)
            sizes = pa.table(delta.get_add_actions())["size_bytes"].to_pylist()
            return TableFigures(table, before, len(sizes), vacuumed, sum(sizes), int(delta.version()))

    return retry_on_conflict(lake, uri, attempt)


def find_landed(lake: Lake) -> list[str]:
    """Registries with landed extracts, sorted."""
    return [uri.rpartition("/")[2] for uri in lake.list(lake.path("landing"))]


def expire_landing(
    lake: Lake,
    registry: str,
    *,
    at: datetime,
    retention: timedelta,
    before_removal: Callable[[list[str]], None] = lambda folders: None,
) -> Expired:
    """Remove a registry's extracts older than `retention`; `before_removal` is called with their lake paths first."""
    return _expire(lake, lake.path("landing", registry), at - retention, before_removal)


def expire_staging(lake: Lake, *, at: datetime) -> Expired:
    """Remove staging folders left by killed runs long ago; a held run still needs its own."""
    expired = Expired()
    for registry in lake.list(lake.path("staging")):
        more = _expire(lake, registry, at - STAGING_RETENTION)
        expired = Expired(expired.folders + more.folders, expired.bytes + more.bytes)
    return expired


def clear_scratch(lake: Lake) -> int:
    """Remove scratch folders of processes that have ended (they may hold rows); returns their number."""
    removed = 0
    for folder in [folder for kind in _SCRATCH for folder in lake.scratch.glob(f"{kind}-*-*")]:
        process = folder.name.split("-")[1]
        if process.isdecimal() and not _is_running(int(process)):
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def _tables_below(lake: Lake, folder: str, deepest: int) -> list[str]:
    found = []
    for child in lake.list(folder):
        if lake.exists(f"{child}/_delta_log"):  # a plain file beside the tables, on which Delta would fail
            found.append(child)
        elif deepest > 1:
            found += _tables_below(lake, child, deepest - 1)
    return found


def compact(delta: DeltaTable, *, small_files: int = _SMALL_FILES, small_bytes: int = _SMALL_BYTES) -> None:
    """Merge files (of a slice: its own) into files of up to `small_bytes`, if enough are below half that size.

    A file of a narrow table that holds as many rows as a file should is not small.
    """
    files = pa.table(delta.get_add_actions()).select(["size_bytes", "num_records"]).to_pylist()
    small = [f for f in files if f["size_bytes"] < small_bytes // 2 and (f["num_records"] or 0) < FILE_ROWS // 2]
    if len(small) >= small_files:
        server = delta.server if isinstance(delta, LakeTable) else ""
        delta.optimize.compact(
            partition_filters=[(SERVER, "=", server)] if server else None,
            target_size=small_bytes,
            commit_properties=CommitProperties(max_commit_retries=0),
        )


def _set_missing(delta: DeltaTable, properties: dict[str, str]) -> None:
    """Set those table properties that the table has not (older lakes lack them).

    RETENTION_PROPERTY makes checkpoints list removed files for as long as the vacuum must keep them.
    """
    has = delta.metadata().configuration
    _set(delta, {name: value for name, value in properties.items() if name not in has})


def _set(delta: DeltaTable, properties: dict[str, str]) -> None:
    """Set table properties by a commit that changes no data."""
    lacking = properties.items() - delta.metadata().configuration.items()
    if lacking:
        delta.alter.set_table_properties(dict(lacking))


def _vacuum(delta: DeltaTable, retention: timedelta) -> int:
    """Remove files of old versions and of the change feed, and files in no version (left by killed runs).

    Vacuum mode `full` covers the change feed and the files of killed runs, by their age. No commit if none are found.
    """
    hours = int(retention.total_seconds() // 3600)
    doomed = delta.vacuum(retention_hours=hours, dry_run=True, enforce_retention_duration=False, full=True)
    if doomed:
        delta.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=True)
    return len(doomed)


def _expire(
    lake: Lake,
    registry_folder: str,
    before: datetime,
    before_removal: Callable[[list[str]], None] = lambda folders: None,
) -> Expired:
    """Remove the run folders of a registry whose newest file was written before `before`."""
    runs = [run for table in lake.list(registry_folder) for run in lake.list(table)]
    expired = [run for run in runs if (newest := lake.changed_at(run)) is not None and newest < before]
    before_removal([run.removeprefix(f"{lake.uri}/") for run in expired])
    size = 0
    for run in expired:
        size += lake.size(run)
        lake.delete_tree(run)
    return Expired(len(expired), size)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
