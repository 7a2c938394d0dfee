"""Bring one registry into the lake: extract, assess, gate and publish, for each of its tables.

Only what is new is read where the contract states a cursor. A table of which nothing changed is skipped; one outside
its tolerance waits at the gate for a steward while the others go on. The same run again goes on where it stopped. A
backfill reads what was written in its own dates again.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow.sdk import DAG, get_current_context, get_parsing_context, task, task_group

from include.contracts import Contract, contract_paths
from plugins.lake_assets import table_asset
from plugins.steward_gate import gates
from plugins.sync_settings import SCHEMAS, extract_when_open, library_run_id, or_skip, sound_contract, sync_settings


def sync(contract: Contract) -> None:
    registry, within = contract.registry, contract.sla.deadline
    assets = {table.name: table_asset(registry, table.name) for table in contract.tables}
    by_table = "{{ task.op_kwargs['table'] }}"
    step = partial(task, execution_timeout=within, map_index_template=by_table, multiple_outputs=False)

    @task(pool="lake_reference", multiple_outputs=False)
    def prepare() -> list[str]:
        from include.pipelines.sync import prepare_step

        return prepare_step()

    @step(pool=f"source_{contract.server.name}")
    def extract(table: str) -> dict[str, Any]:
        return or_skip(extract_when_open(contract, table))

    @step()
    def assess(table: str, extracted: dict[str, Any]) -> dict[str, Any]:
        from include.pipelines.sync import assess_step

        return or_skip(assess_step(extracted))

    @step(pool=f"lake_{registry}", outlets=[*assets.values()])
    def publish(table: str, assessed: dict[str, Any], approval: dict[str, str]) -> dict[str, Any]:
        from include.pipelines.sync import publish_step

        published = publish_step(assessed, **approval)  # of its outlets, Airflow is told of the one it published
        get_current_context()["task"].outlets = [assets[table]] if published["verdict"] == "published" else []
        return published

    @task_group
    def sync_table(table: str) -> None:
        assessed = assess(table=table, extracted=extract(table=table))
        approval = gates(contract.tables, assessed=assessed, map_index_template="{{ task.assessed['table'] }}")
        publish(table=table, assessed=assessed, approval=approval)

    @task(trigger_rule="none_failed_min_one_success", multiple_outputs=False)
    def follow_relationships() -> list[dict[str, Any]]:
        from include.pipelines.sync import relationships_step

        return relationships_step(registry, library_run_id())

    with DAG(f"sync_{registry}", tags=["registry", "sync"], **sync_settings(contract, doc=__doc__)):
        prepare()
        sync_table.expand(table=list(assets)) >> follow_relationships()


for registry, path in contract_paths(SCHEMAS).items():
    # A task's process needs its own contract only. A broken one stops its registry: see check_contracts.py.
    if get_parsing_context().dag_id in (None, f"sync_{registry}") and (found := sound_contract(path)):
        sync(found)
