"""Which servers of a registry delivered: the total of a run over many, with what is missing and how old it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from include.contracts.model import AT, Contract
from include.contracts.words import BilingualText
from include.lake.run_log import last_deliveries, published_slices, verdicts_of_run
from include.lake.storage import SERVER, Lake, LakeError, lake_errors
from include.pipelines.context import PipelineContext
from include.pipelines.errors import no_values_escape
from include.sources.access import is_connected

_LISTED = 10
NOT_CONNECTED = "not connected"  # has no connection, and never had one that delivered


_WORST_FIRST = ("failed", "held", "declined", "timed out", NOT_CONNECTED)


@dataclass(frozen=True, slots=True)
class MissingServer:
    """A server that did not deliver all of its tables: how the worst ended, and when its oldest table was last read.

    `last` is an ISO instant; empty if one of its tables never was. Its published rows stay as they were then.
    """

    server: str
    verdict: str
    last: str = ""


@dataclass(frozen=True, slots=True)
class DeliveredServers:
    """The servers asked in a run, and those `missing` at an ISO instant.

    `bound_percent`: the share of servers that the contract wants delivered.
    """

    expected: int
    missing: tuple[MissingServer, ...]
    bound_percent: float
    at: str

    @property
    def delivered(self) -> int:
        """How many servers delivered all of their tables."""
        return self.expected - len(self.missing)

    @property
    def is_enough(self) -> bool:
        """Whether the contract's bound is kept."""
        return 100 * self.delivered >= self.bound_percent * self.expected

    @property
    def text(self) -> BilingualText:
        """`31 of 34 servers, missing: land-38 (failed, 2 days old); not connected: land-04, land-11`."""
        at = datetime.fromisoformat(self.at)
        connected = [one for one in self.missing if one.verdict != NOT_CONNECTED]
        others = [one.server for one in self.missing if one.verdict == NOT_CONNECTED]
        english = [f"{one.server} ({one.verdict}, {_age(one.last, at).english})" for one in connected]
        vietnamese = [f"{one.server} ({_age(one.last, at).vietnamese})" for one in connected]
        return BilingualText(
            f"{self.delivered} of {self.expected} servers"
            + _listed(", missing: ", english)
            + _listed("; not connected: ", others),
            f"{self.delivered}/{self.expected} máy chủ nguồn"
            + _listed(", còn thiếu: ", vietnamese)
            + _listed("; chưa kết nối: ", others),
        )

    @property
    def standing(self) -> str:
        """The same with instants instead of ages, and every name: it is the same until a server delivers or is late."""
        others = [
            f"{one.server} ({one.verdict if one.verdict == NOT_CONNECTED else one.last or 'never delivered'})"
            for one in self.missing
        ]
        return f"{self.delivered} of {self.expected} servers" + (f"; missing: {', '.join(others)}" if others else "")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        said = self.text
        return {
            **asdict(self),
            "delivered": self.delivered,
            "is_enough": self.is_enough,
            "text": said.english,
            "text_vi": said.vietnamese,
        }


def delivered_in_run(
    registry: str, run_ids: Sequence[str], *, is_backfill: bool = False, context: PipelineContext | None = None
) -> DeliveredServers:
    """The same of a run whose slices were synced apart, from the run log; those read again have a run id of their own.

    A slice without a verdict failed, unless its server is not connected. Of a backfill, tables that are only read whole
    do not count: it leaves them out.
    """
    context = context or PipelineContext.from_environment()
    with no_values_escape(f"counting the servers of {registry}"):
        verdicts, others = verdicts_of_run(context.lake, registry, run_ids), unconnected_servers(context, registry)
        told = [
            (table.name, verdicts.get(table.name) or (NOT_CONNECTED if table.server in others else "failed"))
            for table in context.source_tables(registry)
            if table.can_be_read_in_part or not is_backfill
        ]
        return delivered_servers(context.lake, context.contract(registry), told, at=context.now())


def unconnected_servers(context: PipelineContext, registry: str) -> frozenset[str]:
    """Those of the registry's several servers that have no connection, and never delivered a table.

    They are no failure while provinces connect one after the other; a connection that is missing again is one.
    """
    contract = context.contract(registry)
    without = {server.name for server in contract.servers if not is_connected(server, context.environ)}
    if not contract.is_federated or not without:
        return frozenset()
    known = {name.partition(AT)[2] for name in last_deliveries(context.lake, registry)}
    return frozenset(without - known - set(published_servers(context.lake, contract)))


def published_servers(lake: Lake, contract: Contract) -> Iterator[str]:
    """The servers that have rows in a published table, whether the contract lists them or not."""
    for table in contract.tables:
        uri = lake.registry_table(table.registry, table.name)
        if lake.is_table(uri):
            with lake_errors("reading a table's log"):
                yield from (str(part[SERVER]) for part in lake.table(uri).partitions())


def published_in_run(
    registry: str, run_ids: Sequence[str], *, after_gate: bool = False, context: PipelineContext | None = None
) -> list[str]:
    """The tables that the run published, or a slice of them; `after_gate`: only if a steward approved it."""
    context = context or PipelineContext.from_environment()
    with no_values_escape(f"looking for what was published of {registry}"):
        found = published_slices(context.lake, registry, run_ids)
        return sorted({name.partition(AT)[0] for name, approved_by in found.items() if approved_by or not after_gate})


def delivered_servers(
    lake: Lake, contract: Contract, verdicts: Sequence[tuple[str, str]], *, at: datetime
) -> DeliveredServers:
    """The servers of the slices (name, verdict) that a run came to; published and unchanged ones were delivered."""
    servers: dict[str, list[tuple[str, str]]] = {}
    for name, verdict in verdicts:
        servers.setdefault(contract.table(name).server, []).append((name, verdict))
    deliveries = _deliveries(lake, contract)
    missing = []
    for server, slices in servers.items():
        worst = next((v for v in _WORST_FIRST if v in {v for _, v in slices}), "")
        if worst:
            read = [deliveries.get(name) for name, _ in slices]
            missing.append(
                MissingServer(server, worst, "" if None in read else min(at for at in read if at).isoformat())
            )
    return DeliveredServers(len(servers), tuple(missing), contract.sla.delivered_percent, at.isoformat())


def _deliveries(lake: Lake, contract: Contract) -> dict[str, datetime]:
    """The last delivery of each slice; none where the lake does not tell."""
    try:
        return last_deliveries(lake, contract.registry)
    except LakeError:
        return {}


def _age(last: str, at: datetime) -> BilingualText:
    if not last:
        return BilingualText("never delivered", "chưa từng có dữ liệu")
    hours = max(0, int((at - datetime.fromisoformat(last)).total_seconds() // 3600))
    if hours < 48:
        return BilingualText(f"{hours} h old", f"dữ liệu cách đây {hours} giờ")
    return BilingualText(f"{hours // 24} days old", f"dữ liệu cách đây {hours // 24} ngày")


def _listed(before: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    rest = f", … (+{len(items) - _LISTED})" if len(items) > _LISTED else ""
    return before + ", ".join(items[:_LISTED]) + rest
