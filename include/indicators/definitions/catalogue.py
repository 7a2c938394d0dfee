"""Catalogue of what an indicator may read: published tables by contract, code lists, and the index of persons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from include.contracts.model import Classification, Contract, Table
from include.lake.people import INDEX
from include.vietnam import reference_lists

PEOPLE = "people.index"
REFERENCE = "reference"
HISTORY = "_history"  # behind the registry's name
_DATES = ("valid_from", "valid_until")


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """A column that an indicator may read, with its DuckDB type."""

    name: str
    sql_type: str
    classification: Classification = "internal"


_VALID = tuple(ReadColumn(name, "TIMESTAMPTZ") for name in _DATES)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The relations by their names in an indicator's SQL: `registry.table`, `reference.list` and `people.index`.

    A table whose contract keeps a history has all rows that ever were published under `registry_history.table`, with
    `valid_from` and `valid_until`. `schemas` is the folder whose macros and lists the SQL is bound with.
    """

    relations: Mapping[str, tuple[ReadColumn, ...]]
    registries: tuple[str, ...]
    schemas: Path
    histories: Mapping[str, Table]

    @classmethod
    def of(cls, contracts: Mapping[str, Contract], schemas: Path) -> Catalogue:
        """The catalogue of these contracts and of the code lists of a schemas folder."""
        histories: dict[str, Table] = {}
        relations = {PEOPLE: tuple(ReadColumn(name, "VARCHAR", "restricted") for name in INDEX.names)}
        for name, path in reference_lists(schemas).items():
            with path.open(encoding="utf-8-sig") as file:
                header = file.readline().strip().split(",")
            columns = tuple(
                ReadColumn(column, "DATE" if column in _DATES else "VARCHAR", "public") for column in header
            )
            relations[f"{REFERENCE}.{name}"] = columns
        for registry, contract in contracts.items():
            for table in contract.tables:
                columns = tuple(ReadColumn(one.name, one.sql_type, one.classification) for one in table.columns)
                relations[f"{registry}.{table.name}"] = columns
                if table.history is not None:
                    relations[f"{registry}{HISTORY}.{table.name}"] = (*columns, *_VALID)
                    histories[f"{registry}{HISTORY}.{table.name}"] = table
        return cls(relations, tuple(contracts), schemas, histories)

    def column(self, relation: str, name: str) -> ReadColumn | None:
        """A column of a relation; None if there is none."""
        return next((column for column in self.relations.get(relation, ()) if column.name == name), None)
