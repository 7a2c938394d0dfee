"""Changes ahead: what a recipient will read otherwise once the contracts and agreements of today are carried out.

A shared table's last commit holds the terms in words that it was made by; they are compared with what would be written
now. So the note can be made before anything is, from the files under review.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from include.contracts.model import Contract
from include.lake.storage import Lake
from include.sharing.agreements import Agreement, Product
from include.sharing.products.state import opened
from include.sharing.products.terms import ProductTerms, named_products, next_step, table_of, terms_in_words

Aspect = Literal["added", "removed", "type", "protection", "name", "meaning", "codes", "rows", "counts", "table"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change; `column` is empty where it is of the whole product."""

    aspect: Aspect
    column: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class ProductChanges:
    """What changes in one product. `is_anew`: the table will be removed with its versions and made anew.

    `is_waiting`: it will be empty until its source is published.
    """

    product: str
    title: str
    standing: Literal["new", "changed", "ended"]
    contract_before: str = ""
    contract_after: str = ""
    is_anew: bool = False
    is_waiting: bool = False
    changes: tuple[Change, ...] = ()


def coming_changes(
    agreement: Agreement,
    contracts: Mapping[str, Contract],
    lake: Lake,
    *,
    at: datetime,
    beside: Iterable[Agreement] = (),
) -> tuple[ProductChanges, ...]:
    """What changes for the agreement's recipient at `at`; products that stay as they are, are left out.

    A product that the lake does not have is `new`; one whose source is not published says that it waits.
    Of one from before terms were kept in words, only what makes the table anew is known. What one of the agreements
    `beside` names is told by that one.
    """
    found = [_compared(agreement, product, contracts, lake, at) for product in agreement.products]
    named = named_products([agreement, *beside])
    for uri in lake.list(lake.path("shared", agreement.recipient)):
        name = uri.rpartition("/")[2]
        shared = opened(lake, agreement.recipient, name) if (agreement.recipient, name) not in named else None
        if shared and shared.is_open and shared.notes.get("agreement") == agreement.agreement_id:
            found.append(ProductChanges(name, shared.delta.metadata().description or "", "ended"))
    return tuple(change for change in found if change)


def _compared(
    agreement: Agreement, product: Product, contracts: Mapping[str, Contract], lake: Lake, at: datetime
) -> ProductChanges | None:
    table = table_of(contracts, product)
    version = contracts[product.registry].version if table else ""
    step = next_step(agreement, product, table, lake, at=at, key_id=None, contract_version=version)
    is_open = step.shared is not None and step.shared.is_open
    if step.kind == "close":
        return ProductChanges(product.name, product.title, "ended") if is_open else None
    if step.shared is None or not is_open:
        return ProductChanges(product.name, product.title, "new", is_waiting=step.kind == "wait")
    noted = step.shared.notes.get("terms", "")
    now = terms_in_words(product, contracts[product.registry].table(product.table), version)
    before = ProductTerms.of_text(noted) if noted else now
    changes = tuple(_changes(before, now))
    if not changes and step.kind not in ("anew", "wait"):
        return None
    return ProductChanges(
        product.name, product.title, "changed", before.contract, now.contract,
        is_anew=step.kind == "anew", is_waiting=step.kind == "wait", changes=changes,
    )  # fmt: skip


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
