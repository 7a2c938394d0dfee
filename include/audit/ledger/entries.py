"""Appending to and reading the ledger: a Delta table in which every entry carries the hash of the one before.

No two writers can take the same position. An append reads the newest version of the table, chains its records to the
head it found there, and commits them as exactly the next version, with no retry inside delta-rs: if anybody else
committed meanwhile, the commit fails (delta-rs creates a version's file only if it is absent, in a folder and on S3
alike) and the append starts again from the new head. So the order of the chain is the order of the table's versions,
and there can be neither a gap nor a fork.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from include.audit.ledger.delta_checkpoints import checkpoint_record, newest_checkpoint, recorded_checkpoint
from include.audit.ledger.record import Head, Kind, LedgerEntry, Record
from include.lake.storage import Lake, LakeConflict, LakeError, LakeTableMissing, lake_errors, retry_on_conflict

LEDGER = "audit/ledger"
Taken = Callable[[str], int | None]
SCHEMA = pa.schema(
    [
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("actor", pa.string(), nullable=False),
        pa.field("subject", pa.string(), nullable=False),
        pa.field("payload", pa.string(), nullable=False),
        pa.field("prev_hash", pa.string(), nullable=False),
        pa.field("hash", pa.string(), nullable=False),
    ]
)
HEAD_METADATA = "lienthong.ledger_head"
_HEAD_TRANSACTION = "lienthong.ledger"
_COMPACT_EVERY = 200
_COMPACT_BYTES = (
    8 * 1024**2
)  # greatest file that appends compact, so that none rewrites all entries; maintenance compacts larger ones
# An append costs what opening the table costs, and that grows with the files of the log (measured: 25 ms with 200,
# 150 ms with 6,600 of them): so a frequent checkpoint, statistics for one column, and a week of log, not a month.
DESCRIPTION = "Every run, commit, approval, agreement change and export of every zone of the lake, chained by hashes"
_CONFIGURATION = {
    "delta.checkpointInterval": "25",
    "delta.dataSkippingNumIndexedCols": "1",
    "delta.logRetentionDuration": "interval 7 days",
}


class LedgerDamaged(LakeError):
    """The ledger's last entry is missing where the table's log states it."""


def append(lake: Lake, records: Sequence[Record], *, at: datetime, actor: str) -> tuple[LedgerEntry, ...]:
    """Append records to the ledger, all of them or none, in one commit; returns the entries written.

    Records that the ledger has (`once`, `on_change`) are left out. Safe from any number of processes at the same time.
    Raises LedgerDamaged or a LakeError.
    """

    def attempt() -> tuple[DeltaTable, list[LedgerEntry]]:
        table = _open(lake) or _create(lake)
        entries, transactions = _chain(table, records, at=at, actor=actor)
        if entries:
            _commit(table, entries, transactions)
        return table, entries

    table, entries = retry_on_conflict(lake, lake.path(LEDGER), attempt)
    if entries and table.version() % _COMPACT_EVERY == 0:
        _compact(lake)
    if entries and (checkpoint := _made_checkpoint(lake, table)) is not None:
        append(lake, [checkpoint], at=at, actor=actor)  # or nothing would vouch for it until somebody appends again
    return tuple(entries)


def head(lake: Lake) -> Head:
    """The ledger's last entry; `Head()` for a ledger without entries.

    With `str(head)` in the metadata of a table's commit (HEAD_METADATA), the table's log confirms the ledger as the
    ledger confirms the log.
    """
    table = _open(lake)
    return Head() if table is None else _head(table)


def read(lake: Lake) -> pa.Table:
    """All entries in order of their sequence; empty if there is no ledger."""
    table = _open(lake)
    return SCHEMA.empty_table() if table is None else read_table(table)


def read_table(table: DeltaTable) -> pa.Table:
    """All entries of an opened ledger, with the columns of SCHEMA, in order of their sequence."""
    with lake_errors("reading the ledger"):
        found = table.to_pyarrow_table(columns=SCHEMA.names)
    return found.cast(SCHEMA).sort_by("sequence")


def read_kind(lake: Lake, kind: Kind, *, after: int = 0) -> tuple[int, pa.Table]:
    """The ledger's version (-1: there is none), and its entries of one kind with a higher number than `after`."""
    table = _open(lake)
    if table is None:
        return -1, SCHEMA.empty_table()
    wanted = (pc.field("sequence") > after) & (pc.field("kind") == kind)
    with lake_errors("reading the ledger"):
        found = table.to_pyarrow_dataset().to_table(columns=SCHEMA.names, filter=wanted)
    return int(table.version()), found.cast(SCHEMA).sort_by("sequence")


def taken(lake: Lake) -> Taken:
    """Function from the name of a record's `once` to the highest number in the ledger; None if there is none."""
    table = _open(lake)
    return (lambda name: None) if table is None else table.transaction_version


def is_of_before(lake: Lake) -> bool:
    """Whether this ledger began when it recorded published and shared tables only."""
    table = _open(lake)
    return table is not None and table.metadata().description != DESCRIPTION


def _open(lake: Lake) -> DeltaTable | None:
    try:
        return lake.table(LEDGER)
    except LakeTableMissing:
        return None


def _create(lake: Lake) -> DeltaTable:
    lake.make_folder(lake.path(LEDGER))
    try:
        with lake_errors("creating the ledger"):
            return DeltaTable.create(
                lake.path(LEDGER),
                SCHEMA,
                mode="error",
                name="ledger",
                description=DESCRIPTION,
                configuration=_CONFIGURATION,
                storage_options=lake.storage_options(),
            )
    except LakeError:
        # Another process may have created it a moment ago; if not, opening it raises.
        return lake.table(LEDGER)


def _head(table: DeltaTable) -> Head:
    sequence = table.transaction_version(_HEAD_TRANSACTION)
    if sequence is None:
        return Head()
    with lake_errors("reading the ledger's head"):
        noted = table.history(1)[0].get(HEAD_METADATA, "")
        if noted.startswith(f"{sequence}:"):
            return Head(sequence, noted.partition(":")[2])
        # The last commit was maintenance: find the entry by file statistics, in one file or few.
        rows = table.to_pyarrow_dataset().to_table(columns=["hash"], filter=pc.field("sequence") == sequence)
    if rows.num_rows != 1:
        raise LedgerDamaged(
            f"entry {sequence} of the ledger is not there although its commit is: run `lienthong verify`, restore "
            "audit/ledger from a copy, then run again"
        )
    return Head(sequence, rows.column("hash")[0].as_py())


def _chain(
    table: DeltaTable, records: Sequence[Record], *, at: datetime, actor: str
) -> tuple[list[LedgerEntry], dict[str, int]]:
    """The entries for the records new to the ledger, with their application transactions."""
    entries: list[LedgerEntry] = []
    taken: dict[str, int] = {}
    last = _head(table)
    for record in records:
        if record.is_known(lambda name: taken.get(name, table.transaction_version(name))):
            continue
        if record.transaction is not None:
            taken[record.transaction[0]] = record.transaction[1]
        entry = LedgerEntry.following(last, record, at=at, actor=actor)
        entries.append(entry)
        last = Head(entry.sequence, entry.hash)
    return entries, taken


def _commit(table: DeltaTable, entries: Sequence[LedgerEntry], taken: dict[str, int]) -> None:
    last = entries[-1]
    transactions = [Transaction(name, number) for name, number in taken.items()]
    rows = {name: [getattr(entry, name) for entry in entries] for name in SCHEMA.names}
    with lake_errors("appending to the ledger"):
        write_deltalake(
            table,
            pa.table(rows, schema=SCHEMA),
            mode="append",
            commit_properties=CommitProperties(
                custom_metadata={HEAD_METADATA: f"{last.sequence}:{last.hash}"},
                app_transactions=[Transaction(_HEAD_TRANSACTION, last.sequence), *transactions],
                max_commit_retries=0,
            ),
        )


def _made_checkpoint(lake: Lake, table: DeltaTable) -> Record | None:
    """The record of the Delta checkpoint at which readers of the ledger begin now, if the last commit made it."""
    made, table_id = newest_checkpoint(lake, LEDGER), str(table.metadata().id)
    if made is None or made != table.version():
        return None
    recorded = table.transaction_version(recorded_checkpoint(LEDGER, table_id))
    return checkpoint_record(lake, LEDGER, table_id, made, recorded)


def _compact(lake: Lake) -> None:
    """Compact the small files of appends; losing the commit race here does not matter."""
    table = lake.table(LEDGER)
    note = CommitProperties(custom_metadata={HEAD_METADATA: str(_head(table))}, max_commit_retries=0)
    try:
        with lake_errors("compacting the ledger"):
            table.optimize.compact(target_size=_COMPACT_BYTES, commit_properties=note)
    except LakeConflict:
        return
