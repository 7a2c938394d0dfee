"""Keep what was not accepted: every row as received, with every reason, in the table's `rejected/` zone.

The rows of a run go in before the run's registry commit, so that a published run always has its evidence. A run that
was killed between the two leaves rows of a run that never was: the next run takes them out again, and its own too, if
it is the one being repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake

from include.contracts.model import Table
from include.lake.engine import literal, quote, scan
from include.lake.errors import lake_errors
from include.lake.evidence import was_published
from include.lake.root import Lake
from include.lake.rows import StagedPaths
from include.lake.state import PREFIX

RESERVED = ("_run_id", "_row", "_status", "_reasons", "_rejected_at", "_key")
_BATCH_ROWS = 16_384


def append_rejected(
    lake: Lake, table: Table, *, run_id: str, at: datetime, staged: StagedPaths, extract_uri: str
) -> int:
    """Append the run's rejected and superseded rows to `rejected/<registry>/<table>`; returns how many.

    Every source column is text exactly as received (binary as hexadecimal), followed by `_row` (number in the extract),
    `_status`, `_reasons`, `_rejected_at`, `_key` (the published key as JSON, null if it could not be read) and
    `_run_id`, by which the table is partitioned. A source column that has one of these names is renamed with the
    prefix `src`.

    Does nothing if the run has committed to the registry table. Else rows of runs that never committed go first.
    """
    registry_uri = lake.registry_table(table.registry, table.name)
    registry = lake.table(registry_uri) if lake.is_table(registry_uri) else None
    uri = lake.rejected_table(table.registry, table.name)
    with lake_errors(f"keeping the rejected rows of {table.qualified_name}"):
        if lake.is_table(uri):
            if registry is not None and registry.transaction_version(run_id) is not None:
                return 0
            _remove_orphans(lake, table, lake.table(uri), registry)
        connection = lake.connect(memory_limit="512MB")
        try:
            return _append(lake, connection, table, uri, run_id, at, staged, extract_uri)
        finally:
            connection.close()


def _append(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    uri: str,
    run_id: str,
    at: datetime,
    staged: StagedPaths,
    extract_uri: str,
) -> int:
    counted = connection.execute(f"SELECT count(*) FROM {scan(staged.faults)}").fetchone()
    rows = int(counted[0]) if counted else 0
    if not rows and lake.is_table(uri):
        return 0
    published = [field.name for field in lake.table(uri).schema().fields] if lake.is_table(uri) else []
    query = _rejected_rows(connection, table, run_id, at, staged, extract_uri, published)
    lake.make_folder(uri)
    write_deltalake(
        uri,
        connection.execute(query).to_arrow_reader(_BATCH_ROWS),
        mode="append",
        schema_mode="merge",
        partition_by=["_run_id"],
        name=f"rejected {table.qualified_name}",
        configuration={"delta.enableExpiredLogCleanup": "false"},
        storage_options=lake.storage_options(),
        writer_properties=WriterProperties(compression="ZSTD"),
        commit_properties=CommitProperties(
            custom_metadata={f"{PREFIX}run_id": run_id, f"{PREFIX}rows": str(rows)},
            app_transactions=[Transaction(app_id=run_id, version=1)],
        ),
    )
    return rows


def _rejected_rows(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    run_id: str,
    at: datetime,
    staged: StagedPaths,
    extract_uri: str,
    published: Sequence[str],
) -> str:
    """SELECT of the rows that were not accepted."""
    described = connection.execute(f"DESCRIBE FROM {scan(extract_uri)}").fetchall()
    names = kept_names([row[0] for row in described], published)
    source = ", ".join(
        f"{_text(f'e.{quote(name)}', sql_type)} AS {quote(names[name])}" for name, sql_type, *_ in described
    )
    row_number = "file_row_number"
    extract = f"(SELECT *, {row_number} AS _lake_row FROM {scan(extract_uri)})"
    if row_number in (name.lower() for name in names):
        connection.execute("SET preserve_insertion_order = true")
        extract = f"(SELECT *, row_number() OVER () - 1 AS _lake_row FROM {scan(extract_uri)})"
    key = "CAST(NULL AS VARCHAR)"
    if table.primary_key:
        fields = ", ".join(f"{literal(name)}, c.{quote(name)}" for name in table.primary_key)
        present = " OR ".join(f"c.{quote(name)} IS NOT NULL" for name in table.primary_key)
        key = f"CASE WHEN {present} THEN CAST(json_object({fields}) AS VARCHAR) END"
    return f"""
        SELECT {source}, f._row, f._outcome AS _status, f._reasons,
               CAST({literal(at.isoformat())} AS TIMESTAMPTZ) AS _rejected_at, {key} AS _key,
               {literal(run_id)} AS _run_id
        FROM {extract} e
        JOIN {scan(staged.faults)} f ON e._lake_row = f._row
        LEFT JOIN (SELECT k.* FROM {scan(staged.conformed)} k SEMI JOIN {scan(staged.faults)} n ON k._row = n._row) c
               ON c._row = f._row"""


def kept_names(source: Sequence[str], published: Sequence[str] = ()) -> dict[str, str]:
    """The name that each source column has among the rejected rows.

    Delta tells names apart without regard to capitals, so a column keeps the spelling it was first published with.
    """
    spelling = {name.lower(): name for name in published}
    taken = {name.lower() for name in source} | set(RESERVED)
    names = {}
    for name in source:
        kept = name
        if name.lower() in RESERVED:
            while kept.lower() in taken:
                kept = "src" + kept
            taken.add(kept.lower())
        names[name] = spelling.get(kept.lower(), kept)
    return names


def _text(expression: str, sql_type: str) -> str:
    return f"hex({expression})" if sql_type in {"BLOB", "BIT"} else f"CAST({expression} AS VARCHAR)"


def _remove_orphans(lake: Lake, table: Table, rejected: DeltaTable, registry: DeltaTable | None) -> None:
    """Take out the rows of runs that did not get as far as their registry commit.

    Runs of a table follow each other, so looking back ends at the first run that committed. The evidence is asked too:
    when a table was retired and begins anew, the rows that its earlier runs rejected stay.
    """
    partitions = set(pa.table(rejected.get_add_actions(flatten=True))["partition._run_id"].to_pylist())
    for entry in rejected.history():
        run_id = entry.get(f"{PREFIX}run_id")
        if run_id is None:
            continue
        has_committed = registry is not None and registry.transaction_version(run_id) is not None
        if has_committed or was_published(lake, table, run_id):
            return
        if run_id in partitions:
            rejected.delete(f"_run_id = {literal(run_id)}")
