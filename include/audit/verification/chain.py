"""Verification of the hash chain: every entry unaltered and in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from include.audit.ledger import GENESIS, HEAD_METADATA, LEDGER, SCHEMA, LedgerEntry
from include.audit.verification.delta_log import CommitUnreadable, read_commit, versions
from include.audit.verification.discrepancies import WITNESSES
from include.audit.verification.findings import Discrepancy
from include.lake import storage
from include.lake.storage import Lake, LakeDenied, LakeUnreachable, lake_errors

if TYPE_CHECKING:
    import pyarrow.dataset as ds  # it imports pandas


def read_what_is_left(lake: Lake, folder: str = LEDGER) -> tuple[pa.Table, list[Discrepancy]]:
    """The ledger's entries in order, from all readable data files, and the files that were altered."""
    findings: list[Discrepancy] = []
    tables = [SCHEMA.empty_table()]
    with lake_errors("opening the ledger"):
        fragments = list(lake.table(folder).to_pyarrow_dataset().get_fragments())
    for fragment in fragments:
        for read in (_as_delta_knows_it, _as_it_is):
            try:
                tables.append(read(lake, folder, fragment).select(SCHEMA.names).cast(SCHEMA))
                break
            except (LakeUnreachable, LakeDenied):
                raise
            except Exception:  # a damaged file may raise anything: it is a finding, not a crash
                touched = Discrepancy.of("ledger file touched", LEDGER, None, path=fragment.path)
                if not findings or findings[-1] != touched:
                    findings.append(touched)
    return pa.concat_tables(tables).sort_by("sequence"), findings


def read_every_file(lake: Lake, folder: str) -> tuple[pa.Table, list[Discrepancy]]:
    """The entries of every data file in the folder, for a ledger that cannot be opened as a table; each entry once."""
    rows = {}
    for path in lake.files_below(lake.path(folder)):
        if path.endswith(".parquet") and "/_delta_log/" not in path:
            try:
                with lake.open_input(lake.path(path)) as file:
                    for row in pq.read_table(file).select(SCHEMA.names).to_pylist():
                        rows[row["sequence"], row["hash"]] = row
            except (pa.ArrowException, KeyError, OSError):
                continue  # missing entries show as breaks of the chain
    entries = pa.Table.from_pylist(list(rows.values()), SCHEMA)
    return entries.sort_by("sequence"), [Discrepancy.of("ledger cannot be opened", LEDGER, None)]


def _as_delta_knows_it(lake: Lake, folder: str, fragment: ds.Fragment) -> pa.Table:
    with lake_errors("reading the ledger"):
        return fragment.to_table()


def _as_it_is(lake: Lake, folder: str, fragment: ds.Fragment) -> pa.Table:
    """A data file read regardless of the size in the table's log, to find which of its entries was edited."""
    content = storage.read(storage.Root(lake.uri, lake.options), f"{folder}/{fragment.path}")
    return pq.read_table(pa.BufferReader(content))


def verify_chain(entries: pa.Table) -> list[Discrepancy]:
    """Every break in the chain of `entries`, which are in order of their sequence."""
    findings: list[Discrepancy] = []

    def report(kind: str, sequence: int, **named: object) -> None:
        if not findings or findings[-1].sequence != sequence:
            findings.append(Discrepancy.of(kind, LEDGER, sequence, entry=sequence, **named))

    previous, previous_hash = 0, GENESIS
    for entry in LedgerEntry.read(entries.select(SCHEMA.names)):
        sequence, prev_hash, claimed = entry.sequence, entry.prev_hash, entry.hash
        if sequence != previous + 1:
            if sequence is None or sequence <= previous:
                report("entry twice", sequence or 0)
                continue
            is_one = sequence - 1 == previous + 1
            report("entry dropped" if is_one else "entries dropped", previous + 1, last=sequence - 1)
            previous_hash = prev_hash
        if not entry.is_intact:
            report("entry altered", sequence)
        elif prev_hash != previous_hash:
            before = max(sequence - 1, 1)
            if not findings or findings[-1].sequence != before:
                named = {"entry": sequence, "before": sequence - 1}
                findings.append(Discrepancy.of("entry not chained", LEDGER, before, **named))
        previous, previous_hash = sequence, claimed
    return findings


def compare_marks(
    entries: pa.Table, marks: Sequence[tuple[int, str]], *, witness: str, broken: Sequence[Discrepancy]
) -> list[Discrepancy]:
    """Finding for the first mark (sequence, hash) that contradicts the entries; later ones follow from it.

    A mark covers every entry up to its own, so it names a range. A break inside the range (`broken`) is more precise,
    and the mark then adds no finding.
    """
    hashes = dict(zip(entries["sequence"].to_pylist(), entries["hash"].to_pylist(), strict=True))
    agreed, last = 0, max(hashes, default=0)
    for sequence, expected in sorted(
        mark for mark in marks if mark[0] > 0
    ):  # nothing to compare before the first entry
        if hashes.get(sequence) == expected:
            agreed = max(agreed, sequence)
            continue
        if any(findings.sequence is not None and agreed < findings.sequence <= sequence for findings in broken):
            return []
        if sequence > last:
            return [_marked("entries cut off", last + 1, sequence, witness)]
        kind = "entry replaced" if sequence == agreed + 1 else "one of entries replaced"
        return [_marked(kind, agreed + 1, sequence, witness)]
    return []


def _marked(kind: str, first: int, last: int, witness: str) -> Discrepancy:
    named = {"first": first, "last": last, "witness": witness, "witness_vi": WITNESSES[witness]}
    return Discrepancy.of(kind, LEDGER, first, **named)


def read_own_log(lake: Lake, folder: str = LEDGER) -> tuple[list[tuple[int, str]], list[Discrepancy]]:
    """Heads stored by each append in the log of the ledger's table, and commits that were not appends."""
    notes: list[tuple[int, str]] = []
    findings: list[Discrepancy] = []
    files = versions(lake, lake.path(folder))
    for version in _missing(list(files)):
        findings.append(Discrepancy.of("ledger version removed", LEDGER, None, version=version))
    for version, uri in files.items():
        try:
            commit = read_commit(lake, uri)
        except (CommitUnreadable, FileNotFoundError):
            findings.append(Discrepancy.of("ledger version altered", LEDGER, None, version=version))
            continue
        if commit.changes_data and (commit.operation != "WRITE" or commit.removed):
            named = {"version": version, "operation": commit.operation}
            findings.append(Discrepancy.of("ledger not appended", LEDGER, None, **named))
        sequence, _, noted = commit.metadata.get(HEAD_METADATA, "").partition(":")
        if sequence.isdecimal():
            notes.append((int(sequence), noted))
        elif commit.changes_data:
            findings.append(Discrepancy.of("ledger written otherwise", LEDGER, None, version=version))
    return notes, findings


def _missing(present: list[int]) -> list[int]:
    """Missing versions after the oldest log file; Delta's log retention may have removed earlier ones."""
    return sorted(set(range(present[0], present[-1] + 1)) - set(present)) if present else []
