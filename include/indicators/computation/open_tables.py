"""The published tables that an indicator reads, each fixed to one version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb
from deltalake import DeltaTable

from include.indicators.definitions import HISTORY, PEOPLE, REFERENCE, Catalogue
from include.lake.delta import view_of
from include.lake.row_history import ZONE, history_tables, history_view
from include.lake.storage import Lake, LakeTableMissing, lake_errors, quote

_AS_PUBLISHED = "as published: "


@dataclass(frozen=True)
class TablesRead:
    """Open tables by their names in SQL, and the names of those that were never published."""

    tables: Mapping[str, DeltaTable]
    missing: tuple[str, ...]

    @property
    def versions(self) -> dict[str, str]:
        """Id and version of each table: `<Delta table id>:<version>`."""
        return {name: f"{table.metadata().id}:{table.version()}" for name, table in sorted(self.tables.items())}

    @property
    def files(self) -> list[str]:
        """The data files of all of them."""
        return [file for table in self.tables.values() for file in table.file_uris()]

    def as_views(self, connection: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
        """Create a view of each table with the columns of its contract; a column without data yet is empty."""
        for name, table in self.tables.items():
            here = {field.name.lower() for field in table.schema().fields}
            with lake_errors(f"reading {name}"):
                if name in catalogue.histories:
                    history_view(connection, _AS_PUBLISHED + name, catalogue.histories[name], table)
                    here |= {"valid_from", "valid_until"}
                else:
                    view_of(connection, _AS_PUBLISHED + name, table, table.file_uris())
            columns = ", ".join(
                f"CAST({quote(column.name) if column.name.lower() in here else 'NULL'} AS {column.sql_type}) "
                f"AS {quote(column.name)}"
                for column in catalogue.relations[name]
            )
            connection.execute(f"CREATE TEMP VIEW {quote(name)} AS SELECT {columns} FROM {quote(_AS_PUBLISHED + name)}")


def tables_read(lake: Lake, names: Iterable[str]) -> TablesRead:
    """Open the newest version of these tables, so that all figures of one computation are of the same versions."""
    found: dict[str, DeltaTable] = {}
    missing = []
    for name in sorted(set(names)):
        try:
            found[name] = lake.table(_uri(lake, name))
        except LakeTableMissing:
            missing.append(name)
    return TablesRead(found, tuple(missing))


def _uri(lake: Lake, name: str) -> str:
    zone, _, table = name.partition(".")
    if name == PEOPLE:
        return lake.path("people", "index")
    if zone.endswith(HISTORY):
        registry = zone.removesuffix(HISTORY)
        return lake.path((history_tables(lake, registry, table) or [f"{ZONE}/{registry}/{table}"])[-1])
    return lake.reference_table(table) if zone == REFERENCE else lake.registry_table(zone, table)
