"""Reader of a Delta log, file by file: the remaining commits, their content and digests.

And the commits that change nothing for readers, by the kinds of their actions.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from include.lake.delta import LOG_KEPT, NO_BOUNDS, RETENTION_PROPERTY, same_rows
from include.lake.storage import SERVER as PARTITION
from include.lake.storage import Lake, LakeError, LakeTableMissing, lake_errors, partition_values

_COMMIT_FILE = re.compile(r"^(\d{20})\.json$")
_OWN_PROPERTIES = {RETENTION_PROPERTY, *LOG_KEPT, *NO_BOUNDS, "delta.checkpointInterval"}
_FEATURES = {"appendOnly", "changeDataFeed", "checkConstraints", "generatedColumns", "invariants", "timestampNtz"}
_FEATURES |= {"variantType"}  # which delta-rs adds when it sets a property
_TABLE_FEATURES = (3, 7)  # versions of reader and writer
_OF = "partition."
PREFIX = "lienthong."
RUN_ID = "lienthong.run_id"
SERVER = "lienthong.server"


@dataclass(frozen=True, slots=True)
class LogCommit:
    """One version of a table, from its file in `_delta_log`.

    `added`, `removed` and `feed` (files of the change feed) are paths below the table's folder; `committed_ms` is the
    commit time in milliseconds since 1970 by the writer's clock. `kinds` are the kinds of its actions, `marks` its
    application transactions; `described` is its `metaData` action and `protocol` its `protocol` action, empty if it has
    none. `placed` are the partition values of each added file (JSON); `has_vectors` tells of deletion vectors.
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
    marks: Mapping[str, int] = field(default_factory=dict)
    placed: Mapping[str, str] = field(default_factory=dict)
    has_vectors: bool = False
    described: Mapping[str, Any] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """The run that made the commit; empty for maintenance and foreign commits."""
        return self.metadata.get(RUN_ID, "")

    @property
    def servers(self) -> set[str]:
        """The servers whose slices its files lie in (empty text: in none); its own word if it changes nothing."""
        of_files = {partition_values(path).get(PARTITION, "") for path in (*self.added, *self.removed, *self.feed)}
        return of_files or {self.metadata.get(SERVER, "") if self.kinds <= {"commitInfo", "txn"} else ""}


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
            marks={txn["appId"]: int(txn["version"]) for action in actions if (txn := action.get("txn"))},
            placed={unquote(file["path"]): _place(file.get("partitionValues") or {}) for file in added},
            has_vectors=any(file.get("deletionVector") for file in [*added, *removed]),
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


def _place(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)


def live_places(table: DeltaTable) -> dict[str, str]:
    """The live files of an open table by path, with their partition values as in a commit's `placed`."""
    files = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    return {
        unquote(file["path"]): _place({k.removeprefix(_OF): v for k, v in file.items() if k.startswith(_OF)})
        for file in files
    }


def _rows(added: Mapping[str, Any]) -> int:
    return int(json.loads(added.get("stats") or "{}").get("numRecords", 0))


def table_before(lake: Lake, subject: str, commit: LogCommit) -> DeltaTable | None:
    """The table before a commit; None before the first, or if its log does not reach so far back any more."""
    if not commit.version:
        return None
    with suppress(LakeTableMissing), lake_errors("opening a table"):
        table = lake.table(subject)
        table.load_as_version(commit.version - 1)
        return table
    return None


def changes_nothing(lake: Lake, subject: str, commit: LogCommit) -> bool:
    """Whether every action of a commit is known to leave what readers see as it is: compaction, vacuum, settings."""
    if commit.changes_data or not commit.kinds <= {"commitInfo", "add", "remove", "metaData", "protocol"}:
        return False
    if commit.described and not _only_sets_properties(lake, subject, commit):
        return False
    if commit.protocol and not _is_readable(commit.protocol):
        return False
    return not (commit.removed or commit.added) or _only_moves_rows(lake, subject, commit)


def _only_moves_rows(lake: Lake, subject: str, commit: LogCommit) -> bool:
    """Whether the added files hold the rows of the removed ones, which were live, each in its partition."""
    before = table_before(lake, subject, commit)
    live = live_places(before) if before is not None else {}
    removed, added = set(commit.removed), set(commit.added)
    if commit.has_vectors or not removed <= live.keys() or added & live.keys():
        return False
    return all(
        same_rows(
            lake,
            [lake.path(subject, path) for path in sorted(removed) if live[path] == place],
            [lake.path(subject, path) for path in sorted(added) if commit.placed[path] == place],
        )
        for place in sorted({*(live[path] for path in removed), *(commit.placed[path] for path in added)})
    )


def _only_sets_properties(lake: Lake, subject: str, commit: LogCommit) -> bool:
    """Whether a `metaData` action is the one before with other properties of ours, or with more columns, all null."""
    try:
        table = table_before(lake, subject, commit)
        if table is None:
            return False
        before, fields = table.metadata(), json.loads(table.schema().to_json())["fields"]
        told = commit.described
        told_fields = json.loads(told["schemaString"])["fields"]
        more = told_fields[len(fields) :]
        settings = dict(told.get("configuration") or {})
    except (LakeError, ValueError, KeyError, TypeError, OverflowError):
        return False
    changed = dict(before.configuration.items() ^ settings.items())
    return (
        (before.id, before.name, before.description) == (told.get("id"), told.get("name"), told.get("description"))
        and before.partition_columns == told.get("partitionColumns")
        and told_fields[: len(fields)] == fields
        and all(field.get("nullable") and field.get("metadata", {}).keys() <= {"comment"} for field in more)
        and all(name in _OWN_PROPERTIES or name.startswith(PREFIX) for name in changed)
    )


def _is_readable(protocol: Mapping[str, Any]) -> bool:
    """Whether a `protocol` action asks of readers and writers only what this house itself sets."""
    features = {*(protocol.get("readerFeatures") or ()), *(protocol.get("writerFeatures") or ())}
    newest = (int(protocol.get("minReaderVersion", 0)), int(protocol.get("minWriterVersion", 0)))
    return features <= _FEATURES and newest[0] <= _TABLE_FEATURES[0] and newest[1] <= _TABLE_FEATURES[1]
