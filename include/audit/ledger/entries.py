"""The ledger: a Delta table in which every entry carries the hash of the one before.

No two writers can take the same place. An append reads the newest version of the table, chains its records behind the
head it found there, and commits them as exactly the next version, with no retry inside delta-rs: if anybody else
committed meanwhile, the commit fails (delta-rs creates a version's file only if it is absent, in a folder and on S3
alike) and the append starts again from the new head. So the order of the chain is the order of the table's versions,
and there can be neither a gap nor a fork.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from include.audit.ledger.record import Entry, Head, Record
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
_COMPACT_BYTES = 8 * 1024**2  # so that no append writes all entries of all years again; maintenance joins more
# An append costs what opening the table costs, and that grows with the files of the log (measured: 25 ms with 200,
# 150 ms with 6,600 of them): so a frequent checkpoint, statistics for one column, and a week of log, not a month.
DESCRIPTION = "Every run, commit, approval, agreement change and export of every zone of the lake, chained by hashes"
_CONFIGURATION = {
    "delta.checkpointInterval": "25",
    "delta.dataSkippingNumIndexedCols": "1",
    "delta.logRetentionDuration": "interval 7 days",
}


class LedgerDamaged(LakeError):
    """The ledger's last entry is not where the table's log says it is."""


def append(lake: Lake, records: Sequence[Record], *, at: datetime, actor: str) -> tuple[Entry, ...]:
    """Put the records behind the ledger's head, all of them or none, in one commit.

    Records that the ledger knows (`once`, `on_change`) are left out. Returns the entries written. Safe from any
    number of processes at the same time. Raises LedgerDamaged, or how the lake failed.
    """

    def attempt() -> tuple[DeltaTable, list[Entry]]:
        table = _open(lake) or _create(lake)
        entries, transactions = _chain(table, records, at=at, actor=actor)
        if entries:
            _commit(table, entries, transactions)
        return table, entries

    table, entries = retry_on_conflict(lake, lake.path(LEDGER), attempt)
    if entries and table.version() % _COMPACT_EVERY == 0:
        _compact(lake)
    return tuple(entries)


def head(lake: Lake) -> Head:
    """The ledger's last link; `Head()` for a ledger without entries.

    Put `str(head)` into the metadata of a table's commit (HEAD_METADATA): then the table's log vouches for the ledger
    as the ledger does for the log.
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


def taken(lake: Lake) -> Taken:
    """By the name of a record's `once`: the highest number that the ledger has taken; None if there was none."""
    table = _open(lake)
    return (lambda name: None) if table is None else table.transaction_version


def is_of_before(lake: Lake) -> bool:
    """Whether this ledger was begun when it told of published and shared tables only."""
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
        # Another process may have created it a moment ago; if not, opening it says what is wrong.
        return lake.table(LEDGER)


def _head(table: DeltaTable) -> Head:
    sequence = table.transaction_version(_HEAD_TRANSACTION)
    if sequence is None:
        return Head()
    with lake_errors("reading the ledger's head"):
        noted = table.history(1)[0].get(HEAD_METADATA, "")
        if noted.startswith(f"{sequence}:"):
            return Head(sequence, noted.partition(":")[2])
        # The last commit was maintenance: look the entry up (file statistics leave one file or few to read).
        rows = table.to_pyarrow_dataset().to_table(columns=["hash"], filter=ds.field("sequence") == sequence)
    if rows.num_rows != 1:
        raise LedgerDamaged(
            f"entry {sequence} of the ledger is not there although its commit is: run `lienthong verify`, restore "
            "audit/ledger from a copy, then run again"
        )
    return Head(sequence, rows.column("hash")[0].as_py())


def _chain(
    table: DeltaTable, records: Sequence[Record], *, at: datetime, actor: str
) -> tuple[list[Entry], dict[str, int]]:
    """The entries for the records that are new to the ledger, and under which marks."""
    entries: list[Entry] = []
    taken: dict[str, int] = {}
    last = _head(table)
    for record in records:
        if record.is_known(lambda name: taken.get(name, table.transaction_version(name))):
            continue
        if record.mark is not None:
            taken[record.mark[0]] = record.mark[1]
        entry = Entry.following(last, record, at=at, actor=actor)
        entries.append(entry)
        last = Head(entry.sequence, entry.hash)
    return entries, taken


def _commit(table: DeltaTable, entries: Sequence[Entry], taken: dict[str, int]) -> None:
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


def _compact(lake: Lake) -> None:
    """Join the small files that appends leave, so that reading stays quick. Losing a race here does not matter."""
    table = lake.table(LEDGER)
    note = CommitProperties(custom_metadata={HEAD_METADATA: str(_head(table))}, max_commit_retries=0)
    try:
        with lake_errors("compacting the ledger"):
            table.optimize.compact(target_size=_COMPACT_BYTES, commit_properties=note)
    except LakeConflict:
        return
