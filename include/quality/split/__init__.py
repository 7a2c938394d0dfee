"""The split of an extract: accepted, rejected with every reason, or superseded by a newer version."""

from include.quality.split.context_views import is_deleted, judges_deleted, view_beside, view_elsewhere, view_whole
from include.quality.split.drift_rule import with_drift_rule
from include.quality.split.relations import ACCEPTED, BESIDE, CANDIDATES, CONFORMED, ELSEWHERE, KEPT, PRESENT, WHOLE
from include.quality.split.results import RuleCount, SplitResult
from include.quality.split.row_outcomes import conform_and_split, table_counts
from include.quality.split.rule_violations import blame_rule
