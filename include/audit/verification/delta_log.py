"""Reader of a Delta log, file by file: the remaining commits, their content and digests."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from include.lake.storage import Lake

_COMMIT_FILE = re.compile(r"^(\d{20})\.json$")
PREFIX = "lienthong."
RUN_ID = "lienthong.run_id"
SERVER = "lienthong.server"


@dataclass(frozen=True, slots=True)
class LogCommit:
    """One version of a table, from its file in `_delta_log`.

    `added`, `removed` and `feed` (files of the change feed) are paths below the table's folder; `committed_ms` is the
    commit time in milliseconds since 1970 by the writer's clock. `kinds` are the kinds of its actions; `described` is
    its `metaData` action and `protocol` its `protocol` action, empty if it has none.
    """

    version: int
    sha256: str
    operation: str
    committed_ms: int
    changes_data: bool
    added: tuple[str, ...]
    removed: tuple[str, ...]
    feed: tuple[str, ...]
    rows_added: int
    metadata: Mapping[str, str] = field(default_factory=dict)
    kinds: frozenset[str] = frozenset()
    described: Mapping[str, Any] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """The run that made the commit; empty for maintenance and foreign commits."""
        return self.metadata.get(RUN_ID, "")

    @property
    def server(self) -> str:
        """The server whose slice of the table it changed; empty for a table without slices."""
        return self.metadata.get(SERVER, "")


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


def read_commit(lake: Lake, uri: str) -> LogCommit:
    """Parse one file of the log. Raises FileNotFoundError or CommitUnreadable."""
    version = int(uri.rpartition("/")[2].partition(".")[0])
    try:
        text = lake.read_text(uri)
        actions = [json.loads(line) for line in text.split("\n") if line.strip()]
        added = [action["add"] for action in actions if "add" in action]
        removed = [action["remove"] for action in actions if "remove" in action]
        changed = [action["cdc"] for action in actions if "cdc" in action]
        info = _only(actions, "commitInfo")
        return LogCommit(
            version=version,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            operation=str(info.get("operation", "")),
            committed_ms=int(info.get("timestamp", 0)),
            changes_data=bool(changed) or any(file.get("dataChange", True) for file in [*added, *removed]),
            added=tuple(unquote(file["path"]) for file in added),
            removed=tuple(unquote(file["path"]) for file in removed),
            feed=tuple(unquote(file["path"]) for file in changed),
            rows_added=sum(_rows(file) for file in added),
            metadata={key: str(value) for key, value in info.items() if key.startswith(PREFIX)},
            kinds=frozenset(kind for action in actions for kind in action),
            described=_only(actions, "metaData"),
            protocol=_only(actions, "protocol"),
        )
    except (ValueError, TypeError, AttributeError, KeyError):
        raise CommitUnreadable(version) from None


def _only(actions: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The content of the commit's action of a kind that Delta allows once; empty if there is none."""
    found = [action[kind] for action in actions if kind in action]
    if len(found) > 1:
        raise ValueError(f"more than one action {kind}")
    return dict(found[0]) if found else {}


def _rows(added: Mapping[str, Any]) -> int:
    return int(json.loads(added.get("stats") or "{}").get("numRecords", 0))
