"""Repeated rejections: a run's rejected rows that are open already with the same key, cursor and rules."""

from __future__ import annotations

from datetime import datetime

from include.contracts.model import Table
from include.lake.delta import StagedFiles
from include.lake.rejected.open_rejections import WITHDRAWN, as_json, open_rejections_of
from include.lake.rejected.outcomes import Closing, decide_outcomes
from include.lake.rejected.relations import OPENED, SETTLED
from include.lake.storage import Lake, lake_errors, literal, scan
from include.lake.upsert import Mode

_RULES = "list_sort(list_transform(_reasons, lambda r: r.rule_id))"


def only_repeats_open_rejections(
    lake: Lake, table: Table, *, run_id: str, mode: Mode, staged: StagedFiles, gone: str | None = None
) -> bool:
    """Whether publishing the staged rows would open no new rejection and close none.

    Increments reread the rows within the cursor's lag, and reject the same rows (key, cursor, rules) again.
    """
    again = _staged_rejected(table, staged)
    with (
        open_rejections_of(lake, table) as opened,
        lake_errors(f"comparing the rejected rows of {table.qualified_name}"),
    ):
        if opened is None or not opened.files:
            with lake.connect() as connection:
                return not connection.execute(f"{again} LIMIT 1").fetchall()
        decide_outcomes(Closing(lake, table, run_id, datetime.min, mode, staged, gone), opened)
        connection = opened.connection
        connection.execute(f"CREATE TEMP TABLE again AS {again}")
        connection.execute(f"CREATE TEMP VIEW known AS SELECT *, {_RULES} AS _rules FROM {OPENED}")
        same = " AND ".join(f"a.{name} IS NOT DISTINCT FROM o.{name}" for name in ("_key", "_cursor", "_rules"))
        new_rejections = f"SELECT 1 FROM again a WHERE NOT EXISTS (FROM known o WHERE {same})"
        over = (
            f"SELECT 1 FROM {SETTLED} s JOIN known o ON o._run_id = s._of_run AND o._row = s._of_row "
            f"WHERE s._new_life = {literal(WITHDRAWN)} OR NOT EXISTS (FROM again a WHERE {same})"
        )
        return not connection.execute(f"({new_rejections} LIMIT 1) UNION ALL ({over} LIMIT 1)").fetchall()


def count_repeats(lake: Lake, table: Table, staged: StagedFiles) -> int:
    """Number of staged rejected rows that are open already with the same key, cursor and rules.

    Of rows without a readable key, which look alike, at most as many count as are open.
    """
    same = "_key, _cursor, _rules"
    with (
        open_rejections_of(lake, table) as opened,
        lake_errors(f"comparing the rejected rows of {table.qualified_name}"),
    ):
        if opened is None or not opened.files:
            return 0
        counted = opened.connection.execute(
            f"WITH again AS (SELECT {same}, count(*) AS rows FROM ({_staged_rejected(table, staged)}) GROUP BY ALL), "
            f"known AS (SELECT _key, _cursor, {_RULES} AS _rules, count(*) AS rows FROM {OPENED} GROUP BY ALL) "
            "SELECT coalesce(sum(least(a.rows, o.rows)), 0) FROM again a JOIN known o ON "
            + " AND ".join(f"a.{name} IS NOT DISTINCT FROM o.{name}" for name in same.split(", "))
        ).fetchall()
    return int(counted[0][0])


def _staged_rejected(table: Table, staged: StagedFiles) -> str:
    """SELECT of the staged rejected rows: `_key`, `_cursor`, `_rules`."""
    key, cursor = as_json(table.primary_key, "k"), as_json(table.extract.cursor, "k")
    return (
        f"SELECT {key} AS _key, {cursor} AS _cursor, {_RULES} AS _rules FROM {scan(staged.conformed)} k "
        f"JOIN {scan(staged.faults)} f ON k._row = f._row WHERE f._outcome = 'rejected'"
    )
