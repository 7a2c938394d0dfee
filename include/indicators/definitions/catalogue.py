"""Catalogue of what an indicator may read: published tables by contract, code lists, and the index of persons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from include.contracts.model import Classification, Contract
from include.lake.people import INDEX
from include.vietnam import reference_lists

PEOPLE = "people.index"
REFERENCE = "reference"
_DATES = ("valid_from", "valid_until")


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """A column that an indicator may read, with its DuckDB type."""

    name: str
    sql_type: str
    classification: Classification = "internal"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The relations by their names in an indicator's SQL: `registry.table`, `reference.list` and `people.index`.

    `schemas` is the folder whose macros and lists the SQL is bound with.
    """

    relations: Mapping[str, tuple[ReadColumn, ...]]
    registries: tuple[str, ...]
    schemas: Path

    @classmethod
    def of(cls, contracts: Mapping[str, Contract], schemas: Path) -> Catalogue:
        """The catalogue of these contracts and of the code lists of a schemas folder."""
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
                relations[f"{registry}.{table.name}"] = tuple(
                    ReadColumn(column.name, column.sql_type, column.classification) for column in table.columns
                )
        return cls(relations, tuple(contracts), schemas)

    def column(self, relation: str, name: str) -> ReadColumn | None:
        """A column of a relation; None if there is none."""
        return next((column for column in self.relations.get(relation, ()) if column.name == name), None)
