"""Column lineage from source columns to shared products, parsed from the contracts' `transformLogic`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from include.audit.report_data.report_inputs import AgreementFacts
from include.contracts.model import Column, Contract, Table


@dataclass(frozen=True, slots=True)
class ColumnLineage:
    """Lineage of one published column: its source columns, expression, and the shared products with it."""

    registry: str
    table: str
    column: str
    business_name: str
    classification: str
    sources: tuple[str, ...]
    transformation: str
    products: tuple[str, ...]


def source_columns(table: Table, column: Column) -> tuple[str, ...]:
    """The source columns of `column`, in the order they are named.

    A name inside a subquery counts only if it is a source column of the contract: subqueries read code lists.
    """
    if not column.expression:
        return (column.source_name,)
    source_names = {other.source_name for other in table.columns}
    try:
        tree = sqlglot.parse_one(column.expression, dialect="duckdb")
    except SqlglotError:
        return (column.source_name,)
    names = [
        found.name
        for found in tree.find_all(exp.Column, bfs=False)
        if found.find_ancestor(exp.Select) is None or (not found.table and found.name in source_names)
    ]
    return tuple(dict.fromkeys(names)) or (column.source_name,)


def column_lineage(contracts: Iterable[Contract], agreements: Iterable[AgreementFacts]) -> tuple[ColumnLineage, ...]:
    """Every published column of every table; products only of agreements in force."""
    readers: dict[tuple[str, str, str], list[str]] = {}
    for agreement in agreements:
        if agreement.standing != "in_force":
            continue
        for product in agreement.products:
            for column in product.given:
                shown = f"{agreement.recipient}/{product.name}"
                shown += f" ({column.protection})" if column.protection != "none" else ""
                readers.setdefault((product.registry, product.table, column.name), []).append(shown)
    return tuple(
        ColumnLineage(
            table.registry,
            table.name,
            column.name,
            column.business_name,
            column.classification,
            source_columns(table, column),
            column.expression,
            tuple(readers.get((table.registry, table.name, column.name), ())),
        )
        for contract in contracts
        for table in contract.tables
        for column in table.columns
    )
