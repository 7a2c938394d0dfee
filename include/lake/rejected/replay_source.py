"""Replay source: open rejected rows written as an extract, with the types that the source's columns had."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
from deltalake import DeltaTable

from include.contracts.model import DRIFT_FLAG, Table
from include.lake.delta import PREFIX, published_rows, table_schema_of
from include.lake.rejected.open_rejections import (
    COLUMNS,
    RESERVED_COLUMNS,
    OpenRejections,
    has_key,
    open_rejections_of,
    runs_that_count,
    typed_cursor,
    typed_key,
)
from include.lake.rejected.relations import CHOSEN, OPENED, RUNS
from include.lake.storage import Lake, LakeOutdated, free_name, lake_errors, literal, quote, scan

ORIGIN = ("_of_run", "_of_row")
Columns = tuple[tuple[str, str, str], ...]
"""Name, DuckDB type and name in the table of rejected rows, of each source column."""


@dataclass(frozen=True, slots=True)
class ReplaySource:
    """An extract of open rows at `uri`; `stale` counts open rows left out because a newer version is published."""

    uri: str
    rows: int
    stale: int
    columns: tuple[tuple[str, str], ...]


def origin_uri(lake: Lake, table: Table, run_id: str) -> str:
    """URI of the Parquet that maps rejected rows to a replay's extract: `_of_run`, `_of_row`, `_row`.

    `_row` is null for a stale row, which is not in the extract.
    """
    return f"{lake.landing_path(table.registry, table.name, run_id)}/origin.parquet"


def gather_open(
    lake: Lake, table: Table, *, run_id: str, extract_uri: str, definition_digest: str, rule_id: str | None = None
) -> ReplaySource:
    """Write the open rows (of one rule) as an extract, and the file of `origin_uri`.

    A row is stale if a newer version of its key is published, or open itself: newer by cursor; without a cursor, by the
    later run. Rows of runs with different source columns are united by name. A row marked for schema drift stays
    marked, unless the contract's drift policy or definition has changed since.
    """
    lake.make_folder(lake.landing_path(table.registry, table.name, run_id))
    with (
        open_rejections_of(lake, table, memory_limit="1GB") as opened,
        lake_errors(f"gathering the rejected rows of {table.qualified_name}"),
    ):
        if opened is None or not opened.files:
            return ReplaySource(extract_uri, 0, 0, ())
        connection = opened.connection
        _choose(lake, table, opened, rule_id)
        rows, stale = connection.execute(f"SELECT count(_row), count(*) - count(_row) FROM {CHOSEN}").fetchall()[0]
        connection.execute("SET preserve_insertion_order = true")
        origin = origin_uri(lake, table, run_id)
        connection.execute(
            f"COPY (FROM {CHOSEN} ORDER BY _row) TO {literal(origin)} (FORMAT parquet, COMPRESSION zstd)"
        )
        if not rows + stale:
            return ReplaySource(extract_uri, 0, 0, ())
        typed = typed_rows(
            connection, opened.delta, definition_digest if table.extract.drift == "discard_row" else None
        )
        connection.execute(f"COPY ({typed}) TO {literal(extract_uri)} (FORMAT parquet, COMPRESSION zstd)")
        described = connection.execute(f"DESCRIBE FROM {scan(extract_uri)}").fetchall()
        return ReplaySource(extract_uri, rows, stale, tuple((name, kind) for name, kind, *_ in described))


def ensure_open(lake: Lake, table: Table, run_id: str) -> None:
    """Check that the rows a replay judged are still open, for tables without key and cursor to order versions.

    Raises:
        LakeOutdated: a later run has received some of them again.
    """
    if (table.primary_key and table.extract.cursor) or runs_that_count(lake, table, [run_id]):
        return
    with open_rejections_of(lake, table) as opened:
        if opened is None:
            return
        with lake_errors(f"comparing the rejected rows of {table.qualified_name}"):
            closed = opened.connection.execute(
                f"SELECT count(*) FROM {scan(origin_uri(lake, table, run_id))} c "
                f"ANTI JOIN {OPENED} o ON o._run_id = c._of_run AND o._row = c._of_row WHERE c._row IS NOT NULL"
            ).fetchall()[0][0]
    if closed:
        raise LakeOutdated(
            f"{closed:,} rejected rows of {table.qualified_name} were received again since this replay gathered them: "
            "replay again"
        )


def _choose(lake: Lake, table: Table, opened: OpenRejections, rule_id: str | None) -> None:
    """Create table CHOSEN from view OPENED; also creates RUNS."""
    connection, keys, cursors = opened.connection, typed_key(table), typed_cursor(table)
    registry_uri = lake.registry_table(table.registry, table.name)
    registry = lake.table(registry_uri) if lake.is_table(registry_uri) else None
    _order_runs(connection, registry)
    typed = "".join(f", {sql} AS k{i}" for i, (_, sql) in enumerate(keys))
    typed += "".join(f", {sql} AS c{i}" for i, (_, sql) in enumerate(cursors))
    breaks_rule = "list_contains(list_transform(_reasons, lambda r: r['rule_id']), $rule)" if rule_id else "true"
    connection.execute(
        f"CREATE TEMP TABLE waiting AS SELECT o._run_id, o._row, {has_key(table)} AS _has_key, "
        f"coalesce(r._place, -1) AS place, {breaks_rule} AS is_wanted{typed} "
        f"FROM {OPENED} o LEFT JOIN {RUNS} r ON r._run_id = o._run_id",
        {"rule": rule_id} if rule_id else {},
    )
    stale = "false"
    if keys:
        newest = ", ".join([*(f"c{i} DESC NULLS LAST" for i in range(len(cursors))), "place DESC"])
        listed = ", ".join(f"k{i}" for i in range(len(keys)))
        stale = f"_has_key AND _run_id <> first_value(_run_id) OVER (PARTITION BY _has_key, {listed} ORDER BY {newest})"
    connection.execute(f"CREATE TEMP TABLE judged AS SELECT *, {stale} AS is_stale FROM waiting")
    if keys and registry is not None:
        rows = published_rows(connection, table_schema_of(table, registry), registry.file_uris(), with_file=False)
        connection.execute(f"CREATE TEMP VIEW published AS {rows}")
        same = " AND ".join(f"w.k{i} = p.{name}" for i, (name, _) in enumerate(keys))
        connection.execute(
            f"UPDATE judged w SET is_stale = true FROM (SELECT q.*, r._place FROM published q "
            f"LEFT JOIN {RUNS} r ON r._run_id = q._run_id) p "
            f"WHERE {same} AND {_is_newer([name for name, _ in cursors])}"
        )
    connection.execute(
        f"CREATE TEMP TABLE {CHOSEN} AS SELECT _run_id AS _of_run, _row AS _of_row, CASE WHEN NOT is_stale THEN "
        "row_number() OVER (PARTITION BY is_stale ORDER BY place, _run_id, _row) - 1 END AS _row "
        "FROM judged WHERE is_wanted"
    )


def _is_newer(cursors: Sequence[str]) -> str:
    """SQL condition: the published row `p` is newer than the open row `w`."""
    by_run = "coalesce(p._place, -1) > w.place"
    if not cursors:
        return by_run
    published, waiting = (
        ", ".join(names) for names in zip(*((f"p.{n}", f"w.c{i}") for i, n in enumerate(cursors)), strict=True)
    )
    return f"CASE WHEN w.c0 IS NULL OR p.{cursors[0]} IS NULL THEN {by_run} ELSE ({published}) > ({waiting}) END"


def _order_runs(connection: duckdb.DuckDBPyConnection, registry: DeltaTable | None) -> None:
    """Create table RUNS."""
    connection.execute(f"CREATE TEMP TABLE {RUNS} (_run_id VARCHAR, _place BIGINT)")
    if registry is not None:
        made = [(e[f"{PREFIX}run_id"], e["version"]) for e in registry.history() if f"{PREFIX}run_id" in e]
        if made:
            connection.executemany(f"INSERT INTO {RUNS} VALUES (?, ?)", made)


def typed_rows(connection: duckdb.DuckDBPyConnection, delta: DeltaTable, definition_digest: str | None) -> str:
    """SELECT of the rows of CHOSEN from OPENED, in order: source columns, each with the type it was received in."""
    runs = [run_id for (run_id,) in connection.execute(f"SELECT DISTINCT _of_run FROM {CHOSEN} ORDER BY 1").fetchall()]
    alike: dict[Columns, list[str]] = {}
    received = _columns_of(delta, runs, definition_digest)
    for run_id in runs:
        alike.setdefault(received[run_id], []).append(run_id)
    kinds: dict[str, set[str]] = {}
    for name, kind, _ in (column for columns in alike for column in columns):
        kinds.setdefault(name, set()).add(kind)
    parts, place = [], free_name("_place", kinds)
    for columns, group in alike.items():
        # A column received in several types stays text: a common type would change values.
        typed = ", ".join(
            f"{_typed(quote(kept), kind if len(kinds[name]) == 1 else 'VARCHAR')} AS {quote(name)}"
            for name, kind, kept in columns
        )
        listed = ", ".join(literal(run_id) for run_id in group)
        parts.append(
            f"SELECT {typed}, c._row AS {place} FROM {OPENED} o "
            f"JOIN {CHOSEN} c ON o._run_id = c._of_run AND o._row = c._of_row "
            f"WHERE c._row IS NOT NULL AND c._of_run IN ({listed})"
        )
    return f"SELECT * EXCLUDE ({place}) FROM ({' UNION ALL BY NAME '.join(parts)}) ORDER BY {place}"


def _columns_of(delta: DeltaTable, runs: Sequence[str], definition_digest: str | None) -> Mapping[str, Columns]:
    """Source columns stored on each run's newest append; all text if it stored none."""
    names = [field.name for field in delta.schema().fields if field.name not in RESERVED_COLUMNS]
    found: dict[str, Columns] = {}
    for entry in delta.history():
        run_id = entry.get(f"{PREFIX}run_id")
        if run_id is not None and f"{PREFIX}{COLUMNS}" in entry:
            is_marked = entry.get(f"{PREFIX}table_digest") == definition_digest
            columns = (tuple(column) for column in json.loads(entry[f"{PREFIX}{COLUMNS}"]))
            found.setdefault(run_id, tuple(c for c in columns if is_marked or c[0] != DRIFT_FLAG))
    return {run_id: found.get(run_id, tuple((name, "VARCHAR", name) for name in names)) for run_id in runs}


def _typed(column: str, sql_type: str) -> str:
    if sql_type == "BLOB":
        return f"unhex(regexp_replace(o.{column}, '^\\\\x', ''))"
    return f"o.{column}" if sql_type == "VARCHAR" else f"CAST(o.{column} AS {sql_type})"
