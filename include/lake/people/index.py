"""The zone `people/`: who is who across the registries. One Delta commit per run and table, none where nothing changed.

    records    what was linked: one row per person record of every linked table, as it was compared
    index      record_id -> person_id           links      pairs, by which pass and how strongly
    golden     one row per person               events     minted, merged, split, retired; only grows
    reviews    what people decided; only grows  findings   what the owners of the registries should look at
    former     records that left the index, with the person they belonged to; only grows

`record_id` holds the key of a registry's row, which can be a personal id: like every value it stays inside the lake.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable

from include.lake.delta import CHECKPOINTS, RunCommit, commit_of_run, commit_properties, last_run_commit, view_of
from include.lake.people.tables import KEYS, SCHEMAS
from include.lake.storage import Lake, LakeConflict, create_temp_table, lake_errors, literal, retry_on_conflict, scan
from include.lake.upsert import Upserted, count, stream, upsert, write

ZONE = "people"
_ESCAPED = re.compile(r"\\(?:u[0-9a-f]{4}|.)")
_CONFIGURATION = {
    **CHECKPOINTS,
    "delta.enableChangeDataFeed": "true",
    "delta.enableExpiredLogCleanup": "false",
}


def people_table(lake: Lake, name: str) -> str:
    """The URI of one table of the zone."""
    return lake.path(ZONE, name)


def people_state(lake: Lake, name: str) -> RunCommit | None:
    """The newest commit that a run made to the table; None before the first."""
    uri = people_table(lake, name)
    return last_run_commit(lake.table(uri)) if lake.is_table(uri) else None


def people_view(lake: Lake, connection: duckdb.DuckDBPyConnection, name: str, *, called: str = "") -> bool:
    """Make a view of the table as it is now; without rows if there is no table yet. False in that case.

    `records` and `golden` have the columns of what was written: without a table there is no view of them.
    """
    current = _open(lake, name)
    if current is not None:
        view_of(connection, called or name, current, current.file_uris())
    elif name in SCHEMAS:
        create_temp_table(connection, called or name, SCHEMAS[name].empty_table())
    return current is not None


def record_id(table: str, key: Iterable[str | None]) -> str:
    """The id of a record of `registry.table` by the values of its key, in text: as linking writes it in SQL.

    DuckDB writes the code of a control character in capitals.
    """
    written = json.dumps([*key], ensure_ascii=False, separators=(",", ":"))
    return f"{table}:{_ESCAPED.sub(lambda found: found[0][:2] + found[0][2:].upper(), written)}"


def persons_of(lake: Lake, record_ids: Iterable[str]) -> frozenset[str]:
    """The persons to whom these records belong today; a record that is not linked has none."""
    with lake.connect(memory_limit="512MB") as connection, lake_errors("reading people/index"):
        people_view(lake, connection, "index")
        query = "SELECT DISTINCT person_id FROM index WHERE record_id IN (SELECT unnest(?))"
        return frozenset(str(row[0]) for row in connection.execute(query, [list(record_ids)]).fetchall())


def upsert_people(
    lake: Lake,
    name: str,
    uri: str,
    *,
    run_id: str,
    metadata: Mapping[str, str] | None = None,
    after: str | None = None,
) -> Upserted:
    """Make the Parquet file at `uri` the content of `people/<name>`: the difference, in one commit of this run.

    Without a difference nothing is committed. A run commits to a table once. `after` names the run whose commit must be
    the newest (empty: there must be none), because the content was made from that state.

    Raises:
        LakeConflict: another run committed meanwhile.
        LakeError: the lake is full, denied or unreachable.
    """

    def said(figures: Mapping[str, int]) -> CommitProperties:
        return commit_properties(run_id, metadata or {}, **figures)

    def attempt() -> Upserted | None:
        with lake.connect() as connection, lake_errors(f"publishing people/{name}"):
            current = _open(lake, name)
            if current is not None and (done := commit_of_run(current, run_id)) is not None:
                return Upserted(done.version)
            newest = last_run_commit(current) if current is not None else None
            if after is not None and newest is not None and newest.run_id != after:
                return None
            connection.execute(f"CREATE TEMP VIEW fresh AS FROM {scan(uri)}")
            fresh = stream(connection, "FROM fresh LIMIT 0").schema.names
            rows = count(connection, "fresh")
            if current is None:
                return _create(lake, name, connection, said({"inserted": rows, "live_rows": rows}), rows)
            if fresh != [field.name for field in current.schema().fields]:
                whole = stream(connection, "FROM fresh")
                write(current, whole, "overwrite", said({"live_rows": rows}), schema_mode="overwrite")
                return Upserted(int(current.version()), rows, updated=rows, is_new=True)
            return upsert(connection, current, KEYS[name], said)

    done = retry_on_conflict(lake, people_table(lake, name), attempt)
    if done is None:
        raise LakeConflict(f"another run has committed to people/{name} since this one looked: link again")
    return done


def extend(
    lake: Lake, name: str, rows: str | pa.Table, *, run_id: str, metadata: Mapping[str, str] | None = None
) -> Upserted:
    """Append rows (a Parquet file's URI, or a small table) to a table that only grows, in one commit of this run.

    Raises:
        LakeConflict: somebody committed meanwhile: look again at what is there, and try again.
    """
    with lake.connect() as connection, lake_errors(f"recording people/{name}"):
        current = _open(lake, name)
        if current is not None and (done := commit_of_run(current, run_id)) is not None:
            return Upserted(done.version)
        if isinstance(rows, str):
            connection.execute(f"CREATE TEMP VIEW fresh AS FROM {scan(rows)}")
        else:
            connection.register("fresh", rows)
        coming = count(connection, "fresh")
        if not coming:
            return Upserted(-1 if current is None else int(current.version()))
        properties = commit_properties(run_id, metadata or {}, inserted=coming, updated=0, deleted=0)
        if current is None:
            return _create(lake, name, connection, properties, coming)
        write(current, stream(connection, "FROM fresh"), "append", properties)
        return Upserted(int(current.version()), inserted=coming, is_new=True)


def keep_former(lake: Lake, index_uri: str, *, run_id: str, at: datetime, metadata: Mapping[str, str]) -> None:
    """Append to `people/former` the records that leave the index when the Parquet file at `index_uri` becomes it.

    It is called before that commit; a killed run that is repeated keeps them once.
    """
    with lake.connect() as connection, lake_errors("keeping former records"):
        if not people_view(lake, connection, "index"):
            return
        left = connection.execute(
            f"SELECT *, CAST({literal(at.isoformat())} AS TIMESTAMPTZ) AS left_at FROM index "
            f"ANTI JOIN {scan(index_uri)} USING (record_id)"
        ).to_arrow_table()
    if left.num_rows:
        extend(lake, "former", left.cast(SCHEMAS["former"]), run_id=run_id, metadata=metadata)


def _create(
    lake: Lake, name: str, connection: duckdb.DuckDBPyConnection, properties: CommitProperties, rows: int
) -> Upserted:
    uri = people_table(lake, name)
    lake.make_folder(uri)
    terms = {"name": f"people.{name}", "configuration": _CONFIGURATION, "storage_options": lake.storage_options()}
    write(uri, stream(connection, "FROM fresh"), "error", properties, **terms)
    return Upserted(0, rows, inserted=rows, is_new=True)


def _open(lake: Lake, name: str) -> DeltaTable | None:
    uri = people_table(lake, name)
    return lake.table(uri) if lake.is_table(uri) else None
