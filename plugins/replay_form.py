"""The form of `replay_rejected`: which registry, and if not all of it is meant which table or rule."""

from __future__ import annotations

from collections.abc import Sequence

from airflow.sdk import Param

from include.contracts import Contract


def replay_form(contracts: Sequence[Contract]) -> dict[str, Param]:
    """Choices from the contracts. A rule is proposed, not prescribed: one that left its contract may have open rows.

    What may be left out is null, not an empty text: Airflow's form takes an empty text for a field still to be filled.
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
