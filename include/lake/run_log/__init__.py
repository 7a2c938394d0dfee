"""The run log: a row for each run of a table, a check or a linking, in Delta tables under `audit/`."""

from include.lake.run_log.linking_log import (
    LINKING_LOG,
    NO_RECALL,
    LinkRunRow,
    RecordedBand,
    RecordedShare,
    RecordedThreshold,
    append_link_run,
    last_link_run,
    link_runs,
)
from include.lake.run_log.log_tables import (
    CHECKS,
    REFUSALS,
    UnchangedExtract,
    append,
    append_checks,
    append_run,
    as_view,
    is_on_record,
    last_deliveries,
    place_of,
    published_slices,
    read,
    unchanged_extracts,
    verdicts_of_run,
)
from include.lake.run_log.run_row import RUNS, RunRow
from include.lake.run_log.table_checks import (
    CROSS_CHECKS,
    REJECTED_TARGET,
    append_table_checks,
    has_table_checks,
    view_table_checks,
)
