"""The ledger: a hash chain of entries in a Delta table, with canonical JSON and signed checkpoints."""

from include.audit.ledger.canonical_json import canonical
from include.audit.ledger.delta_checkpoints import (
    LAST_CHECKPOINT,
    checkpoint_record,
    newest_checkpoint,
    other_files,
    recorded_checkpoint,
    version_of,
)
from include.audit.ledger.entries import (
    HEAD_METADATA,
    LEDGER,
    SCHEMA,
    Taken,
    append,
    head,
    is_of_before,
    read,
    read_kind,
    taken,
)
from include.audit.ledger.record import GENESIS, Head, Kind, LedgerEntry, Record, entry_hash
from include.audit.ledger.signing import (
    CHECKPOINTS,
    Checkpoint,
    SigningKeyUnreadable,
    key_id,
    public_key,
    read_checkpoints,
    signing_key,
    write_checkpoint,
)
