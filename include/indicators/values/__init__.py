"""The zone `indicators/`: every value of every indicator that was ever computed, each restatement a new edition."""

from include.indicators.values.names import member_names
from include.indicators.values.small_counts import ShownIndicator, shown
from include.indicators.values.values_table import (
    SUBJECT,
    VALUES,
    Recorded,
    StoredIndicator,
    latest_editions,
    record_values,
    stored_editions,
)
