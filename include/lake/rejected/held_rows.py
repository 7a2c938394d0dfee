"""What a run that is held back would do, told before anybody decides: its rejected rows by rule, and what it rests on.

Nothing of such a run is in `registry/` or `rejected/` yet: it lies in its staging folder.
"""

from __future__ import annotations

from dataclasses import dataclass

from include.contracts import Table
from include.lake.delta import StagedPaths
from include.lake.rejected.open_rejections import as_json
from include.lake.storage import Lake, lake_errors, scan


@dataclass(frozen=True, slots=True)
class Broken:
    """How many of a run's rejected rows break a rule, and how many keys they have; None where the table has no key.

    Rows whose key cannot be read have none.
    """

    rule_id: str
    rows: int
    keys: int | None


def broken_rules(lake: Lake, table: Table, staged: StagedPaths) -> tuple[Broken, ...]:
    """The rejected rows of a run that is not published, by rule, most rows first."""
    key = as_json(table.primary_key, "k")
    with lake.connect() as connection, lake_errors(f"counting the rejected rows of {table.qualified_name}"):
        counted = connection.execute(
            "SELECT reason.rule_id, count(DISTINCT _row), count(DISTINCT _key) FROM ("
            f"SELECT k._row, {key} AS _key, unnest(f._reasons) AS reason FROM {scan(staged.conformed)} k "
            f"JOIN {scan(staged.faults)} f ON k._row = f._row WHERE f._outcome = 'rejected') "
            "GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
    return tuple(Broken(rule_id, rows, keys if table.primary_key else None) for rule_id, rows, keys in counted)
