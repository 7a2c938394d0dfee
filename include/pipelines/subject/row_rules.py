"""Which rows of a published table are about a person: by her records' keys, and by what refers to them.

A row of a table with link roles is hers if linking gave that record to her. A row of another table is about her if a
relationship of its contract leads to a record of hers. A row that is another's record and refers to hers (the mother
of a child) mentions her. Records of a table that had link roles once and has none today are still hers.

Contracts of today judge former versions, and a column that a version lacks is not a "no". A row that they do not tell
to be hers may be about her if a value of a key of hers stands where they cannot judge: in a column that the contract
has no longer; in any column, if the row has no key by it, or a key of hers is none by it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
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

    @property
    def condition(self) -> str:
        """As SQL."""
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

    `when` is the table's condition that a row speaks of a person. `values` are all parts of keys of hers; `is_rekeyed`
    says that one of them is no key of this table by its contract.
    """

    table: Table
    relation: Relation
    hers: tuple[Tell, ...]
    mentions: tuple[Tell, ...] = ()
    when: str = ""
    values: tuple[str, ...] = ()
    is_rekeyed: bool = False

    @property
    def judged_by(self) -> tuple[str, ...]:
        """The columns that a row must have a value in: those of the key, and the server where keys are each one's."""
        servers = any(SERVER in tell.columns for tell in (*self.hers, *self.mentions))
        return (*(self.table.primary_key if self.relation == "own" else ()), *((SERVER,) if servers else ()))

    @property
    def no_key(self) -> str:
        """As SQL, that today's contract knows no key of a row."""
        if self.is_rekeyed:
            return "true"
        return any_of(f"{quote(name)} IS NULL" for name in self.judged_by)

    def has_value(self, columns: Iterable[str]) -> str:
        """As SQL, that a value of a key of hers stands in one of these columns."""
        return any_of(Tell((name,), tuple((value,) for value in self.values)).condition for name in columns)

    def gone(self, present: Iterable[str], given: Collection[str] | None) -> list[str]:
        """Columns of a version that the contract has no longer, and that could make a row to be about her.

        In a table with a key of its own they could only mention her, if they are `given` (None: all are).
        """
        known = {column.name for column in self.table.columns}
        names = (name for name in present if name not in known and not name.startswith("_"))
        return [name for name in names if self.relation == "about" or given is None or name in given]


def any_of(conditions: Iterable[str]) -> str:
    """SQL conditions, of which one is enough."""
    return f"({' OR '.join(conditions) or 'false'})"


def traced_tables(contracts: Iterable[Contract], records: Iterable[HeldRecord]) -> dict[str, TracedTable]:
    """By `registry.table`, every table that may hold rows about the person with these records."""
    contracts = list(contracts)
    linked = {one.name: one for one in linked_tables(contracts)}
    tables = {table.qualified_name: table for contract in contracts for table in contract.tables}
    keys: dict[str, set[tuple[str, ...]]] = {}
    for record in records:
        keys.setdefault(f"{record.registry}.{record.table}", set()).add(_key(record.record_id))
    values = tuple(sorted({value for of_table in keys.values() for key in of_table for value in key}))
    found = {}
    for name, table in tables.items():
        refers = tuple(_references(table, tables, keys))
        if name in keys or (name in linked and refers):
            own = keys.get(name, set())
            hers, when = tuple(_own(table, own)), linked[name].when if name in linked else ""
            is_rekeyed = sum(len(tell.values) for tell in hers) < len(own)
            found[name] = TracedTable(table, "own", hers, refers, when, values, is_rekeyed)
        elif refers:
            found[name] = TracedTable(table, "about", refers, values=values)
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
