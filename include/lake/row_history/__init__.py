"""Row history of a published table: `history/<registry>/<table>`, an append-only log of what its commits changed.

Each row is a row of the table as it was published (`_change` is `insert`) or as it left (`delete`), with version and
instant of that commit. It is built from the change feed after each publication, beginning with the whole table, so it
costs the bytes of the changed rows. Deleted and rewritten files of the table itself go after 30 days; these stay as
long as the contract's `history` says. What it does not know, it refuses to tell.
"""

from include.lake.row_history.history_log import ZONE, history_tables
from include.lake.row_history.reading import (
    FormerRows,
    HistoryFacts,
    has_history,
    history_at,
    history_facts,
    history_view,
)
from include.lake.row_history.recording import expire_history, extend_history
