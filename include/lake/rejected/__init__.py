"""Rejected rows: appended with every reason, open until a later run accepts, replaces or withdraws them.

What was not received again is not superseded: a row is closed by its key as the contract makes it today, or by its very
cells; unless absent rows leave the table.
"""

from include.lake.rejected.append import append_rejected
from include.lake.rejected.backlog import AGES, TREND_DAYS, OpenRule, RejectionBacklog, open_counts, rejection_backlog
from include.lake.rejected.close import close_rejected, finish_closing, restore_rejected
from include.lake.rejected.held_rows import BrokenRule, broken_rules
from include.lake.rejected.open_rejections import (
    REJECTION_COLUMNS,
    as_json,
    has_key,
    open_rejections_of,
    typed_cursor,
    typed_key,
    waits_for_another_server,
)
from include.lake.rejected.renewed_keys import renew_keys
from include.lake.rejected.repeats import count_repeats, only_repeats_open_rejections
from include.lake.rejected.replay_source import gather_open
