"""The tasks after rows of a table were landed: assess, gate, publish. A sync and a replay share them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import BaseSensorOperator, Context, TaskGroup, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, DownstreamTasksSkipped

from include.contracts.model import AT, Contract
from plugins.airflow_connections import task_context
from plugins.dag_settings import begun_run_ids
from plugins.lake_assets import table_asset
from plugins.steward_gate import GATE, SECOND_GATE, gates

_ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_WAITS = "awaiting_input"
_LONGEST_SYNC = 24 * 3600.0  # seconds


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


def end_without_gates(assessed: dict[str, Any]) -> None:
    """End `assess` with this result, and have the table's gates skipped: no process is started to ask nobody.

    Raises:
        DownstreamTasksSkipped: to Airflow, which takes the task for a success.
    """
    context = get_current_context()
    ti = context["ti"]
    group = ti.task_id.rpartition(".")[0]
    named = [f"{group}.{gate}" if group else gate for gate in (GATE, SECOND_GATE)]
    index = -1 if ti.map_index is None else ti.map_index
    ti.xcom_push(key="return_value", value=assessed)
    raise DownstreamTasksSkipped(tasks=[(name, index) for name in named if context["dag"].has_task(name)])


def assess_gate_publish(contract: Contract, *, table: Any, extracted: Any, **how: Any) -> None:
    """Tasks `assess`, `gate` (and `second_gate`) and `publish` of a table; `how` are arguments of every task.

    Inside tolerance the gates are skipped.

    Of the outlets of `publish` Airflow is told of the table that was published, and of none if none was. Of slices it
    is told for all servers at once (`tell_of_slices`).
    """
    registry = contract.registry
    assets = {one.name: table_asset(registry, one.name) for one in contract.tables if not one.server}
    step = table_task(contract, **how)

    @step()
    def assess(table: str, extracted: dict[str, Any]) -> dict[str, Any]:
        from include.pipelines import Extracted
        from include.pipelines.sync import assess_step

        assessed = plain_or_skip(assess_step(Extracted.from_dict(extracted)))
        if not assessed["held"]:
            end_without_gates(assessed)
        return assessed

    @step(pool=f"lake_{registry}", trigger_rule="none_failed_min_one_success", outlets=[*assets.values()])
    def publish(table: str, assessed: dict[str, Any], approval: dict[str, str] | None) -> dict[str, Any]:
        from include.pipelines import Assessed, Published
        from include.pipelines.sync import publish_step

        given = approval or {}
        published = publish_step(Assessed.from_dict(assessed), given.get("approved_by"), given.get("approval_note"))
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
        from include.pipelines import unconnected_servers

        others = unconnected_servers(task_context(), contract.registry)
        return [f"{group.group_id}.extract" for server, group in servers.items() if server not in others]

    return connected_servers()


def follow_published(registry: str, begin: Sequence[str], *, after_gate: bool = False) -> tuple[list[str], list[Any]]:
    """Measure the relationships if any table was published of those that the tasks `begin` began, whichever failed.

    Returns the names of the tables that were published (`after_gate`: released by a steward), and the counts.
    """
    from include.pipelines import published_in_run
    from include.pipelines.sync import relationships_step

    run_ids = begun_run_ids(begin)
    published = published_in_run(registry, run_ids, after_gate=after_gate)
    fits = relationships_step(registry, run_ids[-1]) if published else []
    return published, [fit.to_dict() for fit in fits]


def each_table_is_well(**how: Any) -> EmptyOperator:
    """A task without a process, last of a run: the run fails if a table did, though what follows a table goes on."""
    return EmptyOperator(task_id="each_table_is_well", trigger_rule="none_failed", **how)


def tell_of_slices(contract: Contract, servers: Mapping[str, TaskGroup]) -> None:
    """Tasks at the end of a sync of several servers (`servers` are the groups of their tasks), whichever failed.

    When all are done but those that wait for a steward, the relationships are measured, and Airflow is told once of
    each table of which a slice was published: one server's gate keeps no other's rows from who waits for them. What
    a steward released later is told at the end. The run fails if fewer servers delivered than the contract wants.
    """
    registry, groups = contract.registry, [*servers.values()]
    assets = {table.name: table_asset(registry, table.name) for table in contract.tables}
    begin = [f"{group.group_id}.extract" for group in groups]

    @task(trigger_rule="all_done", outlets=[*assets.values()], multiple_outputs=False)
    def follow_relationships(after_gate: bool) -> list[dict[str, Any]]:
        published, fits = follow_published(registry, begin, after_gate=after_gate)
        get_current_context()["task"].outlets = [assets[name] for name in published]
        return fits

    @task(trigger_rule="all_done", multiple_outputs=False)
    def enough_delivered() -> dict[str, Any]:
        from include.pipelines import delivered_in_run

        is_backfill = get_current_context()["dag_run"].run_type == "backfill"
        run_ids = begun_run_ids(begin)
        found = delivered_in_run(registry, run_ids, is_backfill=is_backfill, context=task_context())
        if not found.is_enough:
            raise AirflowFailException(
                f"{registry}: {found.text.english}; at least {found.bound_percent:g} % are wanted"
            )
        return found.to_dict()

    others, first = OthersAreDone(task_id="others_are_done"), follow_relationships(after_gate=False)
    others.set_upstream([group.children[f"{group.group_id}.assess"] for group in groups])
    others >> first
    groups >> follow_relationships.override(task_id="follow_released")(after_gate=True) << first
    groups >> enough_delivered()


class OthersAreDone(BaseSensorOperator):
    """Waits until a run's tables are done, but for those that wait for a steward; a process for each look."""

    def __init__(self, **how: Any) -> None:
        super().__init__(trigger_rule="all_done", mode="reschedule", poke_interval=10, timeout=_LONGEST_SYNC, **how)

    def poke(self, context: Context) -> bool:
        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])
        return all_but_held_are_done(states[ti.run_id])


def all_but_held_are_done(states: Mapping[str, str | None]) -> bool:
    """Whether every `publish` task has ended, or waits behind a gate that waits for a steward.

    `states` are those of a run's tasks, by task id and, of mapped ones, `_` and their index.
    """
    for name, state in states.items():
        group, _, step = name.rpartition(".")
        if step.startswith("publish") and state not in _ENDED:
            index = step.removeprefix("publish")
            if _WAITS not in (states.get(f"{group}.{gate}{index}") for gate in (GATE, SECOND_GATE)):
                return False
    return True
