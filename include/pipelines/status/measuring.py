"""Age and state of every table as metrics: what a dashboard shows, and what an alert waits for."""

from __future__ import annotations

from collections.abc import Iterable

from include.pipelines.context import PipelineContext
from include.pipelines.status.registry_status import RegistryStatus, status_of
from include.telemetry import exported_at_the_end, record_table, step


@step("measure_tables")
def measure_tables(context: PipelineContext) -> int:
    """Record the state of every table that a sync ever came to; returns how many there are.

    Registries whose contract is broken are left out.
    """
    contracts, _ = context.readable
    return record_status(status_of(context, list(contracts.values())))


def record_status(found: Iterable[RegistryStatus]) -> int:
    """Record these states as metrics; returns how many tables or slices there are.

    Those of a server that has ended, and those that no run ever came to, are left out: nobody waits for them.
    """
    tables = [(registry, one) for registry in found for one in registry.slices if one.verdict]
    ended = {
        (registry.registry, server.facts.name)
        for registry, _ in tables
        for server in registry.servers
        if not server.facts.is_read
    }
    read = [(registry, one) for registry, one in tables if (registry.registry, one.server) not in ended]
    with exported_at_the_end():
        for registry, one in read:
            record_table(
                registry.registry, one.table, one.server, rows=one.rows, delivered_at=one.delivered_at,
                at=registry.at, is_late=one.is_late, verdict=one.verdict,
            )  # fmt: skip
    return len(read)
