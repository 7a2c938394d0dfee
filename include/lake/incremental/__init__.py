"""Incremental runs: deletions and missed changes at the source, found by row-set checksums or by comparing keys."""

from __future__ import annotations

from include.lake.incremental.key_comparison import known_rows, reconcile
from include.lake.incremental.row_checksum import INTEGER_TYPES, RowSetChecksum, hashed_values
from include.lake.incremental.stored_checksum import STORED_CHECKSUM, checksum_after_commit, is_unchanged_since

__all__ = [
    "INTEGER_TYPES",
    "STORED_CHECKSUM",
    "RowSetChecksum",
    "checksum_after_commit",
    "hashed_values",
    "is_unchanged_since",
    "known_rows",
    "reconcile",
]
