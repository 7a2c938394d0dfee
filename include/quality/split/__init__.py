"""The split of an extract: accepted, rejected with every reason, or superseded by a newer version."""

from __future__ import annotations

from include.quality.split.drift_rule import with_drift_rule
from include.quality.split.published_context import is_deleted, judges_deleted, view_beside, view_whole
from include.quality.split.results import RuleCount, SplitResult
from include.quality.split.row_outcomes import conform_and_split, table_counts

__all__ = [
    "RuleCount",
    "SplitResult",
    "conform_and_split",
    "is_deleted",
    "judges_deleted",
    "table_counts",
    "view_beside",
    "view_whole",
    "with_drift_rule",
]
