"""The tasks after rows of a table were landed: assess, gate, publish. A sync and a replay share them."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from include.contracts.model import Contract
from plugins.lake_assets import table_asset
from plugins.steward_gate import gates


def table_task(contract: Contract, **how: Any) -> Any:
    """The decorator of a task of one table: ends by the contract's deadline, is named by its table."""
    by_table = "{{ task.op_kwargs['table'] }}"
    within = contract.sla.deadline
    return partial(task, execution_timeout=within, map_index_template=by_table, multiple_outputs=False, **how)


def plain_or_skip(result: Any) -> dict[str, Any]:
    """A step's result as plain values, for XCom; the table is skipped if there is nothing to publish."""
    from include.pipelines import Skipped

    if isinstance(result, Skipped):
        raise AirflowSkipException(f"{result.registry}.{result.table}: nothing changed, so nothing is published")
    return result.to_dict()


def assess_gate_publish(contract: Contract, *, table: Any, extracted: Any, **how: Any) -> None:
    """Tasks `assess`, `gate` (and `second_gate`) and `publish` of a table; `how` are arguments of every task.

    Of the outlets of `publish` Airflow is told of the table that was published, and of none if none was.
    """
    registry = contract.registry
    assets = {one.name: table_asset(registry, one.name) for one in contract.tables}
    step = table_task(contract, **how)

    @step()
    def assess(table: str, extracted: dict[str, Any]) -> dict[str, Any]:
        from include.pipelines import Extracted
        from include.pipelines.sync import assess_step

        return plain_or_skip(assess_step(Extracted.from_dict(extracted)))

    @step(pool=f"lake_{registry}", outlets=[*assets.values()])
    def publish(table: str, assessed: dict[str, Any], approval: dict[str, str]) -> dict[str, Any]:
        from include.pipelines import Assessed, Published
        from include.pipelines.sync import publish_step

        published = publish_step(
            Assessed.from_dict(assessed), approval.get("approved_by"), approval.get("approval_note")
        )
        get_current_context()["task"].outlets = [assets[table]] if isinstance(published, Published) else []
        return published.to_dict()

    assessed = assess(table=table, extracted=extracted)
    by_table, owner = "{{ task.assessed['table'] }}", {name: how[name] for name in ("owner",) if name in how}
    approval = gates(contract.tables, assessed=assessed, map_index_template=by_table, **owner)
    publish(table=table, assessed=assessed, approval=approval)
