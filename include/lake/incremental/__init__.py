"""Runs that read only what changed: which published keys the source no longer has, by row-set checksums or by keys."""

from __future__ import annotations

from include.lake.incremental.key_comparison import known_rows, reconcile
from include.lake.incremental.row_checksum import INTEGER_TYPES, Fingerprint, hashed_values
from include.lake.incremental.stored_checksum import KNOWN, is_as_left, known_after

__all__ = [
    "INTEGER_TYPES",
    "KNOWN",
    "Fingerprint",
    "hashed_values",
    "is_as_left",
    "known_after",
    "known_rows",
    "reconcile",
]
