"""Changes ahead: what a recipient will read otherwise once the contracts and agreements of today are carried out.

A shared table's last commit holds the terms in words that it was made by; they are compared with what would be written
now. So the note can be made before anything is, from the files under review.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from include.contracts.model import Contract, Table
from include.lake.storage import Lake
from include.sharing.agreements import Agreement, Product, terms_digest
from include.sharing.products import content
from include.sharing.products.state import OPEN, opened

Aspect = Literal["added", "removed", "type", "protection", "name", "meaning", "codes", "rows", "counts", "table"]


@dataclass(frozen=True, slots=True)
class ColumnTerms:
    """What a recipient is told of a column. `codes` are its values or the lists that hold them."""

    column: str
    type: str
    protection: str
    name: str
    meaning: str
    codes: str


@dataclass(frozen=True, slots=True)
class ProductTerms:
    """What a recipient is told of a product, by which version of its registry's contract."""

    contract: str
    table: str
    rows: str
    counts: str
    columns: tuple[ColumnTerms, ...]

    def to_text(self) -> str:
        """JSON, for a commit."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def of_text(cls, text: str) -> ProductTerms:
        """Back from JSON."""
        given = json.loads(text)
        return cls(**{**given, "columns": tuple(ColumnTerms(**column) for column in given["columns"])})


@dataclass(frozen=True, slots=True)
class Change:
    """One change; `column` is empty where it is of the whole product."""

    aspect: Aspect
    column: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class ProductChanges:
    """What changes in one product. `is_anew`: the table will be removed with its versions and made anew."""

    product: str
    title: str
    standing: Literal["new", "changed", "ended"]
    contract_before: str = ""
    contract_after: str = ""
    is_anew: bool = False
    changes: tuple[Change, ...] = ()


def terms_in_words(product: Product, table: Table, contract_version: str) -> ProductTerms:
    """The terms of a product as its contract and agreement stand."""
    return ProductTerms(
        contract=contract_version,
        table=table.qualified_name,
        rows=product.rows,
        counts=str(product.statistics or ""),
        columns=tuple(_column(name, kind, product, table) for name, kind in content.types(product, table)),
    )


def coming_changes(
    agreement: Agreement, contracts: Mapping[str, Contract], lake: Lake, *, at: datetime
) -> tuple[ProductChanges, ...]:
    """What changes for the agreement's recipient; products that stay as they are, are left out.

    A product that the lake does not have is `new`. Of one from before terms were kept in words, only what makes the
    table anew is known. Products of an agreement that has ended at `at` end.
    """
    is_ending = agreement.standing(at) in ("expired", "withdrawn")
    found = [_compared(agreement, product, contracts, lake, is_ending=is_ending) for product in agreement.products]
    named = {product.name for product in agreement.products}
    for uri in lake.list(lake.path("shared", agreement.recipient)):
        name = uri.rpartition("/")[2]
        shared = opened(lake, agreement.recipient, name) if name not in named else None
        if shared and shared.notes.get("state") == OPEN and shared.notes.get("agreement") == agreement.agreement_id:
            found.append(ProductChanges(name, shared.delta.metadata().description or "", "ended"))
    return tuple(change for change in found if change)


def _compared(
    agreement: Agreement, product: Product, contracts: Mapping[str, Contract], lake: Lake, *, is_ending: bool
) -> ProductChanges | None:
    shared = opened(lake, agreement.recipient, product.name)
    is_open = shared is not None and shared.notes.get("state") == OPEN
    if is_ending or shared is None or not is_open:
        standing: Literal["new", "ended"] = "ended" if is_ending else "new"
        return ProductChanges(product.name, product.title, standing) if is_open or not is_ending else None
    contract = contracts[product.registry]
    table = contract.table(product.table)
    noted, now = shared.notes.get("terms", ""), terms_in_words(product, table, contract.version)
    before = ProductTerms.of_text(noted) if noted else now
    digest = terms_digest(
        product,
        version=agreement.version,
        key_id=shared.notes.get("key_id", ""),
        types=content.types(product, table),
    )
    changes = tuple(_changes(before, now))
    is_anew = digest != shared.notes.get("terms_digest") or not content.is_told_apart(lake, shared, product, table)
    if not changes and not is_anew:
        return None
    versions = before.contract, now.contract
    return ProductChanges(product.name, product.title, "changed", *versions, is_anew=is_anew, changes=changes)


def _changes(before: ProductTerms, now: ProductTerms) -> Iterator[Change]:
    if before.table != now.table:
        yield Change("table", "", before.table, now.table)
    if before.rows != now.rows:
        yield Change("rows", "", before.rows, now.rows)
    if before.counts != now.counts:
        yield Change("counts", "", before.counts, now.counts)
    old, new = ({column.column: column for column in terms.columns} for terms in (before, now))
    yield from (Change("removed", name) for name in old if name not in new)
    for name, column in new.items():
        was = old.get(name)
        if was is None:
            yield Change("added", name, "", column.name)
            continue
        pairs: tuple[tuple[Aspect, str, str], ...] = (
            ("type", was.type, column.type),
            ("protection", was.protection, column.protection),
            ("name", was.name, column.name),
            ("codes", was.codes, column.codes),
            ("meaning", was.meaning, column.meaning),
        )
        yield from (Change(aspect, name, a, b) for aspect, a, b in pairs if a != b)


def _column(name: str, kind: str, product: Product, table: Table) -> ColumnTerms:
    shared = next((column for column in product.given if column.name == name), None)
    column = next((column for column in table.columns if column.name == name), None)
    if shared is None or column is None:  # a figure of counts and sums
        return ColumnTerms(name, kind, "", "", "", "")
    protection = str(shared).removeprefix(name).strip()
    codes = _codes(name, table) if shared.protection == "none" else ""
    return ColumnTerms(name, kind, protection, column.business_name, column.description, codes)


def _codes(name: str, table: Table) -> str:
    lists = [r.table for r in table.relationships if r.registry == "reference" and r.columns == (name,)]
    values = [
        str(value)
        for rule in table.rules
        if rule.columns == (name,) and rule.metric in ("enum", "invalidValues")
        for value in rule.arguments.get("validValues", ())
    ]
    return ", ".join([*(f"reference.{one}" for one in sorted(set(lists))), *values])
