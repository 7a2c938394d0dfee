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
from include.lake.delta import LogPosition
from include.lake.storage import Lake
from include.pipelines.serving.live_agreements import LiveCatalog
from include.sharing.delta_sharing import SharedTable

_GET, _HEAD = "REST.GET.OBJECT", "REST.HEAD.OBJECT"
_OFFERED, _REFUSED = (200, 206), (401, 403)
_PLAIN = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_FIELDS = ("request_id", "requester", "operation", "bucket", "key", "status", "remote_ip", "error_code")
_CLAIMED = "claimed:"
"""Before an address: the store takes X-Forwarded-For and X-Real-IP of the request, which no signature covers."""
_SHARED, _LOG = "shared", "_delta_log"


class StoreReads:
    """Turns entries of the store's access log into records of reads."""

    def __init__(self, lake: Lake, catalog: LiveCatalog) -> None:
        self._lake, self._catalog = lake, catalog
        self._root = lake.uri.removeprefix("s3://")
        self._logs: dict[str, _TableLog] = {}
        self._lock = threading.Lock()

    def record(self, entry: Mapping[str, object], at: datetime) -> ReadRecord | None:
        """The record of an entry; None if it is no read of a data file by a recipient.

        A request that the store refused is on record as refused. A file is read by several requests: its footer, then
        parts of it; each is a record. `from_version` to `version` are those that the file is part of.

        An entry that lacks something is told with what it has: one that was refused would be sent again for ever.

        Raises:
            LakeError: the table's log cannot be read now.
        """
        said = {name: str(entry.get(name) or "") for name in _FIELDS}
        shares = self._catalog.now().shares.get(said["requester"])
        uri, status = f"{said['bucket']}/{said['key']}", int(said["status"]) if said["status"].isdecimal() else 0
        if shares is None or said["operation"] not in (_GET, _HEAD):
            return None
        known: dict[str, Any] = {
            "read_id": f"store-{_plain(said['request_id'])}", "at": at, "action": "store", "status": status,
            "recipient": said["requester"], "address": f"{_CLAIMED}{_plain(said['remote_ip'])}",
        }  # fmt: skip
        if status in _REFUSED:
            return ReadRecord(verdict="refused", reason=f"the store: {_plain(said['error_code'])}", **known)
        folder = f"{self._root}/{_SHARED}/{said['requester']}/"
        if said["operation"] != _GET or status not in _OFFERED or not uri.startswith(folder):
            return None
        product, _, path = uri.removeprefix(folder).partition("/")
        if not path or path.startswith(f"{_LOG}/"):
            return None
        tables = [table for share in shares.values() for table in share.tables.values()]
        found = next((table for table in tables if table.product.name == product), None)
        if found is None:  # a table that an agreement left a moment ago
            return ReadRecord(verdict="offered", product=product, **known)
        return self._of_table(ReadRecord(verdict="offered", **known), found, path)

    def _of_table(self, read: ReadRecord, table: SharedTable, path: str) -> ReadRecord:
        agreement, product = table.agreement, table.product
        first, last = self._versions(table.subject, path)
        return replace(
            read, agreement=agreement.agreement_id, agreement_version=agreement.version, purpose=agreement.purpose,
            registry=product.registry, table=product.table, product=product.name, from_version=first, version=last,
            columns=tuple(column.name for column in product.given),
        )  # fmt: skip

    def _versions(self, subject: str, path: str) -> tuple[int | None, int | None]:
        with self._lock:
            log = self._logs.setdefault(subject, _TableLog(self._lake, self._lake.path(subject)))
            log.follow()
            return log.versions_of(path)


@dataclass
class _TableLog:
    """The commits of a shared table, read as they come."""

    lake: Lake
    uri: str
    position: LogPosition | None = None
    commits: dict[int, LogCommit] = field(default_factory=dict)

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
        self.position = LogPosition.of(self.lake, self.uri, newest)

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
