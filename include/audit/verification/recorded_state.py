"""State of the lake accumulated from the ledger's entries: each table's commits, and the digests of files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from include.audit.ledger import SCHEMA, LedgerEntry


@dataclass(frozen=True, slots=True)
class RecordedCommit:
    """One recorded commit of a table. Paths are below the table's folder; `files` has the digest of each.

    `removed` is None in an entry that has only the number of files. `rows` are digests of the rows that the commit
    added to a log table.
    """

    sequence: int
    at: datetime
    sha256: str
    added: dict[str, str]
    feed: dict[str, str]
    removed: tuple[str, ...] | None
    rows: tuple[str, ...]
    run_id: str


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A recorded file, by the last entry with its digest; `former` are its earlier digests."""

    sequence: int
    sha256: str
    former: frozenset[str] = frozenset()


@dataclass(slots=True)
class RecordedTable:
    """Recorded state of one table (`subject` is its lake path); `log` are files of its Delta log by name."""

    subject: str
    table_id: str
    commits: dict[int, RecordedCommit] = field(default_factory=dict)
    log: dict[str, RecordedFile] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        """The last recorded version; -1 if none."""
        return max(self.commits, default=-1)

    @property
    def last_sequence(self) -> int | None:
        """The entry of the newest version."""
        return self.commits[self.newest].sequence if self.commits else None

    def files(self) -> dict[str, RecordedFile]:
        """Every recorded data file and file of the change feed by path, without those of unknown digest."""
        return {
            path: RecordedFile(commit.sequence, digest)
            for _, commit in sorted(self.commits.items())
            for path, digest in (*commit.added.items(), *commit.feed.items())
            if digest
        }

    def live(self) -> set[str] | None:
        """The data files of the newest version; None if the entries do not reach back to the first."""
        if set(self.commits) != set(range(len(self.commits))):
            return None
        standing: set[str] = set()
        for _, commit in sorted(self.commits.items()):
            if commit.removed is None:
                return None
            standing.difference_update(commit.removed)
            standing.update(commit.added)
        return standing

    def removed_at(self) -> dict[str, datetime]:
        """Removal time of each former data file, and creation time of each file of the change feed.

        A file that a later commit added again, as a restore does, is no former one.
        """
        gone: dict[str, datetime] = {}
        for _, commit in sorted(self.commits.items()):
            gone |= dict.fromkeys((*(commit.removed or ()), *commit.feed), commit.at)
            for path in commit.added:
                gone.pop(path, None)
        return gone


@dataclass(slots=True)
class RecordedState:
    """Recorded state of the lake. `bound` are single files, by folder and name; `hashes` the hash of each entry."""

    tables: dict[str, dict[str, RecordedTable]] = field(default_factory=dict)
    bound: dict[str, dict[str, RecordedFile]] = field(default_factory=dict)
    hashes: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: pa.Table) -> RecordedState:
        """State accumulated from entries; altered ones, which the chain's verification reports, are skipped."""
        recorded = cls()
        for entry in LedgerEntry.read(entries.select(SCHEMA.names)):
            recorded.hashes[entry.sequence] = entry.hash
            try:
                recorded._take(entry, json.loads(entry.payload))
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
        return recorded

    def _take(self, entry: LedgerEntry, payload: dict[str, Any]) -> None:
        tables = self.tables.setdefault(entry.subject, {}) if "table_id" in payload else {}
        if entry.kind == "removal" and "table_id" in payload:
            tables.pop(payload["table_id"], None)
        elif "table_id" in payload:
            name = payload["table_id"]
            table = tables.setdefault(name, RecordedTable(entry.subject, name))
            if entry.kind == "commit":
                table.commits[int(payload["version"])] = _commit(entry, payload)
            table.log |= {path: RecordedFile(entry.sequence, digest) for path, digest in payload.get("log", {}).items()}
        for path in payload.get("unbound", ()):
            folder, _, name = path.rpartition("/")
            self.bound.pop(path, None)
            self.bound.get(folder, {}).pop(name, None)
        for path, digest in payload.get("bound", {}).items():
            folder, _, name = path.rpartition("/")
            files = self.bound.setdefault(folder, {})
            was = files.get(name)
            former = was.former | {was.sha256} if was else frozenset()
            files[name] = RecordedFile(entry.sequence, digest, former)


def _commit(entry: LedgerEntry, payload: dict[str, Any]) -> RecordedCommit:
    removed = payload.get("removed", () if not payload.get("files_removed") else None)
    return RecordedCommit(
        sequence=entry.sequence,
        at=datetime.fromtimestamp(ms / 1000, UTC) if (ms := int(payload.get("committed_ms", 0))) else entry.at,
        sha256=payload["commit_sha256"],
        added=dict(payload["files"]),
        feed=dict(payload.get("feed", {})),
        removed=None if removed is None else tuple(removed),
        rows=tuple(payload.get("rows", ())),
        run_id=payload.get("run_id") or "",
    )
