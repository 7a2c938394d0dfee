"""Sync of one registry: extract, conform and split, assess, gate and publish each table in turn.

The steps are the same for the command line and for Airflow. Each takes and gives frozen values (counts,
verdicts, versions): rows stay in the lake, and what one step leaves for the next lies in the run's folders there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby

from include.cluster import held_session
from include.contracts.model import AT, Table
from include.known_error import KnownError
from include.lake.storage import LakeOutdated
from include.pipelines import run_folder
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import steward_named
from include.pipelines.delivered_servers import NOT_CONNECTED, delivered_servers, unconnected_servers
from include.pipelines.engine_choice import check_engines
from include.pipelines.errors import ContractChanged, no_values_escape
from include.pipelines.step_results import Failed, Held, Published, RegistryResult, Skipped, TableResult
from include.pipelines.sync.assess_and_publish_steps import Approval, Watch, assess_and_publish
from include.pipelines.sync.code_lists import publish_code_lists
from include.pipelines.sync.extraction import extract_step
from include.pipelines.sync.read_plan import Window
from include.pipelines.sync.relationships import relationships_step
from include.quality.expectations import import_gx_meanwhile
from include.telemetry import step

_ATTEMPTS = 3
_AT_ONCE = min(os.cpu_count() or 1, 4)


@step("prepare")
def prepare_step(*, context: PipelineContext | None = None) -> list[str]:
    """Publish the code lists that changed to `reference/`; returns their names."""
    context = context or PipelineContext.from_environment()
    with no_values_escape("publishing the code lists"):
        return publish_code_lists(context)


@step("sync")
def sync_registry(
    registry: str,
    *,
    run_id: str,
    tables: Sequence[str] = (),
    servers: Sequence[str] = (),
    is_full: bool = False,
    window: Window | None = None,
    approval: Approval | None = None,
    watch: Watch = lambda table, step: None,
    context: PipelineContext | None = None,
) -> RegistryResult:
    """Sync every table of a registry (or those named), one after the other; a table's failure does not stop the others.

    Of several servers as many are read at once as this machine has processors, each one table after the other. One that
    is not connected yet is left out, unless it is named.

    Begun again with the same `run_id` it goes on where it was stopped.

    Args:
        registry: the name of a contract.
        run_id: of a new run, or of one to go on with.
        tables: only these; of a registry with several servers a table's name means all its slices.
        servers: only these servers of the registry.
        is_full: read the tables whole, also where the cursor would do.
        window: read what was written in this stretch of time again, instead of what is new.
        approval: publish what is outside its tolerance, in this steward's name (username or name).
        watch: called with (table, step) as each step begins, and once with the verdict.
        context: where; from the environment by default.

    Returns:
        How each table ended; a table that failed is among them.

    Raises:
        NotASteward: the contract names stewards, and the approval is by none of them.
    """
    context = context or PipelineContext.from_environment()
    contract = context.contract(registry)
    wanted = context.source_tables(registry, tables, servers)
    if approval is not None:
        steward_named((contract,), approval.approved_by, at=context.now())
    check_engines(context, wanted)
    prepare_step(context=context)

    def one(table: Table) -> TableResult:
        started = time.perf_counter()
        try:
            result: TableResult = _sync_table(context, table, run_id, is_full, window, approval, watch)
        except KnownError as error:
            result = Failed.of(context, table, run_id, error)
        watch(table.name, result.verdict)
        return replace(result, seconds=round(time.perf_counter() - started, 3))

    def one_server(tables: Sequence[Table]) -> list[TableResult]:
        return [one(table) for table in tables]

    left_out = unconnected_servers(context, registry) - {*servers, *(name.partition(AT)[2] for name in tables)}
    read = [table for table in wanted if table.server not in left_out]
    of_servers = [list(tables) for _, tables in groupby(read, lambda table: table.server)]
    with held_session(), ThreadPoolExecutor(min(len(of_servers), _AT_ONCE) or 1) as several:
        results = [result for done in several.map(one_server, of_servers) for result in done]
    if any(isinstance(result, Published) for result in results):
        relationships_step(registry, run_id, context=context)
    delivered = None
    if contract.is_federated:
        verdicts = [(result.table, result.verdict) for result in results]
        verdicts += [(table.name, NOT_CONNECTED) for table in wanted if table.server in left_out]
        delivered = delivered_servers(context.lake, contract, verdicts, at=context.now())
    return RegistryResult(run_id, registry, tuple(results), delivered)


def _sync_table(
    context: PipelineContext,
    table: Table,
    run_id: str,
    is_full: bool,
    window: Window | None,
    approval: Approval | None,
    watch: Watch,
) -> Skipped | Held | Published:
    for attempts_left in range(_ATTEMPTS - 1, -1, -1):
        watch(table.name, "extract")
        extracted = extract_step(
            table.registry, table.name, run_id,
            is_full=is_full, window=window, on_rows_landed=import_gx_meanwhile, context=context,
        )  # fmt: skip
        if isinstance(extracted, Skipped):
            return extracted
        try:
            return assess_and_publish(extracted, approval, watch=watch, context=context)
        except (LakeOutdated, ContractChanged):
            # Since it was read, somebody set the table back, loaded it anew, or changed the contract: read it again. An
            # approval was for what was read before.
            if not attempts_left:
                raise
            approval = None
            run_folder.clear(context, table, run_id)
    raise AssertionError("unreachable")
