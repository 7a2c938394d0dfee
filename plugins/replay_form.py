"""Parameters of the DAG `replay_rejected`: registry, optionally table and rule."""

from __future__ import annotations

from collections.abc import Sequence

from airflow.sdk import Param

from include.contracts.model import Contract


def replay_form(contracts: Sequence[Contract]) -> dict[str, Param]:
    """Parameters with choices from the contracts. Rules are suggestions: removed ones may still have open rows.

    Optional values are null, not empty text, which Airflow's form takes for a missing required field.
    """
    registries = [contract.registry for contract in contracts] or [""]
    tables = sorted({table.name for contract in contracts for table in contract.tables})
    rules = sorted(
        rule.rule_id for c in contracts for table in c.tables for rule in table.rules if rule.scope != "table"
    )
    every: list[str | None] = [None, *tables]
    return {
        "registry": Param(registries[0], type="string", enum=registries, title="Cơ sở dữ liệu / Registry"),
        "table": Param(
            None,
            type=["null", "string"],
            enum=every,
            values_display={"None": "mọi bảng / every table"},
            title="Bảng / Table",
        ),
        "rule": Param(
            None,
            type=["null", "string"],
            examples=rules,
            title="Quy tắc / Rule",
            description="Để trống: mọi quy tắc. / Empty: whatever the rule.",
        ),
    }
