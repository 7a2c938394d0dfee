"""Repeated rejections: a run's rejected rows that are open already with the same key, cursor and rules.

Rows without a readable key look alike by these, so they are compared by their cells as received.
"""

from __future__ import annotations

from datetime import datetime

from include.contracts.model import Table
from include.lake.delta import StagedFiles
from include.lake.rejected.append import received_cells
from include.lake.rejected.open_rejections import (
    RESERVED_COLUMNS,
    WITHDRAWN,
    OpenRejections,
    as_json,
    has_key,
    open_rejections_of,
)
from include.lake.rejected.outcomes import Closing, decide_outcomes
from include.lake.rejected.relations import OPENED, SETTLED
from include.lake.storage import Lake, lake_errors, literal, quote, scan
from include.lake.upsert import Mode

_RULES = "list_sort(list_transform(_reasons, lambda r: r['rule_id']))"
_COMPARED = ("_key", "_cursor", "_rules", "_cells")


def only_repeats_open_rejections(
    lake: Lake,
    table: Table,
    *,
    run_id: str,
    mode: Mode,
    staged: StagedFiles,
    extract_uri: str,
    gone: str | None = None,
) -> bool:
    """Whether publishing the staged rows would open no new rejection and close none.

    Increments reread the rows within the cursor's lag, and reject the same rows again.
    """
    with (
        open_rejections_of(lake, table) as opened,
        lake_errors(f"comparing the rejected rows of {table.qualified_name}"),
    ):
        if opened is None or not opened.files:
            with lake.connect() as connection:
                rejected = f"FROM {scan(staged.faults)} WHERE _outcome = 'rejected' LIMIT 1"
                return not connection.execute(rejected).fetchall()
        decide_outcomes(Closing(lake, table, run_id, datetime.min, mode, staged, gone), opened)
        _compare(table, opened, staged, extract_uri)
        listed = ", ".join(_COMPARED)
        new_rejections = f"SELECT {listed} FROM again EXCEPT ALL SELECT {listed} FROM known"
        over = (
            f"SELECT 1 FROM {SETTLED} s JOIN known o ON o._run_id = s._of_run AND o._row = s._of_row "
            f"WHERE s._new_life = {literal(WITHDRAWN)} OR NOT EXISTS (FROM again a WHERE {_same('a', 'o')})"
        )
        asked = f"(SELECT 1 FROM ({new_rejections}) LIMIT 1) UNION ALL ({over} LIMIT 1)"
        return not opened.connection.execute(asked).fetchall()


def count_repeats(lake: Lake, table: Table, staged: StagedFiles, *, extract_uri: str) -> int:
    """Number of staged rejected rows that are open already; of rows that look alike, at most as many as are open."""
    with (
        open_rejections_of(lake, table) as opened,
        lake_errors(f"comparing the rejected rows of {table.qualified_name}"),
    ):
        if opened is None or not opened.files:
            return 0
        _compare(table, opened, staged, extract_uri)
        again, known = (
            f"(SELECT {', '.join(_COMPARED)}, count(*) AS rows FROM {relation} GROUP BY ALL)"
            for relation in ("again", "known")
        )
        counted = opened.connection.execute(
            f"SELECT coalesce(sum(least(a.rows, o.rows)), 0) FROM {again} a JOIN {known} o ON {_same('a', 'o')}"
        ).fetchall()
    return int(counted[0][0])


def _compare(table: Table, opened: OpenRejections, staged: StagedFiles, extract_uri: str) -> None:
    """Create table `again` (the staged rejected rows) and view `known` (the open ones), both with _COMPARED."""
    connection, no_cell = opened.connection, "CAST(NULL AS VARCHAR)"
    whole, cursor = as_json(table.primary_key, "k", whole=True), as_json(table.extract.cursor, "k")
    connection.execute(
        f"CREATE TEMP TABLE staged AS SELECT f._row, {whole} AS _key, {cursor} AS _cursor, {_RULES} AS _rules "
        f"FROM {scan(staged.conformed)} k JOIN {scan(staged.faults)} f ON k._row = f._row "
        "WHERE f._outcome = 'rejected'"
    )
    kept = [name for name, *_ in connection.execute(f"DESCRIBE {OPENED}").fetchall() if name not in RESERVED_COLUMNS]
    received = received_cells(connection, extract_uri, kept)
    names = dict.fromkeys([*kept, *received.columns])
    here = ", ".join(f"{quote(name)} := {received.columns.get(name, no_cell)}" for name in names)
    there = ", ".join(f"{quote(name)} := {quote(name) if name in kept else no_cell}" for name in names)
    connection.execute(
        f"CREATE TEMP TABLE again AS SELECT s.*, c._cells FROM staged s LEFT JOIN ("
        f"SELECT e.{received.number} AS _row, struct_pack({here}) AS _cells FROM {received.rows} "
        f"SEMI JOIN (FROM staged WHERE _key IS NULL) n ON n._row = e.{received.number}) c ON c._row = s._row"
    )
    is_keyed = has_key(table)
    connection.execute(
        f"CREATE TEMP VIEW known AS SELECT _run_id, _row, CASE WHEN {is_keyed} THEN _key END AS _key, _cursor, "
        f"{_RULES} AS _rules, CASE WHEN NOT ({is_keyed}) THEN struct_pack({there}) END AS _cells FROM {OPENED}"
    )


def _same(left: str, right: str) -> str:
    """SQL condition: the two rows are the same rejection."""
    return " AND ".join(f"{left}.{name} IS NOT DISTINCT FROM {right}.{name}" for name in _COMPARED)
