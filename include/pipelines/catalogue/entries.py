"""The entries of the catalogue, from contracts, indicators and code lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from include.contracts.model import Contract, Table
from include.contracts.words import BilingualText
from include.indicators.definitions import Indicator
from include.pipelines.catalogue.code_lists import CodeList
from include.pipelines.catalogue.search import Entry


def entries(
    contracts: Iterable[Contract], indicators: Mapping[str, Indicator], lists: Mapping[str, CodeList]
) -> Iterator[Entry]:
    """Every entry: registers with their tables, columns and rules, then indicators and code lists."""
    contracts = tuple(contracts)
    labels = list_labels(contracts)
    for contract in contracts:
        yield from _of_contract(contract)
    for name, indicator in indicators.items():
        texts = (*indicator.definition, *indicator.legal_basis)
        yield Entry("indicator", f"/indicators/{name}", indicator.name, (name, *indicator.name), texts)
    for name, code_list in lists.items():
        title = BilingualText(name, labels.get(name, name))
        yield Entry("list", f"/lists/{name}", title, (name, name.replace("_", " "), title.vietnamese), code_list.words)


def register_name(contract: Contract) -> BilingualText:
    """A register's name in both languages."""
    return BilingualText(contract.name or contract.registry, contract.business_name or contract.registry)


def table_name(table: Table) -> BilingualText:
    """A table's name in both languages."""
    return BilingualText(table.name, table.business_name or table.name)


def list_labels(contracts: Iterable[Contract]) -> dict[str, str]:
    """A Vietnamese label for each code list whose codes a column has: that of the first such column that has one."""
    found: dict[str, str] = {}
    for table in (table for contract in contracts for table in contract.tables):
        for relationship in table.relationships:
            if relationship.registry == "reference":
                label = table.column(relationship.columns[0]).business_name
                found.setdefault(relationship.table, label or relationship.table)
    return found


def _of_contract(contract: Contract) -> Iterator[Entry]:
    name = register_name(contract)
    names = (contract.registry, *name, contract.owner)
    texts = (contract.description, *contract.legal_sources, *contract.legal_sources_vietnamese)
    yield Entry("register", f"/registers/{contract.registry}", name, names, texts)
    for table in contract.tables:
        yield from _of_table(contract.registry, table, name)


def _of_table(registry: str, table: Table, register: BilingualText) -> Iterator[Entry]:
    path, title = f"/tables/{registry}/{table.name}", table_name(table)
    names = (table.name, table.qualified_name, table.business_name)
    yield Entry("table", path, title, names, (table.description, *register), register)
    within = BilingualText(f"{register.english}, {title.english}", f"{register.vietnamese}, {title.vietnamese}")
    for column in table.columns:
        named = BilingualText(column.name, column.business_name or column.name)
        texts = (column.description, table.business_name)
        yield Entry("column", f"{path}#{column.name}", named, (column.name, column.business_name), texts, within)
    for rule in table.rules:
        said = BilingualText(rule.description, rule.vietnamese or rule.description)
        told = (*said, rule.legal_source, rule.legal_source_vietnamese)
        yield Entry("rule", f"{path}#rules", said, (rule.rule_id,), told, within)
