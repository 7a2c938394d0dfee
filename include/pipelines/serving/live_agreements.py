"""Agreements as their files stand now, for a server that runs for months."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path

from include.sharing.agreements import agreement_paths, readable_agreements
from include.sharing.delta_sharing import Catalog

LOOK_SECONDS = 1.0
"""How long a changed agreement may go unnoticed. Its days are looked at in every request."""


class LiveCatalog:
    """The catalog of all agreements that can be read; a file with mistakes shares nothing."""

    def __init__(self, schemas: Path) -> None:
        self._schemas = schemas
        self._stamps: dict[str, tuple[int, int, int]] | None = None
        self._catalog = Catalog({})
        self._looked = 0.0
        self._lock = threading.Lock()

    def now(self) -> Catalog:
        """The catalog, at most LOOK_SECONDS old."""
        if time.monotonic() - self._looked < LOOK_SECONDS and self._stamps is not None:
            return self._catalog
        with self._lock:
            stamps = {}
            for name, path in agreement_paths(self._schemas).items():
                with suppress(FileNotFoundError):  # taken away in this instant
                    stat = path.stat()
                    stamps[name] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if stamps != self._stamps:
                self._catalog = Catalog.of(readable_agreements(self._schemas)[0].values())
                self._stamps = stamps
            self._looked = time.monotonic()
            return self._catalog
