"""The log of a Delta table, file by file: which commits are still there, what each says, and its digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from include.lake.root import Lake

_COMMIT_FILE = re.compile(r"^(\d{20})\.json$")
PREFIX = "lienthong."
RUN_ID = "lienthong.run_id"


@dataclass(frozen=True, slots=True)
class Commit:
    """One version of a table, as its file in `_delta_log` tells it. `added` are paths below the table's folder."""

    version: int
    sha256: str
    operation: str
    changes_data: bool
    added: tuple[str, ...]
    removed: int
    rows_added: int
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """The run that made the commit; empty for maintenance and for commits that are not ours."""
        return self.metadata.get(RUN_ID, "")

    @property
    def is_ours(self) -> bool:
        """Whether a run of ours vouches for it, or it leaves the rows as they were (compaction, vacuum, settings)."""
        return bool(self.run_id) or not self.changes_data


class CommitUnreadable(ValueError):
    """A file of the log that is not a Delta commit."""

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version} of the log is not a readable Delta commit")


def versions(lake: Lake, table: str) -> dict[int, str]:
    """The versions whose file is still in the log of the table at URI `table`, with the file's URI, in order."""
    found = {}
    for uri in lake.list(table + "/_delta_log"):
        if match := _COMMIT_FILE.match(uri.rpartition("/")[2]):
            found[int(match.group(1))] = uri
    return dict(sorted(found.items()))


def read_commit(lake: Lake, uri: str) -> Commit:
    """What one file of the log says. Raises FileNotFoundError, or CommitUnreadable."""
    version = int(uri.rpartition("/")[2].partition(".")[0])
    try:
        text = lake.read_text(uri)
        actions = [json.loads(line) for line in text.splitlines() if line.strip()]
        added = [action["add"] for action in actions if "add" in action]
        removed = [action["remove"] for action in actions if "remove" in action]
        changed = [action for action in actions if "cdc" in action]
        info: dict[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
        return Commit(
            version=version,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            operation=str(info.get("operation", "")),
            changes_data=bool(changed) or any(file.get("dataChange", True) for file in [*added, *removed]),
            added=tuple(unquote(file["path"]) for file in added),
            removed=len(removed),
            rows_added=sum(_rows(file) for file in added),
            metadata={key: str(value) for key, value in info.items() if key.startswith(PREFIX)},
        )
    except (ValueError, TypeError, AttributeError, KeyError):
        raise CommitUnreadable(version) from None


def _rows(added: Mapping[str, Any]) -> int:
    return int(json.loads(added.get("stats") or "{}").get("numRecords", 0))
