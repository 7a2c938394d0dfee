"""Temporary tables and views of rejected rows, by name."""

OPENED = "opened"
"""View of `open_rejections_of`: all columns of the open rows, and `_file`."""

SETTLED = "settled"
"""Outcomes of open rows: `_of_run`, `_of_row`, `_of_file`, `_new_life`, `_new_reasons`."""

OWN = "own"
"""View of the rejected rows that the closing run itself appended."""

CHOSEN = "chosen"
"""Rows of a replay: `_of_run`, `_of_row`, and `_row`, the row number in its extract (null if stale)."""

RUNS = "runs"
"""Runs of a registry table: `_run_id` and `_place`, the version that each committed."""
