"""Loading the simulated country into PostgreSQL, MariaDB, SQLite and file deliveries."""

from __future__ import annotations

from include.simulator.loading.load_country import UnknownTarget, load_registry, source_uris

__all__ = [
    "UnknownTarget",
    "load_registry",
    "source_uris",
]
