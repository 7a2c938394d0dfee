"""Loading the simulated country into PostgreSQL, MariaDB, SQLite and file deliveries."""

from include.simulator.loading.load_country import UnknownTarget, load_registry, source_uris, system_uris
