"""Reads of shared tables' files at the S3 store, from entries of its access log.

A recipient reads its folder with an identity of its own, so the entry says who it was. The lake's own processes are no
recipients, and URLs that the Delta Sharing server signed are read with its identity: that was put on record before.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from include.audit.reads import ReadRecord
from include.audit.verification import CommitUnreadable, LogCommit, log_versions, read_commit
from include.lake.delta import PREFIX, LogPosition
from include.lake.storage import Lake, LakeDenied, LakeError, LakeUnreachable
from include.sharing.recipients import OWN_PROCESSES

_GET, _HEAD = "REST.GET.OBJECT", "REST.HEAD.OBJECT"
_OFFERED, _REFUSED = (200, 206), (401, 403)
_PLAIN = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_FIELDS = ("request_id", "requester", "operation", "bucket", "key", "status", "remote_ip", "error_code")
_CLAIMED = "claimed:"
"""Before an address: the store takes X-Forwarded-For and X-Real-IP of the request, which no signature covers."""
_NO_RECIPIENTS = OWN_PROCESSES | {"", "anonymous"}
"""Our own processes, and requests without a signature, which read nothing."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""An id of a recipient or a product."""
_SHARED, _LOG = "shared", "_delta_log"


class StoreReads:
    """Turns entries of the store's access log into records of reads."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._root = lake.uri.removeprefix("s3://")
        self._logs: dict[str, _TableLog] = {}
        self._lock = threading.Lock()

    def record(self, entry: Mapping[str, object], at: datetime) -> ReadRecord | None:
        """The record of an entry; None if it is no read of a data file by a recipient.

        It tells what was read by the table's own log, never by the agreements of today: nobody carried those out yet.
        A request that the store refused is on record as refused. A file is read by several requests: its footer, then
        parts of it; each is a record. `from_version` to `version` are those that the file is part of.

        An entry that lacks something is told with what it has: one that was refused would be sent again for ever.

        Raises:
            LakeError: the table's log cannot be read now.
        """
        said = {name: str(entry.get(name) or "") for name in _FIELDS}
        uri, status = f"{said['bucket']}/{said['key']}", int(said["status"]) if said["status"].isdecimal() else 0
        if said["requester"] in _NO_RECIPIENTS or said["operation"] not in (_GET, _HEAD):
            return None
        known: dict[str, Any] = {
            "read_id": f"store-{_plain(said['request_id'])}", "at": at, "action": "store", "status": status,
            "recipient": _plain(said["requester"]), "address": f"{_CLAIMED}{_plain(said['remote_ip'])}",
        }  # fmt: skip
        if status in _REFUSED:
            return ReadRecord(verdict="refused", reason=f"the store: {_plain(said['error_code'])}", **known)
        folder = f"{self._root}/{_SHARED}/{said['requester']}/"
        if said["operation"] != _GET or status not in _OFFERED or not uri.startswith(folder):
            return None
        product, _, path = uri.removeprefix(folder).partition("/")
        if not path or path.startswith(f"{_LOG}/"):
            return None
        read = ReadRecord(verdict="offered", product=_plain(product), **known)
        is_subject = _NAME.fullmatch(said["requester"]) and _NAME.fullmatch(product)
        return self._of_table(read, f"{_SHARED}/{said['requester']}/{product}", path) if is_subject else read

    def _of_table(self, read: ReadRecord, subject: str, path: str) -> ReadRecord:
        with self._lock:
            log = self._logs.setdefault(subject, _TableLog(self._lake, self._lake.path(subject)))
            log.follow()
            if not log.knows(path):  # of a table that was removed or made anew since
                return read
            first, last = log.versions_of(path)
            notes, columns, table_id = log.notes, log.columns, log.table_id
        _, registry, table = f"{notes.get('source', '')}//".split("/")[:3]
        return replace(
            read, agreement=notes.get("agreement") or None, agreement_version=notes.get("agreement_version"),
            purpose=notes.get("purpose"), registry=registry or None, table=table or None, from_version=first,
            version=last, columns=columns, table_id=table_id,
        )  # fmt: skip


@dataclass
class _TableLog:
    """The commits of a shared table, read as they come."""

    lake: Lake
    uri: str
    position: LogPosition | None = None
    commits: dict[int, LogCommit] = field(default_factory=dict)
    columns: tuple[str, ...] | None = None
    table_id: str | None = None

    @property
    def notes(self) -> Mapping[str, str]:
        """What the last commit of a run says of the agreement that was carried out; empty without such a commit."""
        runs = [commit for _, commit in sorted(self.commits.items()) if commit.run_id]
        return {name.removeprefix(PREFIX): value for name, value in runs[-1].metadata.items()} if runs else {}

    def follow(self) -> None:
        """Read what was committed since; all anew if the table was made anew."""
        if self.position is not None and self.position.is_newest(self.lake):
            return
        there = log_versions(self.lake, self.uri)
        newest = max(there, default=-1)
        held = self.position
        is_same = held is not None and LogPosition.of(self.lake, self.uri, held.version) == held
        self.commits = {version: one for version, one in self.commits.items() if is_same and version in there}
        for version, uri in there.items():
            if version not in self.commits:
                try:
                    self.commits[version] = read_commit(self.lake, uri)
                except (CommitUnreadable, FileNotFoundError):
                    continue
        self.columns, self.table_id = self._metadata() if there else (None, None)
        self.position = LogPosition.of(self.lake, self.uri, newest)

    def knows(self, path: str) -> bool:
        """Whether the file is this table's; of a file of before the oldest commit that is kept it is supposed."""
        of = self.commits.values()
        return min(self.commits, default=0) > 0 or any(path in (*c.added, *c.removed, *c.feed) for c in of)

    def _metadata(self) -> tuple[tuple[str, ...] | None, str | None]:
        """The table's columns and its Delta id."""
        try:
            table = self.lake.table(self.uri)
        except (LakeUnreachable, LakeDenied):
            raise
        except LakeError:  # a log that is damaged: it would be so each time that the entry came again
            return None, None
        return tuple(column.name for column in table.schema().fields), str(table.metadata().id)

    def versions_of(self, path: str) -> tuple[int | None, int | None]:
        """The first and the last version that a file is part of; of a change file the versions that it leads between.

        A file of before the oldest commit that is kept counts from that one.
        """
        if not self.commits:
            return None, None
        first, last = min(self.commits), max(self.commits)
        for version, commit in sorted(self.commits.items()):
            if path in commit.feed:
                return max(version - 1, 0), version
            if path in commit.added:
                first = version
            elif path in commit.removed:
                last = version - 1
        return first, last


def _plain(text: str) -> str:
    """A short text of plain characters, as ids, codes and addresses are; of any other its digest."""
    return text if _PLAIN.fullmatch(text) else hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
