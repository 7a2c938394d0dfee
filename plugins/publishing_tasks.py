"""The tasks after rows of a table were landed: assess, gate, publish. A sync and a replay share them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from airflow.sdk import TaskGroup, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.contracts.model import AT, Contract
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

    Of the outlets of `publish` Airflow is told of the table that was published, and of none if none was. Of slices it
    is told at the end, once for all servers (`tell_of_slices`).
    """
    registry = contract.registry
    assets = {one.name: table_asset(registry, one.name) for one in contract.tables if not one.server}
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
        name = table.partition(AT)[0]
        is_told = isinstance(published, Published) and name in assets
        get_current_context()["task"].outlets = [assets[name]] if is_told else []
        return published.to_dict()

    assessed = assess(table=table, extracted=extracted)
    by_table, owner = "{{ task.assessed['table'] }}", {name: how[name] for name in ("owner",) if name in how}
    approval = gates(contract.tables, assessed=assessed, map_index_template=by_table, **owner)
    publish(table=table, assessed=assessed, approval=approval)


def connected_servers(contract: Contract, servers: Mapping[str, TaskGroup]) -> Any:
    """The task that chooses which of several servers are read: all but those that are not connected yet.

    `servers` are the groups of their tasks by name; each begins with `extract`.
    """

    @task.branch
    def connected_servers() -> list[str]:
        from include.pipelines import PipelineContext, unconnected_servers

        others = unconnected_servers(PipelineContext.from_environment(), contract.registry)
        return [f"{group.group_id}.extract" for server, group in servers.items() if server not in others]

    return connected_servers()


def tell_of_slices(contract: Contract, run_id: Callable[[], str]) -> tuple[Any, Any]:
    """Tasks at the end of a sync of several servers, whichever of them failed.

    The first measures the relationships, and tells Airflow once of each table of which a slice was published. The
    second fails if fewer servers delivered than the contract wants.
    """
    registry = contract.registry
    assets = {table.name: table_asset(registry, table.name) for table in contract.tables}

    @task(trigger_rule="all_done", outlets=[*assets.values()], multiple_outputs=False)
    def follow_relationships() -> list[dict[str, Any]]:
        from include.pipelines import published_in_run
        from include.pipelines.sync import relationships_step

        published = published_in_run(registry, run_id())
        get_current_context()["task"].outlets = [assets[name] for name in published]
        return [fit.to_dict() for fit in relationships_step(registry, run_id())] if published else []

    @task(trigger_rule="all_done", multiple_outputs=False)
    def enough_delivered() -> dict[str, Any]:
        from include.pipelines import delivered_in_run

        is_backfill = get_current_context()["dag_run"].run_type == "backfill"
        found = delivered_in_run(registry, run_id(), is_backfill=is_backfill)
        if not found.is_enough:
            raise AirflowFailException(
                f"{registry}: {found.text.english}; at least {found.bound_percent:g} % are wanted"
            )
        return found.to_dict()

    return follow_relationships(), enough_delivered()
