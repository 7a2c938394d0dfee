"""The zone `people/`: who is who across the registries. One Delta commit per run and table, none where nothing changed.

    records    what was linked: one row per person record of every linked table, as it was compared
    index      record_id -> person_id           links      pairs, by which pass and how strongly
    golden     one row per person               events     minted, merged, split, retired; only grows
    reviews    what people decided; only grows  findings   what the owners of the registries should look at

`record_id` holds the key of a registry's row, which can be a personal id: like every value it stays inside the lake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake

from include.lake.delta import PublishedState, commit_properties, last_state, state_of_run
from include.lake.people.tables import KEYS, SCHEMAS
from include.lake.storage import Lake, LakeConflict, lake_errors, literal, quote, scan

ZONE = "people"
_CONFIGURATION = {"delta.enableChangeDataFeed": "true", "delta.enableExpiredLogCleanup": "false"}
_WRITER = WriterProperties(compression="ZSTD")
_BATCH_ROWS = 65_536
# Above this many changed rows the table is written anew: delta-rs merges with a hash table in memory.
MERGE_ROWS = 400_000
_ATTEMPTS = 3
_CHANGE = "_change"


@dataclass(frozen=True, slots=True)
class PeopleCommit:
    """What a run did to one table. `is_new` is False when there was nothing to write, or the run had committed."""

    table: str
    version: int
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    is_new: bool = False


def people_table(lake: Lake, name: str) -> str:
    """The URI of one table of the zone."""
    return lake.path(ZONE, name)


def people_state(lake: Lake, name: str) -> PublishedState | None:
    """The newest commit that a run made to the table; None before the first."""
    uri = people_table(lake, name)
    return last_state(lake.table(uri)) if lake.is_table(uri) else None


def people_version(lake: Lake, name: str) -> int:
    """The table's version; -1 if there is none."""
    uri = people_table(lake, name)
    return int(lake.table(uri).version()) if lake.is_table(uri) else -1


def people_view(lake: Lake, connection: duckdb.DuckDBPyConnection, name: str, *, called: str | None = None) -> bool:
    """Make a view of the table as it is now; without rows if there is no table yet. False in that case.

    `records` and `golden` have the columns of what was written: without a table there is no view of them.
    """
    uri, called = people_table(lake, name), quote(called or name)
    current = lake.table(uri) if lake.is_table(uri) else None
    files = current.file_uris() if current is not None else []
    if files:
        listed = ", ".join(literal(file) for file in files)
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {called} AS FROM read_parquet([{listed}], hive_partitioning = false)"
        )
        return True
    schema = SCHEMAS.get(name) if current is None else pa.schema(current.schema().to_arrow())
    if schema is not None:
        # A table of the engine's own: a join pushes filters down that it cannot hand to an Arrow table.
        connection.register("no rows", schema.empty_table())
        connection.execute(f'CREATE OR REPLACE TEMP TABLE {called} AS FROM "no rows"')
        connection.unregister("no rows")
    return current is not None


def bring(
    lake: Lake,
    name: str,
    uri: str,
    *,
    run_id: str,
    metadata: Mapping[str, str] | None = None,
    after: str | None = None,
) -> PeopleCommit:
    """Make the Parquet file at `uri` the content of `people/<name>`: the difference, in one commit of this run.

    Without a difference nothing is committed. A run commits to a table once. `after` names the run whose commit must be
    the newest (empty: there must be none), because the content was made from that state.

    Raises:
        LakeConflict: another run committed meanwhile.
        LakeError: the lake is full, denied or unreachable.
    """
    for attempts_left in range(_ATTEMPTS - 1, -1, -1):
        try:
            return _bring(lake, name, uri, run_id, metadata or {}, after)
        except LakeConflict:
            # Maintenance may have committed meanwhile; the difference is found anew against what is there now.
            if not attempts_left:
                raise
    raise AssertionError("unreachable")


def extend(
    lake: Lake, name: str, rows: str | pa.Table, *, run_id: str, metadata: Mapping[str, str] | None = None
) -> PeopleCommit:
    """Append rows (a Parquet file's URI, or a small table) to a table that only grows, in one commit of this run.

    Raises:
        LakeConflict: somebody committed meanwhile: look again at what is there, and try again.
    """
    connection = lake.connect()
    try:
        with lake_errors(f"recording people/{name}"):
            current = _open(lake, name)
            if current is not None and (done := state_of_run(current, run_id)) is not None:
                return PeopleCommit(name, done.version)
            if isinstance(rows, str):
                connection.execute(f"CREATE TEMP VIEW fresh AS FROM {scan(rows)}")
            else:
                connection.register("fresh", rows)
            count = _count(connection, "fresh")
            if not count:
                return PeopleCommit(name, -1 if current is None else int(current.version()))
            properties = commit_properties(run_id, metadata or {}, inserted=count, updated=0, deleted=0)
            version = _write(lake, name, current, connection, "FROM fresh", "append", properties)
            return PeopleCommit(name, version, inserted=count, is_new=True)
    finally:
        connection.close()


def _bring(
    lake: Lake, name: str, uri: str, run_id: str, metadata: Mapping[str, str], after: str | None
) -> PeopleCommit:
    connection = lake.connect()
    try:
        with lake_errors(f"publishing people/{name}"):
            current = _open(lake, name)
            if current is not None and (done := state_of_run(current, run_id)) is not None:
                return PeopleCommit(name, done.version)
            newest = last_state(current) if current is not None else None
            if after is not None and newest is not None and newest.run_id != after:
                raise LakeConflict(f"another run has committed to people/{name} since this one looked: link again")
            fresh = f"FROM {scan(uri)}"
            if current is None:
                rows = _count(connection, scan(uri))
                properties = commit_properties(run_id, metadata, inserted=rows, live_rows=rows)
                version = _write(lake, name, None, connection, fresh, "error", properties)
                return PeopleCommit(name, version, inserted=rows, is_new=True)
            counts = _compare(lake, connection, name, uri, current)
            if counts is None or any(counts.values()):
                rows = _count(connection, scan(uri))
                properties = commit_properties(run_id, metadata, **(counts or {}), live_rows=rows)
                version = _apply(lake, name, current, connection, fresh, counts, properties)
                return PeopleCommit(name, version, **(counts or {"updated": rows}), is_new=True)
            return PeopleCommit(name, int(current.version()))
    finally:
        connection.close()


def _compare(
    lake: Lake, connection: duckdb.DuckDBPyConnection, name: str, uri: str, current: DeltaTable
) -> dict[str, int] | None:
    """How many rows are new, changed and gone; the rows are left in the view `difference`. None: other columns."""
    columns = [row[0] for row in connection.execute(f"DESCRIBE FROM {scan(uri)}").fetchall()]
    people_view(lake, connection, name, called="current")
    if columns != [field.name for field in current.schema().fields]:
        return None
    keys = KEYS[name]
    same_key = " AND ".join(f"f.{quote(key)} = c.{quote(key)}" for key in keys)
    content = [column for column in columns if column not in keys]
    differs = " OR ".join(f"f.{quote(column)} IS DISTINCT FROM c.{quote(column)}" for column in content) or "false"
    listed = ", ".join(
        f"coalesce(f.{quote(c)}, c.{quote(c)}) AS {quote(c)}" if c in keys else f"f.{quote(c)}" for c in columns
    )
    first = quote(keys[0])
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE difference AS
        SELECT {listed}, CASE WHEN c.{first} IS NULL THEN 'inserted' WHEN f.{first} IS NULL THEN 'deleted'
                              ELSE 'updated' END AS {_CHANGE}
        FROM {scan(uri)} f FULL JOIN current c ON {same_key}
        WHERE c.{first} IS NULL OR f.{first} IS NULL OR {differs}""")
    found = dict(connection.execute(f"SELECT {_CHANGE}, count(*) FROM difference GROUP BY ALL").fetchall())
    return {change: found.get(change, 0) for change in ("inserted", "updated", "deleted")}


def _apply(
    lake: Lake,
    name: str,
    current: DeltaTable,
    connection: duckdb.DuckDBPyConnection,
    fresh: str,
    counts: dict[str, int] | None,
    properties: CommitProperties,
) -> int:
    """The difference in one commit, the way that suits its size."""
    if counts is None or sum(counts.values()) > MERGE_ROWS:
        return _write(lake, name, current, connection, fresh, "overwrite", properties)
    if not counts["updated"] and not counts["deleted"]:
        return _write(
            lake, name, current, connection, f"SELECT * EXCLUDE ({_CHANGE}) FROM difference", "append", properties
        )
    columns = {quote(field.name): f"source.{quote(field.name)}" for field in current.schema().fields}
    merger = current.merge(
        connection.execute("FROM difference").to_arrow_reader(_BATCH_ROWS),
        " AND ".join(f"target.{quote(key)} = source.{quote(key)}" for key in KEYS[name]),
        source_alias="source",
        target_alias="target",
        writer_properties=_WRITER,
        commit_properties=properties,
    )
    merger = merger.when_matched_delete(f"source.{_CHANGE} = 'deleted'")
    merger.when_matched_update(columns).when_not_matched_insert(columns).execute()
    return int(current.version())


def _write(
    lake: Lake,
    name: str,
    current: DeltaTable | None,
    connection: duckdb.DuckDBPyConnection,
    query: str,
    mode: str,
    properties: CommitProperties,
) -> int:
    uri = people_table(lake, name)
    lake.make_folder(uri)
    write_deltalake(
        uri if current is None else current,
        connection.execute(query).to_arrow_reader(_BATCH_ROWS),
        mode="error" if current is None else mode,
        schema_mode="overwrite" if mode == "overwrite" else None,
        name=f"people.{name}" if current is None else None,
        configuration=_CONFIGURATION if current is None else None,
        storage_options=lake.storage_options(),
        writer_properties=_WRITER,
        commit_properties=properties,
    )
    return int(lake.table(uri).version() if current is None else current.version())


def _open(lake: Lake, name: str) -> DeltaTable | None:
    uri = people_table(lake, name)
    return lake.table(uri) if lake.is_table(uri) else None


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(found[0]) if found else 0
