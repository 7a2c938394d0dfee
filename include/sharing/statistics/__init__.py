"""Statistics: counts and sums of groups of rows, with disclosure control: what leaks a person is suppressed.

Method, sources and limits: docs/explanation/statistical-disclosure-control.md.
"""

from include.sharing.statistics.cells import (
    COUNT,
    SUPPRESSED,
    ReservedValue,
    TooManyCells,
    cells_query,
    is_countable,
    read_cells,
    sum_name,
    sum_type,
)
from include.sharing.statistics.held import Held, advance
from include.sharing.statistics.table import EARLIER, ROWS, held_rows, read_held, shown_rows
