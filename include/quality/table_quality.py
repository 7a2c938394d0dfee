"""Every rule, counted over a table as it stands: its published rows, and the rejected ones that are open.

No published row breaks a rule that rejects, so such a rule is broken by the open rows that name it among their reasons.
A warning is of the published rows. A rule over the table measures them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from include.contracts import Table
from include.lake.delta import published_rows, table_schema_of
from include.lake.storage import Lake, lake_errors, restrict_access
from include.quality.conversion import ROW, register
from include.quality.split import RuleCount, table_counts, with_drift_rule


def standing(
    table: Table, *, published: int, warned: Mapping[str, int], opened: int, open_by_rule: Mapping[str, int]
) -> list[RuleCount]:
    """The counts of the rules over rows, in the contract's order; without those over the table.

    A rule that rejects judged the published rows and the open ones; a warning is looked for in published rows only.

    Args:
        table: the contract's table.
        published: its published rows.
        warned: of these, how many break which rule of severity `warning`.
        opened: its open rejected rows.
        open_by_rule: of these, how many broke which rule. A rule that the contract has no more is not counted.
    """
    drift = with_drift_rule(table).rules[-1]
    rules = [*table.rules, *([drift] if drift.rule_id in open_by_rule else [])]
    return [
        RuleCount.of(rule, warned.get(rule.rule_id, 0), published)
        if rule.severity == "warning"
        else RuleCount.of(rule, open_by_rule.get(rule.rule_id, 0), published + opened)
        for rule in rules
        if rule.scope != "table"
    ]


def measured(lake: Lake, table: Table, schemas_dir: Path) -> list[RuleCount]:
    """The counts of the rules over the table, measured over the published rows."""
    rules = [rule for rule in table.rules if rule.scope == "table"]
    if not rules:
        return []
    delta = lake.table(lake.registry_table(table.registry, table.name))
    connection = lake.connect()
    try:
        with lake_errors(f"measuring {table.qualified_name}"):
            register(connection, schemas_dir, [rule.violation for rule in rules])
            files = delta.file_uris()
            rows = published_rows(connection, table_schema_of(table, delta), files, with_file=False)
            connection.execute(f"CREATE TEMP VIEW whole AS SELECT 0 AS {ROW}, * FROM ({rows})")
            restrict_access(connection, reads=files)
            return table_counts(connection, rules)
    finally:
        connection.close()
