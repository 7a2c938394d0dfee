"""Ledger records of table commits, made from the tables' Delta logs.

A commit of a table and its record in the ledger are two writes. So the record is made from the log, after the commit,
and a later run also records the commits that a killed run could not: pipelines call
`append(lake, commit_records(lake, ...))` after every step that touches a table. Foreign commits that change rows are
not recorded: `verify` reports them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from include.audit import ledger
from include.audit.ledger import (
    LAST_CHECKPOINT,
    LedgerEntry,
    Record,
    Taken,
    checkpoint_record,
    newest_checkpoint,
    recorded_checkpoint,
)
from include.audit.verification.delta_log import (
    PREFIX,
    RUN_ID,
    CommitUnreadable,
    LogCommit,
    changes_nothing,
    read_commit,
    table_before,
    versions,
)
from include.audit.verification.recorded_state import RecordedState
from include.audit.verification.row_digests import EVIDENCE, row_digests
from include.lake.delta import find_tables
from include.lake.storage import SERVER, Lake, LakeTableMissing, partition_values

# Commit metadata that goes into the ledger: counts, versions and digests. Not the cursor, a value of the registry.
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
ALWAYS_RECORDED = ("registry/", "shared/")
"""Zones whose tables are in the ledger from their first commit on, also in older lakes."""
_SOON_SECONDS = 60
_EVERY_ZONE = ("tells of every zone", 1)
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
) -> tuple[LedgerEntry, ...]:
    """Append records, and all unrecorded commits of these tables (lake paths); returns the entries written.

    Pipelines call it after they touched tables; a retry adds nothing twice.
    """
    return ledger.append(lake, [*commit_records(lake, tables), *records], at=at, actor=actor)


def commit_records(lake: Lake, subjects: Iterable[str]) -> list[Record]:
    """Records of the unrecorded commits of the tables `subjects` (lake paths).

    One `commit` per version; before them a `removal` of the former table if this one was recreated for a stated reason;
    after them the other files in its log. A table that is gone or replaced without a reason gets no record: `verify`
    reports it.

    An older ledger, which did not cover every zone, records the current state of the other zones once.
    """
    taken = ledger.taken(lake)
    if taken(_EVERY_ZONE[0]) is not None or not ledger.is_of_before(lake):
        return [record for subject in subjects for record in _table_records(lake, subject, taken)]
    every = [*subjects, *(table for table in find_tables(lake) if not table.startswith(ALWAYS_RECORDED))]
    found = [
        record
        for subject in dict.fromkeys(every)
        for record in _table_records(lake, subject, taken, as_it_is=not subject.startswith(ALWAYS_RECORDED))
    ]
    return [*found, Record("maintenance", ledger.LEDGER, {"tells_of": "every zone"}, once=_EVERY_ZONE)]


def _table_records(lake: Lake, subject: str, taken: Taken, *, as_it_is: bool = False) -> list[Record]:
    try:
        table = lake.table(subject)
    except LakeTableMissing:
        return []
    table_id, records = str(table.metadata().id), []
    recorded_version = taken(once_name(subject, table_id))
    for uri in _since(lake, subject, recorded_version, int(table.version())) if subject != ledger.LEDGER else ():
        try:
            commit = read_commit(lake, uri)
        except (CommitUnreadable, FileNotFoundError):
            continue
        if (recorded_version is None and as_it_is) or _is_ours(lake, subject, commit, taken):
            records.append(_commit(lake, subject, table_id, commit))
    if recorded_version is None and records and (reason := records[0].payload.get("reason")):
        standing = RecordedState.of(ledger.read(lake)).tables.get(subject, {})
        former = [name for name in standing if name != table_id]
        records[:0] = [_removal(subject, name, str(reason), table_id) for name in former]
    return [*records, *_log_records(lake, subject, table_id, taken, recorded_version)]


def _is_ours(lake: Lake, subject: str, commit: LogCommit, taken: Taken) -> bool:
    """Whether a commit belongs to a run of ours, or provably changes no row.

    A run commits before it is recorded, never after: a commit that names a recorded run is foreign. Log tables are
    append-only. A commit's own claim to change no data is checked by comparing its rows.
    """
    if changes_nothing(lake, subject, commit):
        return True
    if not commit.run_id or (subject.startswith(EVIDENCE) and commit.removed):
        return False
    if not _is_in_place(lake, subject, commit):
        return False
    zone, _, of = subject.partition("/")
    match zone:
        case "registry":
            before = table_before(lake, subject, commit)
            is_sliced = before is not None and SERVER in before.metadata().partition_columns
            runs = [f"registry/{of}@{server}" if server else f"registry/{of}" for server in commit.servers]
            return not (is_sliced and "" in commit.servers) and not any(_is_over(run, commit, taken) for run in runs)
        case "rejected":
            return not _is_over(f"registry/{of}", commit, taken)
        case "people":
            return not _is_over("people", commit, taken) and _is_first_of_run(lake, subject, commit)
        case "shared":
            return _is_first_of_run(lake, subject, commit)
        case "indicators":
            return taken(f"run/{subject}/{commit.run_id}") is None
        case "history":
            return bool(commit.marks) and _is_news(lake, subject, commit)
        case "audit":
            return of == "runs" or (bool(commit.marks) and _is_news(lake, subject, commit))
        case "statistics" | "reference":  # held figures of each product; a list that comes back has its former run
            return True
    return False


def _is_in_place(lake: Lake, subject: str, commit: LogCommit) -> bool:
    """Whether added files have values of the table's partition columns, and lie in the folder of their server."""
    files = {path: json.loads(place) for path, place in commit.placed.items()}
    if any((values.get(SERVER) or "") != partition_values(path).get(SERVER, "") for path, values in files.items()):
        return False
    before = table_before(lake, subject, commit) if any(files.values()) else None
    columns = commit.described.get("partitionColumns") or (before.metadata().partition_columns if before else ())
    return all(not values or values.keys() == set(columns) for values in files.values())


def _is_over(run: str, commit: LogCommit, taken: Taken) -> bool:
    return taken(f"run/{run}/{commit.run_id}/published") is not None


def _is_first_of_run(lake: Lake, subject: str, commit: LogCommit) -> bool:
    """Whether a commit has the mark of its run, of which a table gets one."""
    return commit.run_id in commit.marks and _is_news(lake, subject, commit)


def _is_news(lake: Lake, subject: str, commit: LogCommit) -> bool:
    """Whether an application transaction of a commit is none that the table had before."""
    before = table_before(lake, subject, commit)
    had = {mark: before.transaction_version(mark) if before is not None else None for mark in commit.marks}
    return any((last := had[mark]) is None or last < version for mark, version in commit.marks.items())


def _since(lake: Lake, subject: str, recorded_version: int | None, newest: int) -> Iterable[str]:
    """URIs of the unrecorded commits, found without listing the whole log."""
    if recorded_version is None:
        return versions(lake, lake.path(subject)).values()
    return [
        f"{lake.path(subject)}/_delta_log/{version:020d}.json" for version in range(recorded_version + 1, newest + 1)
    ]


def _log_records(lake: Lake, subject: str, table_id: str, taken: Taken, recorded: int | None) -> list[Record]:
    """Records of new checkpoints in the table's log, at which readers begin.

    Ours is written just after its commit; one of a version recorded long ago (`recorded` is the last) is foreign.
    `_last_checkpoint`, which points to the newest, shows whether there is a new one.
    """
    newest, recorded_version = newest_checkpoint(lake, subject), taken(recorded_checkpoint(subject, table_id))
    if (
        newest is None
        or (recorded_version is not None and newest <= recorded_version)
        or not _is_of_the_commit(lake, subject, newest, recorded)
    ):
        return []
    return [checkpoint_record(lake, subject, table_id, newest, recorded_version)]


def _is_of_the_commit(lake: Lake, subject: str, version: int, recorded: int | None) -> bool:
    """Whether a checkpoint was written with its commit, which is unrecorded or was made just before."""
    if recorded is None or version > recorded:
        return True
    log = f"{lake.path(subject)}/_delta_log/{version:020d}"
    try:
        committed = read_commit(lake, f"{log}.json").committed_ms / 1000
    except (CommitUnreadable, FileNotFoundError):
        return False
    _, _, written = lake.file_stamp(f"{lake.path(subject)}/_delta_log/{LAST_CHECKPOINT}").partition("@")
    return bool(written) and int(written) / 1e9 - committed < _SOON_SECONDS


def once_name(subject: str, table_id: str) -> str:
    """Name of the application transaction with the last recorded version of a table."""
    return f"commit/{subject}/{table_id}"


def _digests(lake: Lake, subject: str, paths: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each of a commit's files that still exists."""
    found = {}
    for path in paths:
        try:
            found[path] = lake.digest(lake.path(subject, path))
        except FileNotFoundError:
            continue  # vacuumed before it was recorded
    return found


def _removal(subject: str, table_id: str, reason: str, successor: str) -> Record:
    payload = {"table_id": table_id, "reason": reason, "successor": successor}
    return Record("removal", subject, payload, once=(f"removal/{subject}/{table_id}", 1))


def _commit(lake: Lake, subject: str, table_id: str, commit: LogCommit) -> Record:
    payload: dict[str, Any] = {
        "table_id": table_id,
        "version": commit.version,
        "commit_sha256": commit.sha256,
        "operation": commit.operation,
        "committed_ms": commit.committed_ms,
        "files": _digests(lake, subject, commit.added),
        "files_removed": len(commit.removed),
        "rows_added": commit.rows_added,
        "run_id": commit.metadata.get(RUN_ID),
    }
    if commit.removed:
        payload["removed"] = sorted(commit.removed)
    if commit.feed:
        payload["feed"] = _digests(lake, subject, commit.feed)
    if subject.startswith(EVIDENCE) and commit.changes_data:
        payload["rows"] = row_digests(lake, subject, payload["files"])
    for name in _NOTES:
        if value := commit.metadata.get(PREFIX + name):
            payload[name] = value
    for name in _COUNTS:
        value = commit.metadata.get(PREFIX + name, "")
        if value.isdecimal():
            payload[name] = int(value)
    return Record("commit", subject, payload, once=(once_name(subject, table_id), commit.version))
