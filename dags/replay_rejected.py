"""Judge open rejected rows again, as they were received, after a rule, a code list or a contract was mended.

Choose the registry and, if not all of it is meant, a table or a rule. Rows that pass now are published, unless a newer
version of them was published since; the others stay open. What is outside its tolerance waits for a steward.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow.sdk import DAG, get_current_context, task, task_group

from include.contracts import Contract
from plugins.lake_assets import sound_contracts, table_asset
from plugins.replay_form import replay_form
from plugins.steward_gate import gates
from plugins.sync_settings import RETRIES, SCHEMAS, library_run_id, or_skip, record_failure


def replay(contract: Contract) -> None:
    """The tasks of one registry, for each of its tables that is chosen."""
    registry, owner = contract.registry, contract.owner or "lienthong"
    assets = {table.name: table_asset(registry, table.name) for table in contract.tables}
    within, by_table = contract.sla.deadline, "{{ task.op_kwargs['table'] }}"
    step = partial(
        task, owner=owner, execution_timeout=within, map_index_template=by_table, multiple_outputs=False,
        on_failure_callback=partial(record_failure, registry),
    )  # fmt: skip

    @task(task_id=f"choose_{registry}", owner=owner, multiple_outputs=False)
    def choose() -> list[str]:
        from include.pipelines.rejected import chosen_tables

        return chosen_tables(registry, get_current_context()["params"])

    @step()
    def gather(table: str) -> dict[str, Any]:
        from include.pipelines.rejected import gather_step

        rule = get_current_context()["params"]["rule"] or None
        return or_skip(gather_step(registry, table, library_run_id(), rule_id=rule))

    @step()
    def assess(table: str, gathered: dict[str, Any]) -> dict[str, Any]:
        from include.pipelines.sync import assess_step

        return or_skip(assess_step(gathered))

    @step(pool=f"lake_{registry}", outlets=[*assets.values()])
    def publish(table: str, assessed: dict[str, Any], approval: dict[str, str]) -> dict[str, Any]:
        from include.pipelines.sync import publish_step

        get_current_context()["task"].outlets = [assets[table]]
        return publish_step(assessed, **approval)

    @task_group(group_id=f"replay_{registry}")
    def replay_table(table: str) -> None:
        assessed = assess(table=table, gathered=gather(table=table))
        name = "{{ task.assessed['table'] }}"
        approval = gates(contract.tables, assessed=assessed, map_index_template=name, owner=owner)
        publish(table=table, assessed=assessed, approval=approval)

    replay_table.expand(table=choose())


with DAG(
    "replay_rejected",
    description="Judge open rejected rows again",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params=replay_form(contracts := sound_contracts(SCHEMAS)),
    default_args={"owner": "lienthong", **RETRIES},
    tags=["registry", "lake"],
):
    for contract in contracts:
        replay(contract)
