"""Append a run's rejected rows, as received and with every reason, to the table's `rejected/` zone.

They are appended before the run's registry commit, so that a published run never lacks its rejections, and count from
that commit on (see open_rejections.py). A run that is repeated before its commit replaces the rows it appended.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, Transaction, WriterProperties, write_deltalake

from include.contracts.model import Table
from include.lake.delta import CHECKPOINTS, PREFIX, StagedFiles
from include.lake.rejected.open_rejections import COLUMNS, OPEN, RESERVED_COLUMNS, as_json, open_rejections_of
from include.lake.rejected.relations import OPENED
from include.lake.rejected.replay_source import ensure_open
from include.lake.storage import (
    Lake,
    create_temp_table,
    free_name,
    lake_errors,
    literal,
    quote,
    retry_on_conflict,
    scan,
)
from include.lake.upsert import Mode

_BATCH_ROWS, _BATCH_CELLS = 16_384, 4_000_000
_MANY_COLUMNS = 500
_AS_WRITTEN = "'join_order,build_side_probe_side'"
_CONFIGURATION = {
    **CHECKPOINTS,
    "delta.enableExpiredLogCleanup": "false",
    # Which files hold open rows is read from the log; values as received stay out of it.
    "delta.dataSkippingStatsColumns": "_life,_status,_rejected_at",
}


@dataclass(frozen=True, slots=True)
class _Append:
    """Parameters of one run's append."""

    lake: Lake
    table: Table
    run_id: str
    at: datetime
    staged: StagedFiles
    extract_uri: str
    mode: Mode
    reading: dict[str, str]

    @property
    def uri(self) -> str:
        return self.lake.rejected_table(self.table.registry, self.table.name)


def append_rejected(
    lake: Lake,
    table: Table,
    *,
    run_id: str,
    at: datetime,
    staged: StagedFiles,
    extract_uri: str,
    mode: Mode = "full",
    snapshot_at: str = "",
    table_digest: str = "",
    began_upon: str | None = None,
) -> int:
    r"""Append the run's rejected and superseded rows to `rejected/<registry>/<table>`; returns how many.

    Every source column is text exactly as received (binary as `\x` and hexadecimal digits), followed by `_row`
    (number in the extract), `_status` (`rejected` or `superseded`), `_reasons`, `_rejected_at`, `_since` (when this
    streak of rejections of the key began), `_key` and `_cursor` (as published, JSON; null if they could not be
    read), `_life` (null if superseded), `_closed_by`, `_closed_at` and `_run_id`, by which the table is
    partitioned. A source column that has one of these names is renamed with the prefix `src`. The commit metadata
    holds the source column types, `snapshot_at`, `table_digest` and `began_upon`, as the run's registry commit will.

    Does nothing if the run has committed to the registry table, or replays rows that are stored already.

    Raises:
        LakeOutdated: the run replays rows that a later run has received again.
    """
    if mode == "replay":
        ensure_open(lake, table, run_id)
        return 0
    reading = {"snapshot_at": snapshot_at, "table_digest": table_digest}
    reading |= {"began_upon": began_upon} if began_upon is not None else {}
    append = _Append(lake, table, run_id, at, staged, extract_uri, mode, reading)
    return retry_on_conflict(lake, append.uri, lambda: _append(append))


def _append(append: _Append) -> int:
    lake, table = append.lake, append.table
    registry = lake.registry_table(table.registry, table.name)
    with lake_errors(f"keeping the rejected rows of {table.qualified_name}"):
        if lake.is_table(registry) and lake.table(registry).transaction_version(append.run_id) is not None:
            return 0
        current = lake.table(append.uri) if lake.is_table(append.uri) else None
        if current is not None and current.transaction_version(append.run_id) is not None:
            again = CommitProperties(custom_metadata={f"{PREFIX}run_id": append.run_id})
            current.delete(f"_run_id = {literal(append.run_id)}", commit_properties=again)
        with lake.open_input(append.staged.faults) as file:
            rows = int(pq.read_metadata(file).num_rows)
        if rows or current is None:
            published = [field.name for field in current.schema().fields] if current is not None else []
            with lake.connect(memory_limit="512MB") as connection:
                _write(append, connection, rows, published)
        return rows


def _write(append: _Append, connection: duckdb.DuckDBPyConnection, rows: int, published: Sequence[str]) -> None:
    described = connection.execute(f"DESCRIBE FROM {scan(append.extract_uri)}").fetchall()
    source = {name: sql_type for name, sql_type, *_ in described}
    if len(source) > _MANY_COLUMNS:
        # Each thread buffers all columns; and the join must hash the rejected rows, never the extract.
        for setting in ("threads = 1", "memory_limit = '900MB'", f"disabled_optimizers = {_AS_WRITTEN}"):
            connection.execute(f"SET {setting}")
    names = kept_names(list(source), published)
    create_temp_table(connection, "earlier", _open_since(append))
    query = _rejected_rows(append, connection, published)
    columns = [[name, sql_type, names[name]] for name, sql_type in source.items()]
    metadata = append.reading | {"run_id": append.run_id, "rows": str(rows), "mode": append.mode}
    metadata[COLUMNS] = json.dumps(columns, ensure_ascii=False)
    append.lake.make_folder(append.uri)
    write_deltalake(
        append.uri,
        connection.execute(query).to_arrow_reader(min(_BATCH_ROWS, _BATCH_CELLS // len(source))),
        mode="append",
        schema_mode="merge",
        partition_by=["_run_id"],
        name=f"rejected {append.table.qualified_name}",
        configuration=_CONFIGURATION,
        storage_options=append.lake.storage_options(),
        writer_properties=WriterProperties(compression="ZSTD"),
        commit_properties=CommitProperties(
            custom_metadata={PREFIX + name: text for name, text in metadata.items()},
            app_transactions=[Transaction(app_id=append.run_id, version=1)],
        ),
    )


def _rejected_rows(append: _Append, connection: duckdb.DuckDBPyConnection, published: Sequence[str]) -> str:
    """SELECT of the rows that were not accepted."""
    cells = received_cells(connection, append.extract_uri, published)
    received = ", ".join(f"{text} AS {quote(kept)}" for kept, text in cells.columns.items())
    staged, at = append.staged, f"CAST({literal(append.at.isoformat())} AS TIMESTAMPTZ)"
    key, cursor = as_json(append.table.primary_key, "c"), as_json(append.table.extract.cursor, "c")
    return f"""
        SELECT {received}, n._row, n._status, n._reasons, {at} AS _rejected_at, n._since, n._key, n._cursor,
               CASE WHEN n._status = 'rejected' THEN {literal(OPEN)} END AS _life, CAST(NULL AS VARCHAR) AS _closed_by,
               CAST(NULL AS TIMESTAMPTZ) AS _closed_at, {literal(append.run_id)} AS _run_id
        FROM {cells.rows}
        JOIN (SELECT f._row, f._outcome AS _status, f._reasons, {key} AS _key, {cursor} AS _cursor,
                     CASE WHEN f._outcome = 'rejected' THEN coalesce(o._since, {at}) END AS _since
              FROM {scan(staged.faults)} f
              LEFT JOIN (SELECT k.* FROM {scan(staged.conformed)} k
                         SEMI JOIN {scan(staged.faults)} n ON k._row = n._row) c ON c._row = f._row
              LEFT JOIN earlier o ON o._key = {as_json(append.table.primary_key, "c", whole=True)}) n
          ON e.{cells.number} = n._row"""


def _open_since(append: _Append) -> pa.Table:
    """Keys rejected by this run that have open rejections from earlier runs, with the start of their streak."""
    empty = pa.table({"_key": pa.array([], pa.string()), "_since": pa.array([], pa.timestamp("us", tz="UTC"))})
    if not append.table.primary_key:
        return empty
    with open_rejections_of(append.lake, append.table) as opened:
        if opened is None or not opened.files:
            return empty
        faulty = f"SELECT _row FROM {scan(append.staged.faults)} WHERE _outcome = 'rejected'"
        whole = as_json(append.table.primary_key, "k", whole=True)
        keys = f"SELECT {whole} AS _key FROM {scan(append.staged.conformed)} k"
        return opened.connection.execute(
            f"SELECT _key, min(_since) AS _since FROM {OPENED} SEMI JOIN ({keys} SEMI JOIN ({faulty}) n USING (_row)) "
            "f USING (_key) GROUP BY _key"
        ).to_arrow_table()


@dataclass(frozen=True, slots=True)
class ReceivedCells:
    """An extract as relation `rows`, named `e`, with its row `number`, and the SQL of each cell's text by kept name."""

    rows: str
    number: str
    columns: dict[str, str]


def received_cells(
    connection: duckdb.DuckDBPyConnection, extract_uri: str, published: Sequence[str] = ()
) -> ReceivedCells:
    """The cells of an extract as the table of rejected rows, which has the columns `published`, keeps them."""
    described = connection.execute(f"DESCRIBE FROM {scan(extract_uri)}").fetchall()
    source = {name: sql_type for name, sql_type, *_ in described}
    names = kept_names(list(source), published)
    row_number, number = "file_row_number", free_name("_lake_row", source)
    if row_number in (name.lower() for name in source):
        connection.execute("SET preserve_insertion_order = true")
        row_number = "row_number() OVER () - 1"
    columns = {names[name]: _text(f"e.{quote(name)}", kind) for name, kind in source.items()}
    return ReceivedCells(f"(SELECT *, {row_number} AS {number} FROM {scan(extract_uri)}) e", number, columns)


def kept_names(source: Sequence[str], published: Sequence[str] = ()) -> dict[str, str]:
    """Mapping of source column names to their names in the table of rejected rows.

    Delta column names are case-insensitive, so a column keeps the spelling it was first published with.
    """
    spelling = {name.lower(): name for name in published}
    taken = {name.lower() for name in source} | set(RESERVED_COLUMNS)
    names = {}
    for name in source:
        kept = name
        if name.lower() in RESERVED_COLUMNS:
            while kept.lower() in taken:
                kept = "src" + kept
            taken.add(kept.lower())
        names[name] = spelling.get(kept.lower(), kept)
    return names


def _text(expression: str, sql_type: str) -> str:
    if sql_type == "BLOB":  # as the conform step writes it
        return f"'\\x' || lower(hex({expression}))"
    return f"CAST({expression} AS VARCHAR)"
