"""Implicit rule broken by rows that the extract marks as drifted (`drift: discard_row`)."""

from __future__ import annotations

from dataclasses import replace

from include.contracts.model import Rule, Table
from include.quality.conversion import DRIFT


def with_drift_rule(table: Table) -> Table:
    """The table with the rule `<registry>.<table>.drift`, broken by every row with the drift mark."""
    rule = Rule(
        rule_id=f"{table.registry}.{table.base_name}.drift",
        table=table.name,
        columns=(),
        metric="sql",
        scope="row",
        severity="error",
        dimension="conformity",
        description="The row holds a value that the contract's source layout does not foresee",
        violation=DRIFT,
        query=f"SELECT COUNT(*) FROM {{object}} WHERE {DRIFT}",
    )
    return replace(table, rules=(*table.rules, rule))
