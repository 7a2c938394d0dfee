"""The ledger against the tables: every commit has its record, every record its commit, and readers see just that."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import unquote

import pyarrow as pa

from include.audit.delta_log import (
    Commit,
    CommitUnreadable,
    other_files,
    read_commit,
    version_of,
    versions,
)
from include.audit.ledger import HEAD_METADATA, LEDGER
from include.audit.told import TableTold, Told
from include.audit.verification import Discrepancy
from include.lake.errors import LakeDenied, LakeError, LakeTableMissing, LakeUnreachable, lake_errors
from include.lake.maintain import find_tables
from include.lake.root import Lake


@dataclass(frozen=True, slots=True)
class TableLog:
    """A table as it stands: its id, and each version that still has a file in the log (None: unreadable).

    A reader is shown `version`, and `live` data files; None if the table cannot be opened.
    """

    subject: str
    table_id: str
    commits: dict[int, Commit | None] = field(default_factory=dict)
    version: int = -1
    live: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many commits agreed with their record, how many can no longer be looked at, and what did not agree."""

    commits: int
    past_checking: int
    discrepancies: tuple[Discrepancy, ...]


def read_logs(lake: Lake) -> dict[str, TableLog]:
    """The logs of all tables of the lake but the ledger's own, by subject (the table's path in the lake)."""
    subjects = [subject for subject in find_tables(lake) if subject != LEDGER]
    return {log.subject: log for subject in subjects if (log := _read_log(lake, subject)) is not None}


def compare_tables(lake: Lake, logs: dict[str, TableLog], told: Told) -> Comparison:
    """Hold the tables' logs against what the ledger tells of them."""
    found: list[Discrepancy] = []
    agreed = past = 0
    for subject in sorted({*logs, *told.tables} - {LEDGER}):
        standing = {table_id: table for table_id, table in told.tables.get(subject, {}).items() if table.commits}
        log = logs.get(subject) or (_read_log(lake, subject) if standing else None)
        for table_id, table in standing.items():
            if log is None or (log.table_id != table_id and log.table_id):
                why = f"{subject} was removed or replaced: the table that entry {table.last_sequence} speaks of is gone"
                found.append(Discrepancy(table.last_sequence, subject, why))
        if log is None:
            continue
        if not log.table_id:  # it cannot be opened, so the ledger says which table it should be
            why = f"{subject} cannot be opened: its log or a checkpoint was altered or removed"
            found.append(
                Discrepancy(max((t.last_sequence or 0 for t in standing.values()), default=None), subject, why)
            )
        told_of = standing.get(log.table_id) or (None if log.table_id else next(iter(standing.values()), None))
        table = told_of or TableTold(subject, log.table_id)
        found += _compare_log(log, table, told.hashes)
        found += _compare_view(log, table)
        found += compare_log_files(lake, table, set(log.commits))
        agreed += sum(version in table.commits for version in log.commits)
        past += sum(version < min(log.commits, default=0) for version in table.commits)
    return Comparison(agreed, past, tuple(found))


def compare_log_files(lake: Lake, table: TableTold, commits: set[int]) -> Iterator[Discrepancy]:
    """What lies in a table's log beside its commits, by which readers are led: only what the ledger knows, as it was.

    A log that is cleaned loses old commits and old checkpoints together; `commits` are the versions that are there.
    """
    here = other_files(lake, lake.path(table.subject))
    kept = max((version_of(name) or 0 for name in table.log), default=0)
    for name, uri in here.items():
        known = table.log.get(name)
        if known is None:
            why = f"{name} in the log of {table.subject} is in no entry of the ledger, and readers may believe it"
            yield Discrepancy(None, table.subject, why)
        elif lake.digest(uri) != known.sha256:
            why = f"{name} in the log of {table.subject} was altered after entry {known.sequence}"
            yield Discrepancy(known.sequence, table.subject, why)
    for name, known in table.log.items():
        version = version_of(name)
        if name not in here and (version is None or version >= kept or version in commits):
            why = f"{name} was removed from the log of {table.subject}"
            yield Discrepancy(known.sequence, table.subject, why)


def _compare_view(log: TableLog, table: TableTold) -> Iterator[Discrepancy]:
    """What a reader is shown, wherever in the log he begins, is what the ledger's entries add up to."""
    if log.live is None or not table.commits:
        return
    if log.version < table.newest:
        why = f"readers are shown version {log.version} of {log.subject}: entry {table.last_sequence} made version "
        yield Discrepancy(table.last_sequence, log.subject, f"{why}{table.newest}")
    if log.version != table.newest or (told := table.live()) is None or told == log.live:
        return
    hidden, foreign = len(told - log.live), len(log.live - told)
    why = (
        f"readers of {log.subject} are shown other data files than its commits made: {hidden} hidden, {foreign} that "
        "are not of this version"
    )
    yield Discrepancy(table.last_sequence, log.subject, why)


def _compare_log(log: TableLog, table: TableTold, hashes: dict[int, str]) -> Iterator[Discrepancy]:
    oldest = min(log.commits, default=0)
    for version, commit in log.commits.items():
        record = table.commits.get(version)
        sequence = record.sequence if record else None
        where = f"version {version} of {log.subject}"
        if record is None:
            why = f"{where} is not in the ledger: its record was dropped, or the commit was made past the pipelines"
            yield Discrepancy(None, log.subject, why)
        elif commit is None or commit.sha256 != record.sha256:
            yield Discrepancy(sequence, log.subject, f"the log of {where} was altered after entry {sequence}")
        if commit is not None and (note := commit.metadata.get(HEAD_METADATA)):
            entry, _, noted = note.partition(":")
            if entry.isdecimal() and int(entry) > 0 and hashes.get(int(entry)) != noted:
                why = f"entry {entry} was dropped or replaced: {where} was committed upon another"
                yield Discrepancy(int(entry), log.subject, why)
    for version, record in table.commits.items():
        if version >= oldest and version not in log.commits:
            why = f"version {version} of {log.subject} was removed from its log"
            yield Discrepancy(record.sequence, log.subject, why)


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
        pass  # evidence, not a crash: it is named

    def read(uri: str) -> Commit | None:
        try:
            return read_commit(lake, uri)
        except (CommitUnreadable, FileNotFoundError):
            return None

    with ThreadPoolExecutor(8 if lake.is_s3 else 1) as pool:
        commits = dict(zip(files, pool.map(read, files.values()), strict=True))
    return TableLog(subject, table_id, commits, version, live)
