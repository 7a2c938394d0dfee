"""Code lists that a recipient needs for the codes in its products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from include.contracts.model import Contract
from include.sharing.agreements import Agreement, Product

_MADE_BY: Mapping[str, str] = {"vn_ward_current": "wards"}
"""Macros that return a code of a list; such columns have no relationship to it."""


def code_lists(agreement: Agreement, contracts: Mapping[str, Contract]) -> frozenset[str]:
    """The lists whose codes are in unprotected columns of the agreement's products.

    A column names its list in the contract, by a relationship to `reference.<list>`. Protected codes need no list, and
    a product of a registry without a contract has none.
    """
    return frozenset(name for product in agreement.products for name in _of_product(product, contracts))


def _of_product(product: Product, contracts: Mapping[str, Contract]) -> Iterator[str]:
    contract = contracts.get(product.registry)
    table = next((table for table in contract.tables if table.name == product.table), None) if contract else None
    if table is None:
        return
    bare = {column.name for column in product.columns if column.protection == "none"}
    for relationship in table.relationships:
        if relationship.registry == "reference" and bare.issuperset(relationship.columns):
            yield relationship.table
    if product.needs_wards:
        yield "provinces"
    for column in table.columns:
        if column.name in bare:
            yield from (name for macro, name in _MADE_BY.items() if f"{macro}(" in column.expression)
