"""Table quality: every rule counted over the published rows and the open rejections of a table.

The violations of a rule of severity error are the open rejections that have it as a reason, and published rows that
break it. There are such rows where the contract, a code list or a macro changed: rows that the next full run did not
receive, or whose new version it rejected, stay and are judged anew; until that run all rows are. And where a row keeps
a value that must differ from others, as its new version clashed (see published_context.py). Warnings are counted over
the published rows, which table rules measure too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from include.contracts.model import Rule, Table
from include.lake.delta import WARNINGS, published_rows, table_schema_of
from include.lake.storage import Lake, lake_errors, literal, restrict_access
from include.lake.upsert import Judgement
from include.quality.conversion import ROW, register
from include.quality.split import WHOLE, RuleCount, blame_rule, table_counts, with_drift_rule


def judgement_of(table: Table, schemas_dir: Path, digest: str) -> Judgement:
    """How published rows are judged that stay though the contract has changed; `digest` is the table's definition's.

    They bear the ids of all row rules that they break, also of severity error, and of unique rules of severity warning
    those that they bore.
    """
    rules = _of_published_rows(table)
    broken = ", ".join(f"CASE WHEN (\n{rule.violation}\n) THEN {literal(rule.rule_id)} END" for rule in rules)
    kept = ", ".join(literal(r.rule_id) for r in table.rules if r.scope == "set" and r.severity == "warning") or "NULL"
    warnings = (
        f"nullif(list_concat(list_filter(CAST([{broken}] AS VARCHAR[]), lambda _id: _id IS NOT NULL), "
        f"list_filter({WARNINGS}, lambda _id: _id IN ({kept}))), [])"
    )
    prepare = partial(register, schemas_dir=schemas_dir, statements=[rule.violation for rule in rules])
    return Judgement(digest, warnings, prepare, lambda connection, rows: blame_rule(connection, rules, rows))


def standing(
    table: Table, *, published: int, broken: Mapping[str, int], opened: int, open_by_rule: Mapping[str, int]
) -> list[RuleCount]:
    """Counts of the row and set rules, in the contract's order.

    Rules of severity error judged the published and the open rows; warnings only the published ones.

    Args:
        table: the contract's table.
        published: number of its published rows.
        broken: published rows by the rule that they break.
        opened: number of its open rejected rows.
        open_by_rule: open rejected rows by rule. Rules no longer in the contract are ignored.
    """
    drift = with_drift_rule(table).rules[-1]
    rules = [*table.rules, *([drift] if drift.rule_id in open_by_rule else [])]
    return [
        RuleCount.of(rule, broken.get(rule.rule_id, 0), published)
        if rule.severity == "warning"
        else RuleCount.of(rule, broken.get(rule.rule_id, 0) + open_by_rule.get(rule.rule_id, 0), published + opened)
        for rule in rules
        if rule.scope != "table"
    ]


def measured(lake: Lake, table: Table, schemas_dir: Path) -> list[RuleCount]:
    """Counts of the table rules, over the published rows."""
    return _counts(lake, table, schemas_dir, [rule for rule in table.rules if rule.scope == "table"])


def judged(lake: Lake, table: Table, schemas_dir: Path) -> dict[str, int]:
    """Number of published rows that break each row and unique rule, by the rules themselves: a pass over all rows."""
    # No two published rows share a key.
    counts = _counts(lake, table, schemas_dir, [*_of_published_rows(table), *table.value_rules])
    return {count.rule_id: count.violations for count in counts}


def _of_published_rows(table: Table) -> list[Rule]:
    """The row rules that a published row may break: it was read, whatever the contract said then."""
    return [rule for rule in table.rules if rule.scope == "row" and rule.metric != "unreadable"]


def _counts(lake: Lake, table: Table, schemas_dir: Path, rules: list[Rule]) -> list[RuleCount]:
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
