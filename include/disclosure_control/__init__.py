"""Statistical disclosure control: which counts and sums tell of few, and what else is suppressed with them.

Method, sources and limits: docs/explanation/statistical-disclosure-control.md.
"""

from include.disclosure_control.cells import (
    TOTAL,
    UNKNOWN,
    Cell,
    Key,
    StatisticsRefused,
    margins,
    margins_of,
    two_largest,
)
from include.disclosure_control.suppression import Pattern, Strictness, choose, is_sensitive
