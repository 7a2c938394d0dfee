"""Reading of a registry's variants: the contract's tables as some of its servers have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from open_data_contract_standard.model import OpenDataContractStandard

from include.contracts.model import Column, Contract, Table, Variant
from include.contracts.reading.reader import Reader
from include.contracts.reading.variant_files import NOWHERE, MergedFile, merged
from include.contracts.rules import columns_read
from include.contracts.sql import names_in
from include.contracts.yaml_files import Place, Problem, YamlFile, read_yaml

Tell = Callable[[Place, str, str], None]


@dataclass(frozen=True)
class ReadVariant:
    """A variant as far as it can be read, with its own mistakes; `places` as the contract's reader has them."""

    variant: Variant
    file: MergedFile
    problems: tuple[Problem, ...]
    places: dict[str, Place]


def read_variant(name: str, path: Path, contract: Contract, file: YamlFile, known: Collection[Problem]) -> ReadVariant:
    """One variant of a contract.

    Args:
        name: of the variant.
        path: of its file.
        contract: whose tables it is a variant of.
        file: that of the contract.
        known: problems of the contract, which are not the variant's.

    Raises:
        ContractError: the variant's file is not YAML.
    """
    variant = read_yaml(path)
    problems: list[Problem] = []

    def report(place: Place, message: str, remedy: str, *, warning: bool = False) -> None:
        problems.append(variant.problem(place, message, remedy, warning=warning))

    both = merged(file, variant, report)
    reader = _VariantReader(both, contract.registry, known)
    tables = reader.contract(OpenDataContractStandard(**both.data)).tables
    for index, (own, table) in enumerate(zip(contract.tables, tables, strict=True)):
        _check_table(own, table, both, ("schema", index), reader.mistake)
    problems += reader.problems
    problems.sort(key=lambda problem: problem.line)
    return ReadVariant(Variant(name, tables), both, tuple(problems), reader.places)


class _VariantReader(Reader):
    """Reader of a contract over which a variant is laid; what is wrong without the variant is not told again."""

    def __init__(self, file: MergedFile, registry: str, known: Collection[Problem]) -> None:
        super().__init__(file, registry)
        self._known = {(p.where, p.message, p.remedy) for p in known}

    def mistake(self, place: Place, message: str, remedy: str, *, warning: bool = False) -> None:
        if (self.file.describe(place), message, remedy) not in self._known:
            super().mistake(place, message, remedy, warning=warning)


def _check_table(own: Table, table: Table, file: MergedFile, place: Place, tell: Tell) -> None:
    """Report columns that are left without a source, and what the variant inherits though it cannot hold there."""
    places = {column.name: (*place, "properties", index) for index, column in enumerate(own.columns)}
    renamed: dict[str, str] = {}  # what the source calls a column otherwise, by the contract's name; empty: has not
    for column in own.columns:
        new = file.written(places[column.name]).get("physicalName", column.source_name) or ""
        if isinstance(new, str) and new.lower() != column.source_name.lower():
            renamed[column.source_name.lower()] = new
    told_deleted = names_in(own.extract.deleted_when) if own.extract.deleted_when else ()
    for former, column in zip(own.columns, table.columns, strict=True):
        here = places[column.name]
        if column.expression == NOWHERE and former.expression != NOWHERE:
            if why := _why_needed(column, told_deleted):
                remedy = "name the source's column, or write `transformLogic` that computes it from others"
                tell((*here, "physicalName"), f"leaves {why} without a source", remedy)
            continue
        for key, reads, text in _inherited(column, file.written(here)):
            for name in reads:
                if name.lower() in renamed:
                    tell((*here, key), *_not_inherited(name, renamed, key, text))


def _why_needed(column: Column, told_deleted: Collection[str]) -> str:
    """Why a column cannot be without a source; empty if it can."""
    if column.primary_key_position is not None:
        return f"the key column `{column.name}`"
    if column.is_required:
        return f"the required column `{column.name}`"
    return f"the column `{column.name}`, which tells deleted rows," if column.name in told_deleted else ""


def _inherited(column: Column, written: Mapping[str, object]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """What a column has from the contract: the key, the source columns that it reads, its text."""
    if column.expression and "transformLogic" not in written:
        yield "transformLogic", columns_read(column), column.expression
    if not column.expression and "physicalName" not in written:
        yield "physicalName", columns_read(column), ""
    if column.empty_when and "customProperties" not in written:
        yield "empty", names_in(column.empty_when), column.empty_when


def _not_inherited(name: str, renamed: Mapping[str, str], key: str, text: str) -> tuple[str, str]:
    """Message and remedy for what reads a column that is called otherwise at the source."""
    new = renamed[name.lower()]
    why = f"which this source calls `{new}`" if new else "which this source does not have"
    for old, other in ((old, other) for old, other in renamed.items() if other):
        text = re.sub(rf'"{re.escape(old)}"', lambda _, other=other: f'"{other}"', text, flags=re.IGNORECASE)  # type: ignore[misc]
    if key == "physicalName":
        remedy = "write the column's `physicalName` at this source, or `physicalName: null` if it has none"
    elif key == "empty":
        remedy = "write `customProperties: [{property: empty, value: ...}]` for this source"
    else:
        remedy = f"write `transformLogic` for this source{f', e.g. {text}' if new else ', or `physicalName: null`'}"
    return f"has `{key}` from the contract, where it reads `{name}`, {why}", remedy
