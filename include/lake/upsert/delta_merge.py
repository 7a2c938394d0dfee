"""Three ways to write a run's rows: a new table, a table replaced as a whole, a difference merged in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import duckdb
from deltalake import CommitProperties, DeltaTable
from deltalake import Schema as DeltaSchema
from deltalake.transaction import create_table_with_add_actions

from include.contracts import Table
from include.lake.delta import (
    RETENTION,
    RETENTION_PROPERTY,
    StagedFiles,
    TableSchema,
    accepted_rows,
    add_actions,
    as_interval,
    as_published,
    listed,
    published_schema,
    set_run,
    swap,
    without_bounds,
    without_warnings,
    write_files,
)
from include.lake.storage import Lake, restrict_access, scan
from include.lake.upsert.change_set import Changes
from include.lake.upsert.diff_sql import arriving
from include.lake.upsert.table_upsert import CHANGE, merge_difference, stream, write

_CONFIGURATION = {
    "delta.enableChangeDataFeed": "true",
    # The log is evidence: which run wrote what. It stays.
    "delta.enableExpiredLogCleanup": "false",
    # After this time (a week unless stated) a checkpoint forgets removed files, and the vacuum no longer knows them.
    RETENTION_PROPERTY: as_interval(RETENTION),
}
_MEMORY = "768MB"


@dataclass(frozen=True, slots=True)
class Writing:
    """One run about to write one table: where, what shape, from which staged rows, and what the commit will say."""

    lake: Lake
    table: Table
    table_schema: TableSchema
    staged: StagedFiles
    run_id: str
    at: datetime
    said: Callable[[], CommitProperties]

    @property
    def properties(self) -> CommitProperties:
        """What the commit says, which may have to be waited for."""
        return self.said()

    @property
    def uri(self) -> str:
        """The published table."""
        return self.lake.registry_table(self.table.registry, self.table.name)

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB that knows the run.

        It reaches folders, as writers name their files themselves. What SQL of the contract runs here has run before,
        in `find_changes`, where only named files are reached: SQL that reads others ends the run there.
        """
        connection = self.lake.connect(memory_limit=_MEMORY)
        try:
            restrict_access(connection, folders=[self.uri, self.staged.conformed.rpartition("/")[0]])
            set_run(connection, self.run_id)
            yield connection
        finally:
            connection.close()

    def accepted(self) -> str:
        """SELECT of the accepted rows that are to be live, as they are published."""
        deleted_when = self.table.extract.deleted_when
        return as_published(self.table_schema, accepted_rows(self.table_schema, self.staged, deleted_when=deleted_when))

    def accepted_to_write(self, connection: duckdb.DuckDBPyConnection) -> str:
        """The same for files of the table, which leave out what no row has."""
        is_clean = connection.execute(f"SELECT count(*) FROM {scan(self.staged.warnings)}").fetchall() == [(0,)]
        return without_warnings(self.accepted()) if is_clean else self.accepted()


def create(writing: Writing) -> int:
    """Version 0: data, schema and what the run says of itself, in one commit."""
    writing.lake.make_folder(writing.uri)
    with writing.connection() as connection:
        files = write_files(connection, writing.uri, writing.accepted_to_write(connection))
    create_table_with_add_actions(
        writing.uri,
        DeltaSchema.from_arrow(published_schema(writing.table)),
        add_actions(files, writing.at),
        name=writing.table.qualified_name,
        description=writing.table.description or None,
        configuration={**_CONFIGURATION, **without_bounds(writing.table)},
        storage_options=writing.lake.storage_options(),
        commit_properties=writing.properties,
    )
    return 0


def append(writing: Writing, current: DeltaTable) -> int:
    """Add the accepted rows to those that are there."""
    with writing.connection() as connection:
        new = write_files(connection, writing.uri, writing.accepted_to_write(connection))
        return swap(current, [], new, writing.at, writing.properties)


def overwrite(writing: Writing, current: DeltaTable) -> int:
    """Replace all files at once; the change feed then holds every old row as deleted and every new row as inserted."""
    with writing.connection() as connection:
        rows = stream(connection, writing.accepted(), published_schema(writing.table))
        write(current, rows, "overwrite", writing.properties)
    return int(current.version())


def merge(writing: Writing, current: DeltaTable, changes: Changes) -> int:
    """Merge a difference by key."""
    table_schema = writing.table_schema
    query = (
        f"SELECT *, 'upsert' AS {CHANGE} FROM ({as_published(table_schema, arriving(table_schema, changes.uri))}) "
        f"UNION ALL BY NAME SELECT {listed(table_schema.key)}, {CHANGE} FROM {scan(changes.uri)} "
        f"WHERE {CHANGE} = 'delete'"
    )
    with writing.connection() as connection:
        rows = stream(connection, query, published_schema(writing.table))
        merge_difference(current, rows, table_schema.key, writing.properties)
    return int(current.version())
