"""A registry's contract: its servers, tables and service level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from include.contracts.model.servers import Server
from include.contracts.model.table import AT, Rule, Table


@dataclass(frozen=True, slots=True)
class Sla:
    """Service level of a contract: schedule (cron), deadline of a run after its start, how long extracts are kept.

    `delivered_percent`: of a registry with several servers, the share that must have delivered for a sync to succeed.
    """

    schedule: str = "@daily"
    deadline: timedelta = timedelta(hours=4)
    landing_retention: timedelta = timedelta(days=90)
    delivered_percent: float = 100.0


@dataclass(frozen=True, slots=True)
class Variant:
    """How the tables of some servers differ at the source: by table, the table with their names and expressions.

    Names of published columns, keys and rules are the contract's.
    """

    name: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Contract:
    """One registry: its owner, servers and tables. `digest` is SHA-256 over the content of its file and its variants.

    `server` is the first of `servers`, or the one of which this is the contract (`of_server`).
    """

    registry: str
    version: str
    path: Path
    digest: str
    server: Server
    tables: tuple[Table, ...]
    sla: Sla = Sla()
    name: str = ""
    business_name: str = ""
    description: str = ""
    owner: str = ""
    limitations: str = ""
    team: tuple[Mapping[str, object], ...] = ()
    legal_sources: tuple[str, ...] = ()
    legal_sources_vietnamese: tuple[str, ...] = ()
    servers: tuple[Server, ...] = ()
    variants: tuple[Variant, ...] = ()

    @property
    def is_federated(self) -> bool:
        """Whether the registry lives on several servers: its tables are then read slice by slice."""
        return len(self.servers) > 1

    @property
    def source_tables(self) -> tuple[Table, ...]:
        """The tables as they are read: those of every server, one server after the other, or simply the tables."""
        if not self.is_federated:
            return self.tables
        return tuple(table for server in self.servers for table in self.of_server(server.name).tables)

    def table(self, name: str) -> Table:
        """The table of that published name, or the slice `<table>@<server>`; KeyError if there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        if AT in name:
            return self.of_server(name.partition(AT)[2]).table(name)
        raise KeyError(name)

    def of_server(self, name: str) -> Contract:
        """The contract as it holds for one of several servers: its tables are slices. KeyError if there is none."""
        if not self.is_federated:
            raise KeyError(name)
        server = next((server for server in self.servers if server.name == name), None)
        if server is None:
            raise KeyError(name)
        tables = next((variant.tables for variant in self.variants if variant.name == server.variant), self.tables)
        slices = tuple(_slice(table, name) for table in tables)
        return replace(self, server=server, servers=(server,), tables=slices)

    def slices_of_former(self, server: str) -> tuple[Table, ...]:
        """The tables as a server delivered them that is no longer in the contract, or has ended."""
        return tuple(_slice(table, server) for table in self.tables)


def _slice(table: Table, server: str) -> Table:
    """The table as one server delivers it, with the rule that no other server has published the same key."""
    part = replace(table, name=f"{table.name}{AT}{server}")
    if not part.is_one_of_several:
        return part
    rule = Rule(
        rule_id=part.server_rule_id,
        table=table.name,
        columns=table.primary_key,
        metric="unique",
        scope="set",
        severity="error",
        dimension="uniqueness",
        description="The key is published from another server of the registry, whose row stays",
        vietnamese="Khóa đã được công bố từ máy chủ nguồn khác của cùng cơ sở dữ liệu; bản ghi bên đó được giữ",
    )
    return replace(part, rules=(*part.rules, rule))
