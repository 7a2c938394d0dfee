"""The ledger: a hash chain of entries in a Delta table, with canonical JSON and signed checkpoints."""

from __future__ import annotations

from include.audit.ledger.canonical_json import canonical
from include.audit.ledger.entries import HEAD_METADATA, LEDGER, SCHEMA, Taken, append, head, is_of_before, read, taken
from include.audit.ledger.record import GENESIS, Entry, Head, Kind, Record, entry_hash
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

__all__ = [
    "CHECKPOINTS",
    "GENESIS",
    "HEAD_METADATA",
    "LEDGER",
    "SCHEMA",
    "Checkpoint",
    "Entry",
    "Head",
    "Kind",
    "Record",
    "SigningKeyUnreadable",
    "Taken",
    "append",
    "canonical",
    "entry_hash",
    "head",
    "is_of_before",
    "key_id",
    "public_key",
    "read",
    "read_checkpoints",
    "signing_key",
    "taken",
    "write_checkpoint",
]
