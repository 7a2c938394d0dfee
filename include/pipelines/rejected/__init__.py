"""Rejected rows by hand: list, look at values under a purpose, replay."""

from include.pipelines.rejected.access import VALUES_AT_ONCE, RejectedRow, count_rejected, read_values, rejected_rows
from include.pipelines.rejected.replaying import chosen_tables, gather_step, list_rejected, replay, show_rejected
