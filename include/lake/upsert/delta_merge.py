"""Writing of a run's rows by delta-rs: create, append, overwrite or merge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import duckdb
from deltalake import CommitProperties, DeltaTable
from deltalake import Schema as DeltaSchema
from deltalake.transaction import create_table_with_add_actions

from include.cluster import Part, Spark
from include.contracts.model import Table
from include.lake.delta import (
    CHECKPOINTS,
    DATA_FILES,
    RETENTION,
    RETENTION_PROPERTY,
    File,
    StagedFiles,
    TableSchema,
    accepted_rows,
    add_actions,
    as_interval,
    as_published,
    listed,
    live_files,
    published_schema,
    run_variable,
    swap,
    types_of,
    without_bounds,
    without_warnings,
    write_files,
    written_files,
)
from include.lake.storage import SERVER, Lake, LakeError, partition_folder, restrict_access, restrictions, scan
from include.lake.upsert.change_set import Changes
from include.lake.upsert.diff_sql import rows_to_write
from include.lake.upsert.table_upsert import CHANGE, count, merge_difference, stream
from include.lake.upsert.workers import parts_to_write, workers

_CONFIGURATION = {
    **CHECKPOINTS,
    "delta.enableChangeDataFeed": "true",
    # The log is evidence of which run wrote what, and is kept.
    "delta.enableExpiredLogCleanup": "false",
    # After this time (a week unless stated) a checkpoint forgets removed files, and the vacuum no longer knows them.
    RETENTION_PROPERTY: as_interval(RETENTION),
}
_MEMORY = "768MB"


@dataclass(frozen=True, slots=True)
class Writing:
    """Parameters of one run's write to one table; `spark` is the cluster whose workers may write files."""

    lake: Lake
    table: Table
    table_schema: TableSchema
    staged: StagedFiles
    run_id: str
    at: datetime
    make_properties: Callable[[], CommitProperties]
    spark: Spark | None = None

    @property
    def properties(self) -> CommitProperties:
        """The commit's properties, which may have to be computed first."""
        return self.make_properties()

    @property
    def root(self) -> str:
        """The published table's URI."""
        return self.lake.registry_table(self.table.registry, self.table.base_name)

    @property
    def below(self) -> str:
        """The folder of the slice in the table's, with a slash at its end; empty for a table without slices."""
        return partition_folder(self.table.server)

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A restricted DuckDB connection with the run's id set.

        It reaches folders, as writers choose file names themselves. The contract's SQL has run before in
        `find_changes`, restricted to named files: SQL that reads others fails there.
        """
        with self.lake.connect(memory_limit=_MEMORY) as connection:
            restrict_access(connection, folders=[self.root, self.staged.conformed.rpartition("/")[0]])
            connection.execute(run_variable(self.run_id))
            yield connection

    def write(self, connection: duckdb.DuckDBPyConnection, query: str, *, below: str = "") -> list[File]:
        """Write rows as new files of the table, or of the slice; `below` is a folder of the table, with a slash."""
        folder = f"{below}{self.below}"
        if folder:
            self.lake.make_folder(f"{self.root}/{folder.rstrip('/')}")
        return write_files(connection, self.root, query, below=folder)

    def write_accepted(self) -> list[File]:
        """Write the accepted, not deleted rows as new files: workers of the cluster do, where they see the lake."""
        with self.connection() as connection:
            is_clean = connection.execute(f"SELECT count(*) FROM {scan(self.staged.warnings)}").fetchall() == [(0,)]

            def rows(part: range | None) -> str:
                """Without the column of warnings, if no row has one."""
                deleted_when = self.table.extract.deleted_when
                accepted = accepted_rows(self.table_schema, self.staged, deleted_when=deleted_when, part=part)
                published = as_published(self.table_schema, accepted)
                return without_warnings(published) if is_clean else published

            if self.spark is None or not (parts := parts_to_write(self.lake, self.spark, connection, self.staged)):
                return self.write(connection, rows(None))
            types = types_of(connection, rows(parts[0]))
            wanted = count(connection, f"({rows(None)})")
        files = self._write_by_workers(self.spark, [rows(part) for part in parts], types)
        if (written := sum(file.rows for file in files)) != wanted:
            raise LakeError(
                f"{self.table.qualified_name}: workers wrote {written:,} of {wanted:,} rows: nothing was published; "
                "run this table with ENGINE=duckdb, and report this as a defect"
            )
        return files

    def _write_by_workers(self, spark: Spark, queries: Sequence[str], types: Mapping[str, str]) -> list[File]:
        """Write the rows of each query as `write` does, in a task of the cluster."""
        folder, run_folder = f"{self.root}/{self.below}".rstrip("/"), self.staged.conformed.rpartition("/")[0]
        self.lake.make_folder(folder)
        shut = tuple(restrictions(reads=self.staged.uris, folders=[folder]))
        doing = f"writing files of {self.table.qualified_name}"
        with workers(spark, run_folder, doing=doing, definitions=[run_variable(self.run_id)]) as (session, engine):
            tasks = [Part(query, shut) for query in queries]
            written = engine.copy_to(f"{folder}/{engine.out}", session, tasks, options=DATA_FILES)
        return [file for name, rows in written for file in written_files(f"{self.below}{name}", rows, types)]


def create(writing: Writing) -> int:
    """Create version 0: data, schema and the run's metadata, in one commit."""
    writing.lake.make_folder(writing.root)
    files = writing.write_accepted()
    create_table_with_add_actions(
        writing.root,
        DeltaSchema.from_arrow(published_schema(writing.table)),
        add_actions(files, writing.at),
        partition_by=[SERVER] if writing.table.server else None,
        name=f"{writing.table.registry}.{writing.table.base_name}",
        description=writing.table.description or None,
        configuration={**_CONFIGURATION, **without_bounds(writing.table)},
        storage_options=writing.lake.storage_options(),
        commit_properties=writing.properties,
    )
    return 0


def append(writing: Writing, current: DeltaTable) -> int:
    """Append the accepted rows."""
    return swap(current, [], writing.write_accepted(), writing.at, writing.properties)


def overwrite(writing: Writing, current: DeltaTable) -> int:
    """Replace all files; the change feed then has every old row as deleted and every new row as inserted."""
    return swap(current, live_files(current), writing.write_accepted(), writing.at, writing.properties)


def merge(writing: Writing, current: DeltaTable, changes: Changes) -> int:
    """Merge a change set by key."""
    table_schema = writing.table_schema
    query = (
        f"SELECT *, 'upsert' AS {CHANGE} FROM ({as_published(table_schema, rows_to_write(table_schema, changes.uri))}) "
        f"UNION ALL BY NAME SELECT {listed(table_schema.key)}, {CHANGE} FROM {scan(changes.uri)} "
        f"WHERE {CHANGE} = 'delete'"
    )
    with writing.connection() as connection:
        rows = stream(connection, query, published_schema(writing.table))
        merge_difference(current, rows, table_schema.key, writing.properties)
    return int(current.version())
