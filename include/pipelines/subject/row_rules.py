"""Which rows of a published table are about a person: by her records' keys, and by what refers to them.

A row of a table with link roles is hers if linking gave that record to her. A row of another table is about her if a
relationship of its contract leads to a record of hers. A row that is another's record and refers to hers (the mother
of a child) mentions her. Records of a table that had link roles once and has none today are still hers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from include.contracts.model import Contract, Table
from include.identity.records import linked_tables
from include.lake.storage import SERVER, literal, quote
from include.pipelines.subject.model import HeldRecord, Relation


@dataclass(frozen=True, slots=True)
class Tell:
    """Columns that tell a row to be about the person if their values, as texts, are one of `values`."""

    columns: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]

    def condition(self, present: Iterable[str]) -> str:
        """As SQL over the columns that are there."""
        if not self.values or not {*self.columns} <= {*present}:
            return "false"
        names = [f"CAST({quote(name)} AS VARCHAR)" for name in self.columns]
        if len(names) == 1:
            return f"{names[0]} IN ({', '.join(literal(value) for (value,) in self.values)})"
        rows = (
            " AND ".join(f"{name} = {literal(text)}" for name, text in zip(names, row, strict=True))
            for row in self.values
        )
        return f"({' OR '.join(f'({row})' for row in rows)})"


@dataclass(frozen=True, slots=True)
class TracedTable:
    """A published table that may hold rows about the person: how hers are told, and those of others that refer to hers.

    `when` is the table's condition that a row speaks of a person.
    """

    table: Table
    relation: Relation
    hers: tuple[Tell, ...]
    mentions: tuple[Tell, ...] = ()
    when: str = ""


def traced_tables(contracts: Iterable[Contract], records: Iterable[HeldRecord]) -> dict[str, TracedTable]:
    """By `registry.table`, every table that may hold rows about the person with these records."""
    contracts = list(contracts)
    linked = {one.name: one for one in linked_tables(contracts)}
    tables = {table.qualified_name: table for contract in contracts for table in contract.tables}
    keys: dict[str, set[tuple[str, ...]]] = {}
    for record in records:
        keys.setdefault(f"{record.registry}.{record.table}", set()).add(_key(record.record_id))
    found = {}
    for name, table in tables.items():
        refers = tuple(_references(table, tables, keys))
        if name in keys or (name in linked and refers):
            hers = tuple(_own(table, keys.get(name, set())))
            found[name] = TracedTable(table, "own", hers, refers, linked[name].when if name in linked else "")
        elif refers:
            found[name] = TracedTable(table, "about", refers)
    return found


def untraceable_tables(contracts: Iterable[Contract]) -> frozenset[str]:
    """Every table, `registry.table`, whose contract relates its rows to no record of a person, whoever asks."""
    contracts = list(contracts)
    linked = {one.name: one.table.primary_key for one in linked_tables(contracts)}
    return frozenset(
        table.qualified_name
        for contract in contracts
        for table in contract.tables
        if table.qualified_name not in linked
        and not any(
            linked.get(f"{relationship.registry}.{relationship.table}") == relationship.to_columns
            for relationship in table.relationships
        )
    )


def _own(table: Table, keys: set[tuple[str, ...]]) -> Iterable[Tell]:
    """By primary key; of a table whose keys are each server's own, also by the server."""
    for columns in (table.primary_key, (*table.primary_key, SERVER)):
        if values := sorted(key for key in keys if len(key) == len(columns)):
            yield Tell(columns, tuple(values))


def _references(table: Table, tables: dict[str, Table], keys: dict[str, set[tuple[str, ...]]]) -> Iterable[Tell]:
    for relationship in table.relationships:
        to = f"{relationship.registry}.{relationship.table}"
        if to not in tables or to not in keys or relationship.to_columns != tables[to].primary_key:
            continue
        columns, width = relationship.columns, len(relationship.columns)
        if tables[to].key_scope == "server" and relationship.registry == table.registry:
            columns, width = (*columns, SERVER), width + 1
        if values := sorted({key[:width] for key in keys[to] if len(key) >= width}):
            yield Tell(columns, tuple(values))


def _key(record_id: str) -> tuple[str, ...]:
    return tuple(str(value) for value in json.loads(record_id.partition(":")[2]))
