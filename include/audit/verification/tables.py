"""Verification of tables: every commit has its record, every record its commit, and readers see just these."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote

import pyarrow as pa

from include.audit.ledger import HEAD_METADATA, LEDGER, other_files, version_of
from include.audit.verification.delta_log import (
    CommitUnreadable,
    LogCommit,
    read_commit,
    versions,
)
from include.audit.verification.findings import Discrepancy
from include.audit.verification.recorded_state import RecordedState, RecordedTable
from include.lake.delta import RETENTION, find_tables
from include.lake.storage import Lake, LakeDenied, LakeError, LakeTableMissing, LakeUnreachable, lake_errors


@dataclass(frozen=True, slots=True)
class TableLog:
    """Actual state of a table: its id, and each version that still has a log file (None: unreadable).

    `version` and `live` data files are what a reader sees; None if the table cannot be opened.
    """

    subject: str
    table_id: str
    commits: dict[int, LogCommit | None] = field(default_factory=dict)
    version: int = -1
    live: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class TablesChecked:
    """Number of commits that match their record, of those no longer checkable, and the discrepancies."""

    commits: int
    past_checking: int
    discrepancies: tuple[Discrepancy, ...]


def read_logs(lake: Lake) -> dict[str, TableLog]:
    """The logs of all tables of the lake but the ledger's own, by subject (the table's path in the lake)."""
    subjects = [subject for subject in find_tables(lake) if subject != LEDGER]
    return {log.subject: log for subject in subjects if (log := _read_log(lake, subject)) is not None}


def compare_tables(lake: Lake, logs: dict[str, TableLog], recorded: RecordedState, *, now: datetime) -> TablesChecked:
    """Compare the tables' logs with their recorded state.

    Commits older than RETENTION, counted from `now`, may be cleaned from a log; nothing else confirms those.
    """
    findings: list[Discrepancy] = []
    agreed = past = 0
    for subject in sorted({*logs, *recorded.tables} - {LEDGER}):
        standing = {table_id: table for table_id, table in recorded.tables.get(subject, {}).items() if table.commits}
        log = logs.get(subject) or (_read_log(lake, subject) if standing else None)
        for table_id, table in standing.items():
            if log is None or (log.table_id != table_id and log.table_id):
                named = {"table": subject, "entry": table.last_sequence}
                findings.append(Discrepancy.of("table gone", subject, table.last_sequence, **named))
        if log is None:
            continue
        if not log.table_id:  # it cannot be opened: take the id from the ledger
            last = max((table.last_sequence or 0 for table in standing.values()), default=None)
            findings.append(Discrepancy.of("table cannot be opened", subject, last, table=subject))
        told_of = standing.get(log.table_id) or (None if log.table_id else next(iter(standing.values()), None))
        table = told_of or RecordedTable(subject, log.table_id)
        findings += _compare_log(log, table, recorded.hashes, kept_since=now - RETENTION)
        findings += _compare_view(log, table)
        findings += compare_log_files(lake, table, set(log.commits))
        agreed += sum(version in table.commits for version in log.commits)
        past += sum(version < min(log.commits, default=0) for version in table.commits)
    return TablesChecked(agreed, past, tuple(findings))


def compare_log_files(lake: Lake, table: RecordedTable, commits: set[int]) -> Iterator[Discrepancy]:
    """Compare the checkpoints in a table's log, which readers follow, with the recorded ones.

    Log cleaning removes old commits and old checkpoints together; `commits` are the existing versions.
    """
    here = other_files(lake, lake.path(table.subject))
    kept = max((version_of(name) or 0 for name in table.log), default=0)
    for name, uri in here.items():
        recorded_file = table.log.get(name)
        if recorded_file is None:
            yield Discrepancy.of("stranger in the log", table.subject, None, name=name, table=table.subject)
        elif lake.digest(uri) != recorded_file.sha256:
            named = {"name": name, "table": table.subject, "entry": recorded_file.sequence}
            yield Discrepancy.of("log file altered", table.subject, recorded_file.sequence, **named)
    for name, recorded_file in table.log.items():
        version = version_of(name)
        if name not in here and (version is None or version >= kept or version in commits):
            named = {"name": name, "table": table.subject}
            yield Discrepancy.of("log file removed", table.subject, recorded_file.sequence, **named)


def _compare_view(log: TableLog, table: RecordedTable) -> Iterator[Discrepancy]:
    """Check that version and live files, as a reader sees them, equal the recorded state."""
    if log.live is None or not table.commits:
        return
    if log.version < table.newest:
        named = {"shown": log.version, "version": table.newest, "table": log.subject, "entry": table.last_sequence}
        yield Discrepancy.of("older version shown", log.subject, table.last_sequence, **named)
    if log.version != table.newest or (recorded := table.live()) is None or recorded == log.live:
        return
    named = {"table": log.subject, "hidden": len(recorded - log.live), "foreign": len(log.live - recorded)}
    yield Discrepancy.of("other files shown", log.subject, table.last_sequence, **named)


def _compare_log(
    log: TableLog, table: RecordedTable, hashes: dict[int, str], *, kept_since: datetime
) -> Iterator[Discrepancy]:
    oldest = min(log.commits, default=0)
    for version, commit in log.commits.items():
        record = table.commits.get(version)
        named = {"version": version, "table": log.subject}
        if record is None:
            yield Discrepancy.of("version not in ledger", log.subject, None, **named)
        elif commit is None or commit.sha256 != record.sha256:
            entry = record.sequence
            yield Discrepancy.of("version altered", log.subject, entry, entry=entry, **named)
        if commit is not None and (note := commit.metadata.get(HEAD_METADATA)):
            number, _, noted = note.partition(":")
            if number.isdecimal() and int(number) > 0 and hashes.get(int(number)) != noted:
                yield Discrepancy.of("version upon another", log.subject, int(number), entry=number, **named)
    for version, record in table.commits.items():
        if version not in log.commits and (version >= oldest or record.at > kept_since):
            named = {"version": version, "table": log.subject}
            yield Discrepancy.of("version removed", log.subject, record.sequence, **named)


def _read_log(lake: Lake, subject: str) -> TableLog | None:
    files = versions(lake, lake.path(subject))
    if not files and not other_files(lake, lake.path(subject)):
        return None
    table_id, version, live = "", -1, None
    try:
        with lake_errors("opening a table"):
            table = lake.table(subject)
            table_id, version = str(table.metadata().id), int(table.version())
            live = frozenset(map(unquote, pa.table(table.get_add_actions())["path"].to_pylist()))
    except LakeTableMissing:
        return None if not files else TableLog(subject, "", {})
    except (LakeUnreachable, LakeDenied):
        raise
    except LakeError:
        pass  # a finding, not a crash

    def read(uri: str) -> LogCommit | None:
        try:
            return read_commit(lake, uri)
        except (CommitUnreadable, FileNotFoundError):
            return None

    with ThreadPoolExecutor(8 if lake.is_s3 else 1) as pool:
        commits = dict(zip(files, pool.map(read, files.values()), strict=True))
    return TableLog(subject, table_id, commits, version, live)
