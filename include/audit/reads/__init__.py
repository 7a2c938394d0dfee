"""Reads as evidence: a record of every request of a recipient, on disk before the answer, then in `audit/reads`."""

from include.audit.reads.journal import Journal, JournalFull
from include.audit.reads.record import READS, ReadRecord
from include.audit.reads.table import (
    READS_TABLE,
    JournalDamaged,
    OfferedRead,
    ProductReads,
    bring_in,
    kept_at_store,
    offered_reads,
    product_reads,
)
