"""State of registries at a glance: of every table, or every server's part of it, its last delivery and newest run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from include.audit.report_data import (
    Freshness,
    NewestRun,
    Overview,
    ServerFacts,
    freshness_of,
    newest_runs,
    servers_of,
    slices_of,
)
from include.contracts.model import Contract, Table
from include.lake.delta import last_commit
from include.lake.storage import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.delivered_servers import NOT_CONNECTED, DeliveredServers, MissingServer, published_servers
from include.pipelines.errors import no_values_escape
from include.sources.access import has_connection

_BAD = ("failed", "held", "declined", "timed out")


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One table, or a server's slice of it. Instants are UTC, None if it never came to that.

    `delivered_at`: when its source was last read with success, also if nothing had changed; `snapshot_at`: when the
    rows were read that are published. `verdict`: of the newest run, empty without one; `drift`: that run's notes.
    """

    table: str
    server: str
    rows: int
    delivered_at: datetime | None
    snapshot_at: datetime | None
    verdict: str
    run_id: str
    missed: int
    is_late: bool
    drift: tuple[str, ...] = ()

    def age_hours(self, at: datetime) -> float | None:
        """Hours since the last delivery."""
        return None if self.delivered_at is None else max(0.0, (at - self.delivered_at).total_seconds() / 3600)

    def to_dict(self, at: datetime) -> dict[str, Any]:
        """Plain values, for `--json`, with its age at that instant."""
        age = self.age_hours(at)
        return asdict(self) | {
            "delivered_at": self.delivered_at.isoformat() if self.delivered_at else "",
            "snapshot_at": self.snapshot_at.isoformat() if self.snapshot_at else "",
            "age_hours": None if age is None else round(age, 1),
            "drift": list(self.drift),
        }


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server and its slices; one that is not read is never late."""

    facts: ServerFacts
    slices: tuple[TableStatus, ...]

    @property
    def is_late(self) -> bool:
        """Whether it has missed a scheduled run of one of its tables, or never delivered it."""
        return self.facts.is_read and any(one.is_late for one in self.slices)

    @property
    def has_run(self) -> bool:
        """Whether a sync ever came to one of its tables."""
        return any(one.verdict for one in self.slices)

    @property
    def delivered_at(self) -> datetime | None:
        """The last delivery of all of its tables; None if one of them never came."""
        read = [one.delivered_at for one in self.slices if one.delivered_at]
        return min(read) if read and len(read) == len(self.slices) else None


@dataclass(frozen=True, slots=True)
class RegistryStatus:
    """One registry at an instant. `servers` and `delivered` are of one with several servers, `tables` of others.

    `is_connected`: one of its sources is connected here; of one that is not, and never ran, nothing is expected.
    """

    registry: str
    at: datetime
    tables: tuple[TableStatus, ...] = ()
    servers: tuple[ServerStatus, ...] = ()
    delivered: DeliveredServers | None = None
    is_connected: bool = True

    @property
    def is_in_use(self) -> bool:
        """Whether it is connected, or a sync ever came to one of its tables."""
        return self.is_connected or any(one.verdict for one in self.slices)

    @property
    def slices(self) -> tuple[TableStatus, ...]:
        """Its tables, or all slices of them."""
        return self.tables or tuple(one for server in self.servers for one in server.slices)

    @property
    def is_enough(self) -> bool:
        """Whether as many servers are up to date as the contract wants."""
        return self.delivered is None or self.delivered.is_enough or not self.is_in_use

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {
            "registry": self.registry,
            "at": self.at.isoformat(),
            "is_in_use": self.is_in_use,
            "is_enough": self.is_enough,
            "delivered": self.delivered.to_dict() if self.delivered else None,
            "tables": [one.to_dict(self.at) for one in self.tables],
            "servers": [
                {
                    "server": server.facts.name,
                    "variant": server.facts.variant,
                    "ended": server.facts.ended.isoformat() if server.facts.ended else "",
                    "areas": list(server.facts.areas),
                    "is_in_contract": server.facts.is_listed,
                    "is_read": server.facts.is_read,
                    "is_late": server.is_late,
                    "tables": [one.to_dict(self.at) for one in server.slices],
                }
                for server in self.servers
            ],
        }


def status_of(context: PipelineContext, contracts: Sequence[Contract]) -> tuple[RegistryStatus, ...]:
    """The state of these registries now: the run log is read once, everything else is in the tables' logs."""
    with no_values_escape("reading the state of the registries"):
        at = context.now()
        newest = newest_runs(context.lake, [contract.registry for contract in contracts])
        found = [_registry(context.lake, contract, newest, at) for contract in contracts]
        are_connected = [has_connection(contract, context.environ) for contract in contracts]
        return tuple(replace(one, is_connected=is_so) for one, is_so in zip(found, are_connected, strict=True))


def delivered_by_age(
    contract: Contract, servers: Sequence[tuple[ServerFacts, Sequence[tuple[str, Freshness]]]], *, at: datetime
) -> DeliveredServers:
    """Which of the servers that are read are up to date, by the freshness and newest verdict of their slices.

    One without any run is not connected, unless no server has one.
    """
    missing = []
    read = [(server, slices) for server, slices in servers if server.is_read]
    has_begun = any(verdict for _, slices in read for verdict, _ in slices)
    for server, slices in read:
        late = [verdict for verdict, fresh in slices if not fresh.is_fresh]
        if late:
            delivered = [fresh.last_good_at for _, fresh in slices]
            last = "" if None in delivered else min(one.isoformat() for one in delivered if one)
            other = NOT_CONNECTED if has_begun and not any(verdict for verdict, _ in slices) else "late"
            missing.append(MissingServer(server.name, next((v for v in late if v in _BAD), other), last))
    return DeliveredServers(len(read), tuple(missing), contract.sla.delivered_percent, at.isoformat())


def delivered_in(overview: Overview) -> dict[str, DeliveredServers]:
    """By registry that several servers deliver: which are up to date, as a report has gathered it."""
    found = {}
    for registry in overview.registries:
        stands = [
            (server.facts, [(one.latest.verdict if one.latest else "", one.freshness) for one in server.slices])
            for server in registry.servers
        ]
        if stands:
            found[registry.name] = delivered_by_age(registry.contract, stands, at=overview.at)
    return found


def _registry(
    lake: Lake, contract: Contract, newest: Mapping[tuple[str, str], NewestRun], at: datetime
) -> RegistryStatus:
    def told(table: Table) -> tuple[TableStatus, Freshness]:
        return _table(lake, contract, table, newest.get((table.registry, table.name)), at)

    if not contract.is_federated:
        return RegistryStatus(contract.registry, at, tuple(told(table)[0] for table in contract.tables))
    servers, stands = [], []
    for server in servers_of(contract, published_servers(lake, contract), at):
        slices = [told(table) for table in slices_of(contract, server)]
        servers.append(ServerStatus(server, tuple(one for one, _ in slices)))
        stands.append((server, [(one.verdict, fresh) for one, fresh in slices]))
    return RegistryStatus(contract.registry, at, (), tuple(servers), delivered_by_age(contract, stands, at=at))


def _table(
    lake: Lake, contract: Contract, table: Table, run: NewestRun | None, at: datetime
) -> tuple[TableStatus, Freshness]:
    state = last_commit(lake, table)
    snapshot = state.metadata.get("snapshot_at", "") if state else ""
    read = datetime.fromisoformat(snapshot) if snapshot else None
    run = run or NewestRun(table.registry, table.name)
    good = run.good_at.astimezone(UTC) if run.good_at else None
    delivered = max((one for one in (read, good) if one), default=None)
    fresh = freshness_of(contract.sla, last_good_at=delivered, seconds=run.good_seconds or 0.0, at=at)
    status = TableStatus(
        table.base_name, table.server, state.live_rows if state else 0, delivered, read, run.verdict or "",
        run.run_id or "", fresh.missed, not fresh.is_fresh, tuple(json.loads(run.drift or "[]")),
    )  # fmt: skip
    return status, fresh
