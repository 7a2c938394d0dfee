"""Rejected rows, by rule, of a run that a gate holds back, for the steward's decision.

Such a run has written nothing to `registry/` or `rejected/` yet: its rows are in its staging folder.
"""

from __future__ import annotations

from dataclasses import dataclass

from include.contracts.model import Table
from include.lake.delta import StagedFiles
from include.lake.rejected.open_rejections import as_json
from include.lake.storage import Lake, lake_errors, scan


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """Number of a run's rejected rows that break a rule, and of their readable keys (None without a primary key)."""

    rule_id: str
    rows: int
    keys: int | None


def broken_rules(lake: Lake, table: Table, staged: StagedFiles) -> tuple[BrokenRule, ...]:
    """Staged rejected rows of an unpublished run, by rule, most rows first."""
    key = as_json(table.primary_key, "k", whole=True)
    with lake.connect() as connection, lake_errors(f"counting the rejected rows of {table.qualified_name}"):
        counted = connection.execute(
            "SELECT reason.rule_id, count(DISTINCT _row), count(DISTINCT _key) FROM ("
            f"SELECT k._row, {key} AS _key, unnest(f._reasons) AS reason FROM {scan(staged.conformed)} k "
            f"JOIN {scan(staged.faults)} f ON k._row = f._row WHERE f._outcome = 'rejected') "
            "GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
    return tuple(BrokenRule(rule_id, rows, keys if table.primary_key else None) for rule_id, rows, keys in counted)
