"""Rejected rows: appended with every reason, open until a later run accepts, replaces or withdraws them."""

from __future__ import annotations

from include.lake.rejected.append import append_rejected
from include.lake.rejected.backlog import AGES, TREND_DAYS, OpenFigures, OpenRule, open_counts, open_figures
from include.lake.rejected.close import close_rejected, finish_closing, reopen_rejected
from include.lake.rejected.held_rows import Broken, broken_rules
from include.lake.rejected.open_rejections import RESERVED, as_json, open_rows, typed_cursor, typed_key
from include.lake.rejected.repeats import count_known, tells_nothing_new
from include.lake.rejected.replay_source import gather_open

__all__ = [
    "AGES",
    "RESERVED",
    "TREND_DAYS",
    "Broken",
    "OpenFigures",
    "OpenRule",
    "append_rejected",
    "as_json",
    "broken_rules",
    "close_rejected",
    "count_known",
    "finish_closing",
    "gather_open",
    "open_counts",
    "open_figures",
    "open_rows",
    "reopen_rejected",
    "tells_nothing_new",
    "typed_cursor",
    "typed_key",
]
