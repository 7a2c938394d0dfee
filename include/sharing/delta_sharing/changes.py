"""Files that changed between two versions of a shared table: its change feed, from the commits of its Delta log."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from urllib.parse import unquote

from include.lake.delta import epoch_milliseconds
from include.lake.storage import Lake, lake_errors
from include.sharing.delta_sharing.errors import Malformed
from include.sharing.delta_sharing.requests import ChangesAsked
from include.sharing.delta_sharing.snapshot import DataFile, Snapshot, file_rows


def span(lake: Lake, newest: Snapshot, asked: ChangesAsked) -> tuple[int, int]:
    """The first and the last version that a read of changes asks for.

    Raises:
        Malformed: the span ends before it begins, or begins after the newest version.
    """
    first, last = asked.starting, newest.version if asked.ending is None else asked.ending
    if asked.starting_at is not None:
        first = version_from(lake, newest, asked.starting_at)
    if asked.ending_at is not None:
        last = version_until(lake, newest, asked.ending_at)
    assert first is not None  # noqa: S101 - ChangesAsked has one of the two
    if first > newest.version:
        raise Malformed(f"the changes begin after version {newest.version}, the newest: nothing changed since")
    if last < first:
        raise Malformed(f"the changes end with version {last}, before they begin with version {first}")
    return first, min(last, newest.version)


def changed_files(lake: Lake, newest: Snapshot, first: int, last: int, *, with_feed: bool = True) -> list[DataFile]:
    """The files of the change feed of these versions, both included; without feed: files added and removed.

    Of a commit that has files of the feed those are read, of another its added and removed files.

    Raises:
        Malformed: a version or a file is no longer kept.
    """
    found: list[DataFile] = []
    for version in range(first, last + 1):
        found += _of_commit(lake, newest, version, with_feed)
    present = {f"{lake.uri}/{path}" for path in lake.files_below(newest.uri)}
    if any(f"{newest.uri}/{file.path}" not in present for file in found):
        raise _gone(first)
    return [
        file if file.rows >= 0 else replace(file, rows=file_rows(lake, f"{newest.uri}/{file.path}")) for file in found
    ]


def version_from(lake: Lake, newest: Snapshot, at: datetime) -> int:
    """The first version committed at `at` or later.

    Raises:
        Malformed: the newest is older.
    """
    later = [version for version, made in _commit_times(lake, newest) if made >= epoch_milliseconds(at)]
    if not later:
        raise Malformed(f"no version was committed at that time or later: the newest is version {newest.version}")
    return min(later)


def version_until(lake: Lake, newest: Snapshot, at: datetime) -> int:
    """The last version committed at `at` or before.

    Raises:
        Malformed: all that are kept are younger.
    """
    before = [version for version, made in _commit_times(lake, newest) if made <= epoch_milliseconds(at)]
    if not before:
        raise Malformed("the table has no version of that time: versions are kept for 30 days")
    return max(before)


def _commit_times(lake: Lake, newest: Snapshot) -> list[tuple[int, int]]:
    with lake_errors("reading a table's log"):
        return [(int(made["version"]), int(made["timestamp"])) for made in lake.table(newest.uri).history()]


def _of_commit(lake: Lake, newest: Snapshot, version: int, with_feed: bool) -> list[DataFile]:
    try:
        text = lake.read_text(f"{newest.uri}/_delta_log/{version:020d}.json")
    except FileNotFoundError:
        raise _gone(version) from None
    actions = [json.loads(line) for line in text.split("\n") if line.strip()]
    at_ms = next((int(action["commitInfo"]["timestamp"]) for action in actions if "commitInfo" in action), 0)
    found: dict[str, list[DataFile]] = {"add": [], "cdc": [], "remove": []}
    for action in actions:
        for kind in found:
            if (entry := action.get(kind)) and (kind == "cdc" or entry.get("dataChange", True)):
                rows = int(json.loads(entry.get("stats") or "{}").get("numRecords", -1))
                found[kind].append(
                    DataFile(unquote(entry["path"]), int(entry.get("size") or 0), rows, kind, version, at_ms)  # type: ignore[arg-type]
                )
    if with_feed and found["cdc"]:
        return found["cdc"]
    return [*found["add"], *found["remove"]]


def _gone(version: int) -> Malformed:
    return Malformed(f"the changes of version {version} are no longer kept (30 days): read the whole table once")
