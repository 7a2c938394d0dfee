"""Reader of `manifest.json`, in which a sender lists the files of a delivery.

    {"produced_at": "2026-01-31T02:00:00+07:00",
     "files": [{"name": "thu_ngan_sach_2026_01.csv", "rows": 120000, "sha256": "...", "encoding": "utf-8"}]}

`file` or `path` are taken for `name`, `row_count` for `rows`, `checksum` for `sha256`. Only `name` is required.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.sources.access import DropBroken
from include.sources.deliveries.file_formats import READ, why_not_read
from include.sources.deliveries.file_names import folded, is_named, looks_like

NAME = "manifest.json"
_LARGEST = 16 << 20


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One file of a manifest; fields left out by the sender are None or empty."""

    name: str
    rows: int | None = None
    sha256: str = ""
    encoding: str = ""
    delimiter: str = ""


def read_manifest(folder: Path) -> dict[str, ManifestEntry] | None:
    """Entries by file name; None if there is no manifest. Raises DropBroken for an invalid one."""
    try:
        with (folder / NAME).open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise DropBroken(f"{NAME} has more than {_LARGEST >> 20} MB: ask the sender whether the file is theirs")
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise DropBroken(f"{NAME} is not UTF-8: ask the sender to write it again") from None
    try:
        entries = [_entry(given) for given in json.loads(text, object_pairs_hook=_once)["files"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DropBroken(
            f"{NAME} cannot be understood: it must be JSON like "
            f'{{"files": [{{"name": "a.csv", "rows": 10, "sha256": "..."}}]}}, each key once'
        ) from None
    if len({folded(entry.name) for entry in entries}) != len(entries):
        raise DropBroken(f"{NAME} lists a file twice: ask the sender which entry holds")
    return {entry.name: entry for entry in entries}


def check_listing(entries: dict[str, ManifestEntry], patterns: Sequence[str], found: Sequence[str]) -> None:
    """Raise DropBroken unless the files that look like the patterns' are exactly those listed in the manifest."""
    listed = {name for name in entries if looks_like(name, patterns)}
    absent = sorted(listed - set(found))
    unlisted = sorted(set(found) - listed)
    if absent:
        raise DropBroken(
            f"{NAME} lists {', '.join(absent)}, and it is not in the drop: ask the sender to deliver it again, "
            "complete (files first, the manifest last)"
        )
    if unlisted:
        raise DropBroken(
            f"{', '.join(unlisted)} is in the drop and not in {NAME}: ask the sender whether it belongs to the "
            "delivery; remove it or have it listed"
        )


def check_each_is_read(entries: Iterable[str], patterns: Sequence[str]) -> None:
    """Raise DropBroken for a listed file that none of the patterns, those of all tables in the folder, names."""
    left = sorted(name for name in entries if name != NAME and not any(is_named(name, one) for one in patterns))
    if left:
        reason = next(filter(None, map(why_not_read, left)), "")
        raise DropBroken(
            f"{NAME} lists {', '.join(left)}, and no table of the contract reads it{f'; {reason}' if reason else ''}: "
            f"a delivery is read whole. Ask the sender for the suffix that physicalName has, or to list only files "
            f"of the tables; or correct physicalName in the contract ({READ})"
        )


def check_file(entry: ManifestEntry, sha256: str) -> None:
    """Raise DropBroken if the file's SHA-256 differs from the manifest's."""
    if entry.sha256 and entry.sha256 != sha256:
        raise DropBroken(
            f"{entry.name}: its SHA-256 differs from {NAME}: it was altered or cut off on the way, or the manifest is "
            "of another delivery. Ask the sender to deliver it again"
        )


def check_rows(entry: ManifestEntry, rows: int) -> None:
    """Raise DropBroken if the file's row count differs from the manifest's."""
    if entry.rows is not None and entry.rows != rows:
        raise DropBroken(
            f"{entry.name}: {NAME} says {entry.rows} rows, the file has {rows}: it is incomplete, or the manifest is "
            "of another delivery. Ask the sender to deliver both again"
        )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raise ValueError for a duplicate key, whose value would be ambiguous."""
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError
    return dict(pairs)


def _entry(given: dict[str, Any]) -> ManifestEntry:
    rows = given.get("rows", given.get("row_count"))
    if isinstance(rows, bool | float):
        raise TypeError
    checksum = str(given.get("sha256") or given.get("checksum") or "").strip().lower()
    return ManifestEntry(
        name=str(given.get("name") or given.get("file") or given["path"]).removeprefix("./"),
        rows=None if rows is None else int(rows),
        sha256=checksum.removeprefix("sha256:"),
        encoding=str(given.get("encoding") or ""),
        delimiter=str(given.get("delimiter") or ""),
    )
