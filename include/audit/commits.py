"""From a table's log to records of the ledger: which commits the ledger has not taken yet, and which files they added.

A commit of a table and its record in the ledger are two writes. So the record is made from the log, after the commit,
and whoever comes next catches up on what a killed run could not record: `append(lake, commit_records(lake, ...))`
after every step that touches a table is all a pipeline does. Commits that change rows without a run of ours are not
taken: `verify` names them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow.compute as pc

from include.audit import ledger
from include.audit.delta_log import PREFIX, RUN_ID, Commit, CommitUnreadable, read_commit, versions
from include.audit.record import Entry, Record
from include.lake.errors import LakeTableMissing
from include.lake.root import Lake

# What of a commit's metadata goes into the ledger: counts, versions and digests. The cursor stays out: it is a value
# of the registry.
_COUNTS = (
    "extracted",
    "accepted",
    "rejected",
    "superseded",
    "inserted",
    "updated",
    "deleted",
    "retained",
    "live_rows",
)
_NOTES = (
    "contract_version",
    "contract_digest",
    "extract_digest",
    "mode",
    "agreement",
    "agreement_digest",
    "terms_digest",
    "key_id",
    "state",
    "reason",
    "source",
    "source_table_id",
    "source_version",
)


def record(
    lake: Lake, records: Iterable[Record] = (), *, tables: Iterable[str] = (), at: datetime, actor: str
) -> tuple[Entry, ...]:
    """Put into the ledger what happened, and every commit of these tables (paths in the lake) that it has not yet.

    What a pipeline calls after it touched tables; a retry adds nothing twice. Returns the entries written.
    """
    commits = [found for subject in tables for found in commit_records(lake, subject)]
    return ledger.append(lake, [*commits, *records], at=at, actor=actor)


def commit_records(lake: Lake, subject: str) -> list[Record]:
    """Records for what happened to the table `subject` (its path in the lake) since the ledger last heard of it.

    One `commit` per version; before them a `removal` of the former table if this one was made anew for a stated
    reason. A table that is gone or replaced without a reason gets no record: `verify` names it.
    """
    try:
        table_id = str(lake.table(subject).metadata().id)
    except LakeTableMissing:
        return []
    known = ledger.last_taken(lake, once_name(subject, table_id))
    records: list[Record] = []
    for version, uri in versions(lake, lake.path(subject)).items():
        if known is not None and version <= known:
            continue
        try:
            commit = read_commit(lake, uri)
        except (CommitUnreadable, FileNotFoundError):
            continue
        if commit.is_ours:
            records.append(_commit(lake, subject, table_id, commit))
    if known is None and records and (reason := records[0].payload.get("reason")):
        former = [name for name in _standing(lake, subject) if name != table_id]
        records[:0] = [_removal(subject, name, reason, table_id) for name in former]
    return records


def once_name(subject: str, table_id: str) -> str:
    """Under which name the ledger remembers the last recorded version of a table."""
    return f"commit/{subject}/{table_id}"


def _standing(lake: Lake, subject: str) -> list[str]:
    """Ids of the tables that stood at `subject` by the ledger's word, and whose removal is not recorded."""
    entries = ledger.read(lake)
    entries = entries.filter(pc.equal(entries["subject"], subject))
    ids: dict[str, bool] = {}
    for kind, payload in zip(entries["kind"].to_pylist(), entries["payload"].to_pylist(), strict=True):
        if kind in ("commit", "removal"):
            ids[json.loads(payload).get("table_id", "")] = kind == "commit"
    return [table_id for table_id, is_standing in ids.items() if is_standing]


def _digests(lake: Lake, subject: str, commit: Commit) -> dict[str, str]:
    """SHA-256 of each data file that the commit added and that is still there."""
    found = {}
    for path in commit.added:
        try:
            found[path] = lake.digest(lake.path(subject, path))
        except FileNotFoundError:
            continue  # vacuumed before it was recorded
    return found


def _removal(subject: str, table_id: str, reason: str, successor: str) -> Record:
    payload = {"table_id": table_id, "reason": reason, "successor": successor}
    return Record("removal", subject, payload, once=(f"removal/{subject}/{table_id}", 1))


def _commit(lake: Lake, subject: str, table_id: str, commit: Commit) -> Record:
    payload: dict[str, Any] = {
        "table_id": table_id,
        "version": commit.version,
        "commit_sha256": commit.sha256,
        "operation": commit.operation,
        "files": _digests(lake, subject, commit),
        "files_removed": commit.removed,
        "rows_added": commit.rows_added,
        "run_id": commit.metadata.get(RUN_ID),
    }
    for name in _NOTES:
        if value := commit.metadata.get(PREFIX + name):
            payload[name] = value
    for name in _COUNTS:
        value = commit.metadata.get(PREFIX + name, "")
        if value.isdecimal():
            payload[name] = int(value)
    return Record("commit", subject, payload, once=(once_name(subject, table_id), commit.version))
