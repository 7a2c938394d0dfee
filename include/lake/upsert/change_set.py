"""Change set of a run: the difference between its accepted rows and the published table's content.

It is written once, next to the staged files, and used twice: the gate reads the counts, publishing applies the rows.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from include.cluster import Spark
from include.contracts.model import Table
from include.lake.delta import (
    WARNINGS,
    StagedFiles,
    TableSchema,
    accepted_rows,
    all_differ,
    last_run_commit,
    listed,
    table_schema_of,
)
from include.lake.storage import PARQUET, Lake, LakeKeyBroken, lake_errors, literal, quote, restrict_access, scan
from include.lake.upsert import diff_sql
from include.lake.upsert.judgement import Judgement
from include.lake.upsert.suspects import compared_rows

KEY_FIGURE = "primary_key"
# Comparing two sides of 5,000,000 rows of 11 columns just fits; more rows spill.
COMPARE_MEMORY = "1200MB"
_CALLED = {"judged": "accepted", "published": "published"}
Mode = Literal["full", "incremental", "backfill", "replay"]


@dataclass(frozen=True, slots=True)
class Changes:
    """Counts of a change set; `uri` holds its rows (empty for a new table, or one without a key).

    `judges_anew`: rows that stay were judged by another contract before.
    """

    accepted: int
    inserted: int
    updated: int
    deleted: int
    retained: int
    live_before: int
    live_after: int
    uri: str = ""
    judges_anew: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the published content would not change."""
        return not (self.inserted or self.updated or self.deleted)

    @property
    def rows(self) -> int:
        """Number of rows that would be written or removed."""
        return self.inserted + self.updated + self.deleted


def preview(
    lake: Lake,
    table: Table,
    staged: StagedFiles,
    *,
    mode: Mode = "full",
    gone: str | None = None,
    judgement: Judgement | None = None,
    spark: Spark | None = None,
) -> Changes:
    """The change set of these staged rows, without publishing it."""
    uri = lake.registry_table(table.registry, table.name)
    current = lake.table(uri) if lake.is_table(uri) else None
    schema = table_schema_of(table, current)
    return find_changes(lake, table, schema, current, staged, mode=mode, gone=gone, judgement=judgement, spark=spark)


def find_changes(
    lake: Lake,
    table: Table,
    table_schema: TableSchema,
    current: DeltaTable | None,
    staged: StagedFiles,
    *,
    mode: Mode,
    gone: str | None = None,
    judgement: Judgement | None = None,
    spark: Spark | None = None,
) -> Changes:
    """The change set, from the run folder if it was computed before against the same files of the table.

    `gone`: URI of a Parquet with the keys deleted at the source, in an incremental run. Rows for which the contract's
    `deletedWhen` is TRUE are never published, and removed if they were. `judgement`: of the rows that stay in a full
    run, if they were judged by another contract. `spark`: the cluster that finds the rows which may differ, if the
    table is there and many rows were read.

    Raises:
        KnownError: a rule cannot be run over the rows that stay.
        LakeKeyBroken: accepted rows without a key, or with the same.
        ClusterUnusable: the cluster cannot do its part.
    """
    folder = staged.conformed.rpartition("/")[0]
    note, uri = f"{folder}/_changes.json", f"{folder}/changes.parquet"
    files = current.file_uris() if current else []
    basis = {
        "table": str(current.metadata().id) if current else "",
        "files": hashlib.sha256("\n".join(sorted(files)).encode()).hexdigest(),
        "mode": mode,
        "shape": repr(table_schema),
        "deleted_when": table.extract.deleted_when,
        "staged": [lake.file_stamp(path) for path in (staged.conformed, staged.faults, staged.warnings)],
        "gone": lake.file_stamp(gone) if gone else "",
        "judged": judgement.digest if judgement else "",
    }
    if lake.exists(note):
        found = json.loads(lake.read_text(note))
        if found["basis"] == basis:
            return Changes(**found["changes"])
    # Where the key has become another, all published rows are looked at.
    asked = None if current is None or _key_has_changed(current, table_schema) else spark
    due = judgement if judgement and mode == "full" and judgement.is_due(current) else None
    leaves_others = mode != "full" or (table.extract.deletes != "reconcile" and due is None)
    with (
        compared_rows(
            lake, table, table_schema, current, staged, gone=gone, leaves_others=leaves_others, spark=asked
        ) as compared,
        lake_errors("comparing a table with its new rows"),
        lake.connect(memory_limit=COMPARE_MEMORY) as connection,
    ):
        if due is not None:
            due.prepare(connection)
        reads = [*staged.uris, *files, *compared.files, *([gone] if gone else [])]
        restrict_access(connection, reads=reads, writes=[uri])
        deleted_when = table.extract.deleted_when
        diff_sql.create_views(
            connection, table_schema, files, compared.staged,
            deleted_when=deleted_when, gone=gone, published=compared.published,
        )  # fmt: skip
        if table_schema.key:
            is_part = bool(deleted_when or compared.files)
            whole = accepted_rows(table_schema, staged, deleted_when=deleted_when) if is_part else ""
            changes = _compare_by_key(connection, table, table_schema, current, uri, mode, whole, due)
        else:
            changes = _compare_as_a_whole(connection, table_schema, current, mode)
    lake.write_text(note, json.dumps({"basis": basis, "changes": asdict(changes)}))
    return changes


def _compare_by_key(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    table_schema: TableSchema,
    current: DeltaTable | None,
    uri: str,
    mode: Mode,
    whole: str,
    judgement: Judgement | None,
) -> Changes:
    """Change set of a table with a key, from the views. `whole`: SELECT of the accepted rows, if not all `judged`."""
    accepted = _check_key(connection, table_schema, "judged", "the contract must require every key column")
    if whole:
        accepted = int(_rows(connection, f"SELECT count(*) FROM ({whole})")[0][0])
    if current is None:
        return Changes(accepted, accepted, 0, 0, 0, 0, accepted)
    if _key_has_changed(current, table_schema):
        where = f"registry/{table.registry}/{table.base_name}"
        remedy = f"give the contract its former key, or retire the table (remove {where} from the lake) and sync with"
        _check_key(connection, table_schema, "published", f"{remedy} --full")
    if mode == "full":
        is_reconciled, judged = table.extract.deletes == "reconcile", judgement.warnings if judgement else ""
        query = diff_sql.of_full(table_schema, is_reconciled=is_reconciled, judged=judged)
    else:
        # An incremental run reads current rows. Backfills and replays may have older ones.
        guard = () if mode == "incremental" else table.extract.cursor
        query = diff_sql.of_part(connection, table_schema, guard)
    try:
        connection.execute(f"COPY ({query}) TO {literal(uri)} ({PARQUET})")
    except duckdb.Error as error:
        raise (judgement and judgement.blame(connection, "published")) or error from None
    counted = dict(_rows(connection, f"SELECT _change, count(*) FROM {scan(uri)} GROUP BY ALL"))
    inserted, deleted = counted.get("insert", 0), counted.get("delete", 0)
    live_before = _live_rows(connection, current)
    return Changes(
        accepted=accepted,
        inserted=inserted,
        updated=counted.get("update", 0),
        deleted=deleted,
        retained=counted.get("retained", 0),
        live_before=live_before,
        live_after=live_before + inserted - deleted,
        uri=uri,
        judges_anew=judgement is not None,
    )


def _compare_as_a_whole(
    connection: duckdb.DuckDBPyConnection, table_schema: TableSchema, current: DeltaTable | None, mode: Mode
) -> Changes:
    """Change set of a table without key: the content is equal, or replaced as a whole; a replay adds."""
    columns = listed((*table_schema.names, WARNINGS, *(name for name, _ in table_schema.dropped)))
    nulls = "".join(f", CAST(NULL AS {sql_type}) AS {quote(name)}" for name, sql_type in table_schema.dropped)
    summary = f"SELECT count(*), bit_xor(hash({columns})), sum(hash({columns}))"
    new = _rows(connection, f"{summary} FROM (SELECT *{nulls} FROM accepted)")[0]
    if mode != "full":
        live_before = _live_rows(connection, current) if current else 0
        return Changes(new[0], new[0], 0, 0, 0, live_before, live_before + new[0])
    old = _rows(connection, f"{summary} FROM published")[0]
    is_same = current is not None and new == old
    return Changes(
        accepted=new[0],
        inserted=0 if is_same else new[0],
        updated=0,
        deleted=0 if is_same else old[0],
        retained=0,
        live_before=old[0],
        live_after=new[0],
    )


def _live_rows(connection: duckdb.DuckDBPyConnection, current: DeltaTable) -> int:
    """Row count of the table, from its log; counted only if a file has no row count there."""
    rows = pa.table(current.get_add_actions())["num_records"].to_pylist()
    return int(_rows(connection, "SELECT count(*) FROM published")[0][0]) if None in rows else sum(rows)


def _key_has_changed(current: DeltaTable, table_schema: TableSchema) -> bool:
    state = last_run_commit(current)
    return state is not None and state.metadata.get(KEY_FIGURE, "") != key_text(table_schema)


def key_text(table_schema: TableSchema) -> str:
    """The key as stored in commit metadata."""
    return ",".join(table_schema.key)


def _check_key(connection: duckdb.DuckDBPyConnection, table_schema: TableSchema, view: str, remedy: str) -> int:
    """Number of rows of a view, after checking that the key is not null and unique. Raises LakeKeyBroken."""
    if all_differ(connection, view, table_schema.key):
        return int(_rows(connection, f"SELECT count(*) FROM {view}")[0][0])
    keys = listed(table_schema.key)
    missing = " OR ".join(f"{quote(name)} IS NULL" for name in table_schema.key)
    rows, empty, different = _rows(
        connection,
        f"""SELECT coalesce(sum(_n), 0)::BIGINT, coalesce(sum(_m), 0)::BIGINT, count(*)
            FROM (SELECT hash({keys}) AS _h, count(*) AS _n, count(*) FILTER (WHERE {missing}) AS _m
                  FROM {view} GROUP BY _h)""",
    )[0]
    repeated = 0
    if different != rows:  # hashes take less memory than keys; this check must be exact
        repeated = _rows(
            connection, f"SELECT count(*) FROM (SELECT {keys} FROM {view} GROUP BY {keys} HAVING count(*) > 1)"
        )[0][0]
    if empty or repeated:
        raise LakeKeyBroken(
            f"the {_CALLED[view]} rows break the primary key ({', '.join(table_schema.key)}): {empty} without a key, "
            f"{repeated} keys more than once; nothing was published: {remedy}"
        )
    return int(rows)


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()
