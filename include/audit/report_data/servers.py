"""Servers of a registry as a report names them: what each answers for, whether it is read, and its part of a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from include.contracts.model import AT, Assignment, Contract, Table


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """One server at an instant. `assignments` are those in force; `is_listed`: the contract still has it.

    One that has ended, or is no longer listed, is not read; its published rows stay.
    """

    name: str
    variant: str = ""
    ended: date | None = None
    assignments: tuple[Assignment, ...] = ()
    is_listed: bool = True
    is_read: bool = True

    @property
    def areas(self) -> tuple[str, ...]:
        """Codes of the areas whose current records it keeps; those of past records where it keeps no others."""
        primary = [one.area for one in self.assignments if one.role == "primary"]
        return tuple(primary or [one.area for one in self.assignments])


def servers_of(contract: Contract, published: Iterable[str], at: datetime) -> tuple[ServerFacts, ...]:
    """The servers of a registry in the contract's order, then those with `published` tables that it no longer lists.

    None of a registry with one server.
    """
    if not contract.is_federated:
        return ()
    listed = [
        ServerFacts(
            server.name, server.variant, None if server.is_read(at) else server.ended,
            tuple(one for one in server.assignments if one.holds(at)), is_read=server.is_read(at),
        )
        for server in contract.servers
    ]  # fmt: skip
    known = {server.name for server in listed}
    gone = sorted({*published} - known - {""})
    return (*listed, *(ServerFacts(name, is_listed=False, is_read=False) for name in gone))


def slices_of(contract: Contract, server: ServerFacts) -> tuple[Table, ...]:
    """The tables as the server delivers them, or delivered them when the contract still listed it."""
    if server.is_listed:
        return contract.of_server(server.name).tables
    return tuple(replace(table, name=f"{table.name}{AT}{server.name}") for table in contract.tables)
