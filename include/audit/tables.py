"""The ledger against the tables: every commit in a table's log has its record, and every record its commit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.audit.delta_log import Commit, CommitUnreadable, read_commit, versions
from include.audit.ledger import HEAD_METADATA
from include.audit.verification import Discrepancy
from include.lake.errors import LakeError, LakeTableMissing
from include.lake.root import Lake

ZONES = ("registry", "shared")
"""Where every table must be known to the ledger. Tables elsewhere are compared if the ledger speaks of them."""


@dataclass(frozen=True, slots=True)
class TableLog:
    """A table's log as it stands: its id, and each version that still has a file (None: unreadable)."""

    subject: str
    table_id: str
    commits: dict[int, Commit | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many commits agreed with their record, how many can no longer be looked at, and what did not agree."""

    commits: int
    past_checking: int
    discrepancies: tuple[Discrepancy, ...]


def read_logs(lake: Lake) -> dict[str, TableLog]:
    """The logs of all tables in the watched zones, by subject (the table's path in the lake)."""
    subjects = [
        f"{zone}/{outer.rpartition('/')[2]}/{inner.rpartition('/')[2]}"
        for zone in ZONES
        for outer in lake.list(lake.path(zone))
        for inner in lake.list(outer)
    ]
    return {log.subject: log for subject in subjects if (log := _read_log(lake, subject)) is not None}


def compare_tables(lake: Lake, logs: dict[str, TableLog], entries: pa.Table) -> Comparison:
    """Hold the tables' logs against the ledger's entries; logs of other zones are read as the entries name them."""
    recorded = _recorded(entries)
    hashes = dict(zip(entries["sequence"].to_pylist(), entries["hash"].to_pylist(), strict=True))
    found: list[Discrepancy] = []
    agreed = past = 0
    for subject in sorted({*logs, *recorded}):
        standing = recorded.get(subject, {})
        log = logs.get(subject) or _read_log(lake, subject)
        for table_id, records in standing.items():
            if log is None or log.table_id != table_id:
                last = max(records.values(), key=lambda record: int(record["sequence"]))
                why = f"{subject} was removed or replaced: the table that entry {last['sequence']} speaks of is gone"
                found.append(Discrepancy(last["sequence"], subject, why))
        if log is not None:
            records = standing.get(log.table_id, {})
            found += _compare_log(log, records, hashes)
            agreed += sum(version in records for version in log.commits)
            past += sum(version < min(log.commits, default=0) for version in records)
    return Comparison(agreed, past, tuple(found))


def _compare_log(log: TableLog, records: dict[int, dict[str, Any]], hashes: dict[int, str]) -> Iterator[Discrepancy]:
    oldest = min(log.commits, default=0)
    for version, commit in log.commits.items():
        record = records.get(version)
        sequence = record["sequence"] if record else None
        where = f"version {version} of {log.subject}"
        if record is None:
            why = f"{where} is not in the ledger: its record was dropped, or the commit was made past the pipelines"
            yield Discrepancy(None, log.subject, why)
        elif commit is None or commit.sha256 != record["commit_sha256"]:
            yield Discrepancy(sequence, log.subject, f"the log of {where} was altered after entry {sequence}")
        if commit is not None and (note := commit.metadata.get(HEAD_METADATA)):
            entry, _, noted = note.partition(":")
            if entry.isdecimal() and int(entry) > 0 and hashes.get(int(entry)) != noted:
                why = f"entry {entry} was dropped or replaced: {where} was committed upon another"
                yield Discrepancy(int(entry), log.subject, why)
    for version, record in records.items():
        if version >= oldest and version not in log.commits:
            why = f"version {version} of {log.subject} was removed from its log"
            yield Discrepancy(record["sequence"], log.subject, why)


def _recorded(entries: pa.Table) -> dict[str, dict[str, dict[int, dict[str, Any]]]]:
    """Commit records by subject, table id and version, of tables whose removal is not recorded."""
    entries = entries.filter(pc.is_in(entries["kind"], pa.array(["commit", "removal"])))
    recorded: dict[str, dict[str, dict[int, dict[str, Any]]]] = {}
    columns: Sequence[list[Any]] = [entries[name].to_pylist() for name in ("sequence", "kind", "subject", "payload")]
    for sequence, kind, subject, text in zip(*columns, strict=True):
        try:
            payload = json.loads(text)
            tables = recorded.setdefault(subject, {})
            if kind == "removal":
                tables.pop(payload["table_id"], None)
            else:
                record = {"sequence": sequence, "commit_sha256": payload["commit_sha256"]}
                tables.setdefault(payload["table_id"], {})[int(payload["version"])] = record
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # an altered entry: the walk of the chain has named it
    return {subject: tables for subject, tables in recorded.items() if tables}


def _read_log(lake: Lake, subject: str) -> TableLog | None:
    files = versions(lake, lake.path(subject))
    if not files:
        return None
    try:
        table_id = str(lake.table(subject).metadata().id)
    except LakeTableMissing:
        return None
    except LakeError:
        table_id = ""

    def read(uri: str) -> Commit | None:
        try:
            return read_commit(lake, uri)
        except (CommitUnreadable, FileNotFoundError):
            return None

    with ThreadPoolExecutor(8 if lake.is_s3 else 1) as pool:
        return TableLog(subject, table_id, dict(zip(files, pool.map(read, files.values()), strict=True)))
