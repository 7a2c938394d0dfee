"""Incremental runs: deletions and missed changes at the source, found by row-set checksums or by comparing keys."""

from include.lake.incremental.reconciliation import lake_checksum, reconcile
from include.lake.incremental.row_checksum import INTEGER_TYPES, RowSetChecksum, hashed_values
from include.lake.incremental.stored_checksum import (
    STORED_CHECKSUM,
    PendingCommit,
    checksum_after_commit,
    stored_figures,
)
