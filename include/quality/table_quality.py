"""Table quality: every rule counted over the published rows and the open rejections of a table.

No published row breaks a rule of severity error, so its violations are the open rejections that have it as a reason.
Warnings are counted over the published rows, which table rules measure too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from include.contracts.model import Table
from include.lake.delta import published_rows, table_schema_of
from include.lake.storage import Lake, lake_errors, restrict_access
from include.quality.conversion import ROW, register
from include.quality.split import WHOLE, RuleCount, table_counts, with_drift_rule


def standing(
    table: Table, *, published: int, warned: Mapping[str, int], opened: int, open_by_rule: Mapping[str, int]
) -> list[RuleCount]:
    """Counts of the row and set rules, in the contract's order.

    Rules of severity error judged the published and the open rows; warnings only the published ones.

    Args:
        table: the contract's table.
        published: number of its published rows.
        warned: published rows by broken rule of severity `warning`.
        opened: number of its open rejected rows.
        open_by_rule: open rejected rows by rule. Rules no longer in the contract are ignored.
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
    """Counts of the table rules, over the published rows."""
    rules = [rule for rule in table.rules if rule.scope == "table"]
    if not rules:
        return []
    delta = lake.table(lake.registry_table(table.registry, table.name))
    with lake.connect() as connection, lake_errors(f"measuring {table.qualified_name}"):
        register(connection, schemas_dir, [rule.violation for rule in rules])
        files = delta.file_uris()
        rows = published_rows(connection, table_schema_of(table, delta), files, with_file=False)
        connection.execute(f"CREATE TEMP VIEW {WHOLE} AS SELECT 0 AS {ROW}, * FROM ({rows})")
        restrict_access(connection, reads=files)
        return table_counts(connection, rules)
