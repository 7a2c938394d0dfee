"""Shared tables as they stand now, each read again when its log has moved."""

from __future__ import annotations

import threading
from collections import OrderedDict

from include.lake.delta import LogPosition
from include.lake.storage import Lake
from include.pipelines.serving.single_flight import SingleFlight
from include.sharing.delta_sharing import SharedTable, Snapshot, newest_snapshot

_KEPT = 1_000


class LiveTables:
    """The newest version of every shared table; of those asked for last, the snapshot is kept."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._tables: OrderedDict[tuple[str, str], _LiveTable] = OrderedDict()
        self._lock = threading.Lock()

    def now(self, table: SharedTable) -> Snapshot:
        """The newest version of a table. Raises what `newest_snapshot` raises."""
        key = table.subject, table.agreement.digest
        with self._lock:
            live = self._tables.setdefault(key, _LiveTable(self._lake, table))
            self._tables.move_to_end(key)
            while len(self._tables) > _KEPT:
                self._tables.popitem(last=False)
        return live.look.result()


class _LiveTable:
    """One table, by one text of its agreement."""

    def __init__(self, lake: Lake, table: SharedTable) -> None:
        self._lake, self._table = lake, table
        self._known: tuple[LogPosition, Snapshot] | None = None
        self.look = SingleFlight(self._read)

    def _read(self) -> Snapshot:
        if self._known and self._known[0].is_newest(self._lake):
            return self._known[1]
        snapshot = newest_snapshot(self._lake, self._table)
        position = LogPosition.of(self._lake, snapshot.uri, snapshot.version)
        is_same = str(self._lake.table(snapshot.uri).metadata().id) == snapshot.table_id
        self._known = (position, snapshot) if is_same else None  # made anew meanwhile: the position is the new table's
        return snapshot
