"""Do the registries fit together? Count published rows that refer to something that is not there.

A reference that leads nowhere rejects nobody: the other register may simply be late. It is counted, under the rule id
`<registry>.<table>.<columns>.relationship`, so that the report shows which registers do not fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from include.contracts.model import Relationship, Table
from include.lake import evidence
from include.lake.engine import quote
from include.lake.errors import lake_errors
from include.lake.reading import view
from include.pipelines.errors import no_values_escape
from include.pipelines.workplace import Workplace


@dataclass(frozen=True)
class Fit:
    """How many live `rows` state the reference, and how many of them lead nowhere (`orphans`)."""

    rule_id: str
    relationship: Relationship
    rows: int
    orphans: int


def relationships_step(registry: str, run_id: str, *, workplace: Workplace | None = None) -> list[dict[str, object]]:
    """Measure every relationship of a registry whose other end is published, and keep the counts in `audit/checks`."""
    place = workplace or Workplace.from_environment()
    found = []
    with no_values_escape(f"following the relationships of {registry}"):
        for table in place.contract(registry).tables:
            fits = measure(place, table)
            if fits:
                _record(place, table, run_id, fits)
            found += [{"rule_id": f.rule_id, "rows": f.rows, "orphans": f.orphans} for f in fits]
    return found


def measure(place: Workplace, table: Table) -> list[Fit]:
    """Every relationship of a published table to another published table."""
    lake = place.lake
    own = lake.registry_table(table.registry, table.name)
    followed = [
        r
        for r in table.relationships
        if r.registry != "reference" and lake.is_table(lake.registry_table(r.registry, r.table))
    ]
    if not followed or not lake.is_table(own):
        return []
    connection = lake.connect()
    try:
        view(lake, connection, "child", own)
        return [_follow(place, connection, table, relationship) for relationship in followed]
    finally:
        connection.close()


def _record(place: Workplace, table: Table, run_id: str, fits: list[Fit]) -> None:
    rows = [
        {
            "run_id": run_id,
            "registry": table.registry,
            "table": table.name,
            "rule_id": fit.rule_id,
            "metric": "relationship",
            "scope": "row",
            "severity": "warning",
            "dimension": "consistency",
            "columns": list(fit.relationship.columns),
            "rows": fit.rows,
            "violations": fit.orphans,
            "at": place.now(),
        }
        for fit in fits
    ]
    once = f"{run_id}/{table.qualified_name}/relationships"
    evidence.append(place.lake, "checks", pa.Table.from_pylist(rows, evidence.CHECKS), once=once)


def _follow(place: Workplace, connection: duckdb.DuckDBPyConnection, table: Table, relationship: Relationship) -> Fit:
    view(place.lake, connection, "parent", place.lake.registry_table(relationship.registry, relationship.table))
    pairs = list(zip(relationship.columns, relationship.to_columns, strict=True))
    match = " AND ".join(f"child.{quote(own)} = there.{quote(other)}" for own, other in pairs)
    stated = " AND ".join(f"child.{quote(own)} IS NOT NULL" for own, _ in pairs)
    keys = ", ".join(quote(other) for _, other in pairs)
    with lake_errors(f"following the relationships of {table.qualified_name}"):
        row = connection.execute(
            f"SELECT count(*), count(*) FILTER (there.is_there IS NULL) FROM child LEFT JOIN "
            f"(SELECT DISTINCT {keys}, true AS is_there FROM parent) AS there ON {match} "
            f"WHERE {stated}"
        ).fetchone()
    rows, orphans = row or (0, 0)
    to = f"{relationship.registry}.{relationship.table}"
    rule_id = f"{table.qualified_name}.{'+'.join(relationship.columns)}.relationship"
    return Fit(f"{rule_id}.{to}" if _is_ambiguous(table, relationship) else rule_id, relationship, rows, orphans)


def _is_ambiguous(table: Table, relationship: Relationship) -> bool:
    return sum(r.columns == relationship.columns and r.registry != "reference" for r in table.relationships) > 1
