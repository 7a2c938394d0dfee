"""Which published columns speak of a person: the contract says so, nobody else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from include.contracts.model import Column, Contract, LinkRole, Table
from include.contracts.sql import SqlRefused, names_in, rewritten
from include.known_error import KnownError

NAMING: tuple[LinkRole, ...] = ("name", "family_name", "given_name")
NUMBERS: tuple[LinkRole, ...] = ("personal_id", "old_id", "tax_code", "insurance_number", "health_card")


class LinkRolesIncomplete(KnownError, ValueError):
    """A contract gives link roles that nobody can be linked by; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class LinkedTable:
    """One table with link roles. `when` is the condition that a row speaks of a person, empty: every row does."""

    table: Table
    when: str = ""

    @property
    def name(self) -> str:
        """`registry.table`."""
        return self.table.qualified_name

    def columns(self, role: LinkRole) -> list[Column]:
        """The columns of that role, in the contract's order."""
        return [column for column in self.table.columns if column.link == role]

    @property
    def roles(self) -> frozenset[LinkRole]:
        """Every role that some column has."""
        return frozenset(column.link for column in self.table.columns if column.link)

    @property
    def is_population(self) -> bool:
        """Whether the personal id is the key: two rows with different ids are two persons."""
        return [c.name for c in self.columns("personal_id")] == list(self.table.primary_key)


def linked_tables(contracts: Iterable[Contract]) -> tuple[LinkedTable, ...]:
    """Every table with link roles, by registry and name.

    The table's custom property `link` may hold `when`, a condition over published columns: rows for which it is not
    TRUE (organisations, say) are left out.

    Raises:
        LinkRolesIncomplete: a table has roles, but no key, or neither a name nor a number to link by.
    """
    found = []
    for contract in contracts:
        for table in contract.tables:
            linked = LinkedTable(table, _condition(table))
            if not linked.roles:
                continue
            if not table.primary_key:
                raise LinkRolesIncomplete(
                    f"{linked.name} has link roles but no primary key: give one column primaryKey"
                )
            if not linked.roles & {*NAMING, *NUMBERS}:
                raise LinkRolesIncomplete(
                    f"{linked.name} has link roles but nothing to know a person by: give `name` or an id its role"
                )
            found.append(linked)
    return tuple(sorted(found, key=lambda linked: linked.name))


def _condition(table: Table) -> str:
    written = table.custom.get("link")
    if written is None:
        return ""
    remedy = "write `property: link, value: {when: <one condition over published columns>}`"
    if not isinstance(written, dict) or set(written) != {"when"}:
        raise LinkRolesIncomplete(f"{table.qualified_name}: the custom property `link` is not understood: {remedy}")
    try:
        condition = rewritten(str(written["when"]))
    except SqlRefused as refused:
        raise LinkRolesIncomplete(f"{table.qualified_name}: `when` {refused}: {refused.remedy}") from None
    named = set(names_in(condition))
    if not named or named - {column.name for column in table.columns}:
        raise LinkRolesIncomplete(f"{table.qualified_name}: `when` must speak of the table's own columns: {remedy}")
    return condition
