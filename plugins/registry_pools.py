"""Creates the Airflow pools of a registry when its sync first starts, so that a new contract needs no setup.

`source_<server>` bounds how many tables are read from one server at once, whichever registries lie on it: the property
`poolSlots` of the contract's server, else two. `lake_<registry>` lets one task write at a time. A pool that exists is
left alone: change its slots in the UI, and they stay.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

SLOTS = {"source_": 2, "lake_": 1}
_PURPOSE = {"source_": "Tables read from the server at once", "lake_": "One writer at a time"}


@hookimpl
def on_dag_run_running(dag_run: DagRun, msg: str) -> None:
    """Called in the scheduler, inside its transaction: the pools become visible together with the running state."""
    from airflow.models.pool import Pool
    from sqlalchemy import select
    from sqlalchemy.dialects import postgresql, sqlite
    from sqlalchemy.orm import object_session

    named = {task.pool for task in dag_run.dag.tasks if task.pool.startswith(tuple(SLOTS))} if dag_run.dag else set()
    session = object_session(dag_run)
    if not named or session is None:
        return
    existing = set(session.scalars(select(Pool.pool).where(Pool.pool.in_(named))))
    # Two runs, or two schedulers, may get here at once: the second must not break the scheduler's transaction.
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for name in sorted(named - existing):
        kind = next(prefix for prefix in SLOTS if name.startswith(prefix))
        server = name.removeprefix("source_")
        slots = stated_slots(dag_run.dag_id.removeprefix("sync_"), server) if kind == "source_" else None
        pool = {"pool": name, "slots": slots or SLOTS[kind], "description": _PURPOSE[kind], "include_deferred": False}
        session.execute(insert(Pool).values(**pool).on_conflict_do_nothing(index_elements=["pool"]))


def stated_slots(registry: str, name: str) -> int | None:
    """The `poolSlots` of a server of a registry; None if it states none, or the contract is invalid."""
    from include.contracts.reading import contract_paths, load_contract
    from include.contracts.yaml_files import ContractError
    from include.sources.access import SourceError, load_limits_of
    from plugins.dag_settings import SCHEMAS

    with suppress(ContractError, SourceError, KeyError):
        server = {one.name: one for one in load_contract(contract_paths(SCHEMAS)[registry]).servers}[name]
        return max(1, load_limits_of(server).pool_slots) if "poolSlots" in server.options else None
    return None


class RegistryPools(AirflowPlugin):
    """Registers the listener above."""

    name = "registry_pools"
    listeners: ClassVar = [sys.modules[__name__]]
