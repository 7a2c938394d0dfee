"""The zone `history/`: every former row of tables whose contract asks for it, with the time it was published."""

from include.lake.row_history.row_history import (
    ZONE,
    HistoryFacts,
    expire_history,
    extend_history,
    has_history,
    history_at,
    history_facts,
    history_view,
)
