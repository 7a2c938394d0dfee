"""Bring one registry into the lake: extract, assess, gate and publish, for each of its tables.

Only what is new is read where the contract states a cursor. A table of which nothing changed is skipped; one outside
its tolerance waits at the gate for a steward while the others go on. Of a registry on several servers each has its own
tasks and pool: one that fails or is held keeps no other from publishing, one that is not connected yet is skipped. A
run begun again goes on where it stopped. A backfill reads what was written in its own dates again.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, TaskGroup, get_parsing_context, task, task_group

from include.contracts.model import Contract
from include.contracts.reading import contract_paths
from plugins.dag_settings import SCHEMAS, extract_when_open, servers_read, sound_contract, sync_settings
from plugins.publishing_tasks import (
    assess_gate_publish,
    connected_servers,
    each_table_is_well,
    follow_published,
    plain_or_skip,
    table_task,
    tell_of_slices,
)


def sync_tables(contract: Contract) -> Any:
    """The tasks of a registry's tables, or of those that one of its servers delivers."""

    @table_task(contract)(pool=f"source_{contract.server.name}")
    def extract(table: str) -> dict[str, Any]:
        return plain_or_skip(extract_when_open(contract, table))

    @task_group
    def sync_table(table: str) -> None:
        assess_gate_publish(contract, table=table, extracted=extract(table=table))

    return sync_table.expand(table=[table.name for table in contract.tables])


def sync(contract: Contract) -> None:
    registry = contract.registry

    @task(pool="lake_reference", multiple_outputs=False)
    def prepare() -> list[str]:
        from include.pipelines.sync import prepare_step

        return prepare_step()

    @task(trigger_rule="all_done", multiple_outputs=False)
    def follow_relationships() -> list[dict[str, Any]]:
        return follow_published(registry, ["sync_table.extract"])[1]

    with DAG(f"sync_{registry}", tags=["registry", "sync"], **sync_settings(contract, doc=__doc__)):
        prepare()
        if not contract.is_federated:
            sync_tables(contract) >> [follow_relationships(), each_table_is_well()]
            return
        servers = {}
        for server in servers_read(contract):
            with TaskGroup(server.name.replace("-", "_"), tooltip=server.name):
                servers[server.name] = sync_tables(contract.of_server(server.name))
        connected_servers(contract, servers) >> [*servers.values()]
        tell_of_slices(contract, servers)


for registry, path in contract_paths(SCHEMAS).items():
    # A task's process needs its own contract only. A broken one stops its registry: see check_contracts.py.
    if get_parsing_context().dag_id in (None, f"sync_{registry}") and (found := sound_contract(path)):
        sync(found)
