"""Keys of open rejections by the contract as it is: `_key` and `_cursor` made anew from the cells as received.

By its `_key` a rejected row is told from others: whether a newer version came, is published, or is gone. A key by
another contract tells nothing, and must never be taken for that of a row which has none.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from include.contracts.model import Table
from include.lake.delta import FILE, StagedFiles
from include.lake.rejected.close import commit_rewrites, rewrite_files
from include.lake.rejected.open_rejections import as_json, open_rejections_of
from include.lake.rejected.outcomes import Closing
from include.lake.rejected.relations import CHOSEN, OPENED, SETTLED
from include.lake.rejected.replay_source import typed_rows
from include.lake.storage import Lake, lake_errors, literal, retry_on_conflict, scan

_RENEWED = """
    CASE WHEN s._of_row IS NULL THEN r._key ELSE s._new_key END AS _key,
    CASE WHEN s._of_row IS NULL THEN r._cursor ELSE s._new_cursor END AS _cursor"""


def renew_keys(lake: Lake, table: Table, *, run_id: str, at: datetime, conform: Callable[[str, str], object]) -> None:
    """Give every open row the key and cursor that it has by the contract; nothing is written where they are the same.

    `conform` makes, of the extract at its first URI, a Parquet at its second one: the contract's key and cursor columns
    and `_row`. What it raises goes on to the caller, and the keys stay as they were.
    """
    folder = f"{lake.staging_path(table.registry, table.name, run_id)}/keyed"
    closing = Closing(lake, table, run_id, at, "replay", StagedFiles.below(folder), None)
    try:
        retry_on_conflict(lake, closing.uri, lambda: _renew(closing, folder, conform))
    finally:
        lake.delete_tree(folder)


def _renew(closing: Closing, folder: str, conform: Callable[[str, str], object]) -> None:
    lake, table = closing.lake, closing.table
    extract_uri, keys_uri = f"{folder}/rows.parquet", f"{folder}/keys.parquet"
    with (
        open_rejections_of(lake, table, memory_limit="1GB") as opened,
        lake_errors(f"finding the keys of the rejected rows of {table.qualified_name}"),
    ):
        if opened is None or not opened.files:
            return
        connection = opened.connection
        connection.execute(
            f"CREATE TEMP TABLE {CHOSEN} AS SELECT _run_id AS _of_run, _row AS _of_row, "
            f"row_number() OVER (ORDER BY _run_id, _row) - 1 AS _row FROM {OPENED}"
        )
        if not connection.execute(f"FROM {CHOSEN} LIMIT 1").fetchall():
            return
        lake.make_folder(folder)
        connection.execute("SET preserve_insertion_order = true")
        rows = typed_rows(connection, opened.delta, None)
        connection.execute(f"COPY ({rows}) TO {literal(extract_uri)} (FORMAT parquet, COMPRESSION zstd)")
        connection.execute("SET preserve_insertion_order = false")
        conform(extract_uri, keys_uri)
        key, cursor = as_json(table.primary_key, "k"), as_json(table.extract.cursor, "k")
        connection.execute(
            f"CREATE TEMP TABLE {SETTLED} AS SELECT * FROM (SELECT c._of_run, c._of_row, o.{FILE} AS _of_file, "
            f"o._key, o._cursor, {key} AS _new_key, {cursor} AS _new_cursor FROM {CHOSEN} c "
            f"JOIN {scan(keys_uri)} k ON k._row = c._row "
            f"JOIN {OPENED} o ON o._run_id = c._of_run AND o._row = c._of_row) "
            "WHERE _key IS DISTINCT FROM _new_key OR _cursor IS DISTINCT FROM _new_cursor"
        )
        rewrites = rewrite_files(closing, opened, _RENEWED)
        if rewrites:
            commit_rewrites(closing, opened.delta, rewrites)
