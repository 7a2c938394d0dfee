"""Judge open rejected rows again, as they were received, after a rule, a code list or a contract was mended.

Choose the registry and, if not all of it is meant, a table or a rule. Rows that pass now are published, unless a newer
version of them was published since; the others stay open. What is outside its tolerance waits for a steward.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow.sdk import DAG, get_current_context, task, task_group

from include.contracts.model import Contract
from plugins.dag_settings import RETRIES, SCHEMAS, begun_run_id, record_failure
from plugins.lake_assets import sound_contracts
from plugins.publishing_tasks import (
    assess_gate_publish,
    each_table_is_well,
    follow_published,
    plain_or_skip,
    table_task,
)
from plugins.replay_form import replay_form


def replay(contract: Contract) -> Any:
    """The tasks of one registry, for each of its tables that is chosen."""
    registry = contract.registry
    how = {"owner": contract.owner or "lienthong", "on_failure_callback": partial(record_failure, registry)}

    @task(task_id=f"choose_{registry}", owner=how["owner"], multiple_outputs=False)
    def choose() -> list[str]:
        from include.pipelines.rejected import chosen_tables

        return chosen_tables(registry, get_current_context()["params"])

    @table_task(contract, **how)()
    def gather(table: str) -> dict[str, Any]:
        from include.pipelines.rejected import gather_step

        rule = get_current_context()["params"]["rule"] or None
        return plain_or_skip(gather_step(registry, table, begun_run_id(), rule_id=rule))

    @task_group(group_id=f"replay_{registry}")
    def replay_table(table: str) -> None:
        assess_gate_publish(contract, table=table, extracted=gather(table=table), **how)

    return replay_table.expand(table=choose())


@task(trigger_rule="all_done", multiple_outputs=False)
def follow_relationships() -> list[dict[str, Any]]:
    registry = get_current_context()["params"]["registry"]
    return follow_published(registry, [f"replay_{registry}.gather"])[1]


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
    last = [follow_relationships(), each_table_is_well()]
    for contract in contracts:
        replay(contract) >> last
