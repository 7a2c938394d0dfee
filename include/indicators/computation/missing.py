"""Servers whose data do not cover a period: their areas have no figure, which is not the same as zero."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from include.contracts.model import AT, Contract, Server
from include.indicators.definitions import HISTORY, PEOPLE, REFERENCE, Period
from include.lake.run_log import last_deliveries
from include.lake.storage import Lake


@dataclass(frozen=True, slots=True)
class MissingServer:
    """A server of a register that has not delivered a period's data, and the areas (codes) that it answers for."""

    server: str
    table: str
    areas: tuple[str, ...]


def missing_servers(
    lake: Lake, contracts: Mapping[str, Contract], tables: Iterable[str], period: Period, *, now: datetime
) -> tuple[MissingServer, ...]:
    """The servers of these tables (`registry.table`) that were last read before the period was over.

    While the period is not over, those that were never read. One that ended before the period was over needs no later
    delivery, but one.

    Raises:
        KeyError: a relation that neither a contract nor the catalogue has; nobody knows which servers it needs.
    """
    found = []
    for registry, names in _of_registers(tables, contracts).items():
        deliveries = last_deliveries(lake, registry)
        for server in contracts[registry].servers:
            areas = _areas(server, period)
            for name in names if areas or not server.assignments else ():
                last = deliveries.get(f"{name}{AT}{server.name}")
                if last is None or (_must_cover(server, period, now) and last < period.ends_at):
                    found.append(MissingServer(server.name, f"{registry}.{name}", areas))
    return tuple(found)


def _of_registers(tables: Iterable[str], contracts: Mapping[str, Contract]) -> dict[str, list[str]]:
    """The tables of registers with several servers; the history of a table is of the same ones."""
    found: dict[str, set[str]] = {}
    for relation in tables:
        registry, _, name = relation.partition(".")
        if relation == PEOPLE or registry == REFERENCE:
            continue
        registry = registry if registry in contracts else registry.removesuffix(HISTORY)
        if name not in {table.name for table in contracts[registry].tables}:
            raise KeyError(relation)
        if contracts[registry].is_federated:
            found.setdefault(registry, set()).add(name)
    return {registry: sorted(names) for registry, names in sorted(found.items())}


def _areas(server: Server, period: Period) -> tuple[str, ...]:
    """The areas that the server answers for on some day of the period."""
    return tuple(
        one.area
        for one in server.assignments
        if (one.valid_from is None or one.valid_from < period.end)
        and (one.valid_until is None or one.valid_until > period.start)
    )


def _must_cover(server: Server, period: Period, now: datetime) -> bool:
    has_ended = server.ended is not None and server.ended <= period.end
    return period.ends_at <= now and not has_ended
