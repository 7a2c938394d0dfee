"""Terms of a product, and what sharing does to its table by them.

`next_step` decides. Who carries an agreement out asks it, and who tells beforehand what will change.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Literal

from deltalake import DeltaTable

from include.contracts.model import Contract, Table
from include.lake.storage import Lake, LakeTableMissing
from include.sharing.agreements import Agreement, Product, terms_digest
from include.sharing.products import content
from include.sharing.products.counts import held_path
from include.sharing.products.state import OPEN, WARDS, Notes, Shared, opened


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
class Sources:
    """The published tables that a product is made of. `wards`: the list, where provinces are taken of it."""

    source: DeltaTable
    wards: DeltaTable | None


@dataclass(frozen=True, slots=True)
class Step:
    """What sharing does to a product's table.

    `close`: the agreement does not hold, the table is emptied; `wait`: it is emptied until the source is published;
    `anew`: removed with all versions and made anew; `difference`: a commit; `nothing`: it is as it should be.
    """

    kind: Literal["close", "wait", "anew", "difference", "nothing"]
    shared: Shared | None
    reason: str = ""
    notes: Notes = field(default_factory=dict)
    sources: Sources | None = None


def next_step(
    agreement: Agreement,
    product: Product,
    table: Table | None,
    lake: Lake,
    *,
    at: datetime,
    key_id: str | None,
    contract_version: str,
) -> Step:
    """What sharing does to the product's table at that instant, with the notes of the commit and its sources.

    `table` is None if the contracts do not have it; `key_id` None for the key that the shared table was made by.
    """
    shared = opened(lake, agreement.recipient, product.name)
    if reason := agreement.reason(at):
        return Step("close", shared, reason)
    sources = _sources(product, table, lake)
    if table is None or isinstance(sources, str):
        return Step("wait", shared, f"{sources} is not published")
    if key_id is None:
        key_id = shared.notes.get("key_id", "") if shared is not None else ""
    notes = _notes(agreement, product, table, sources, key_id if product.needs_key else "", contract_version)
    if shared is None:
        return Step("anew", shared, "first publication", notes, sources)
    if not shared.stands_for(notes) or not content.is_told_apart(lake, shared, product, table):
        return Step("anew", shared, shared.why_anew(), notes, sources)
    return Step("nothing" if shared.is_at(notes) else "difference", shared, "", notes, sources)


def table_of(contracts: Mapping[str, Contract], product: Product) -> Table | None:
    """The published table of a product; None if the contracts do not have it."""
    contract = contracts.get(product.registry)
    return next((table for table in contract.tables if table.name == product.table), None) if contract else None


def named_products(agreements: Iterable[Agreement]) -> set[tuple[str, str]]:
    """Recipient and name of each product that one of the agreements names, whatever its standing."""
    return {(agreement.recipient, product.name) for agreement in agreements for product in agreement.products}


def terms_in_words(product: Product, table: Table, contract_version: str) -> ProductTerms:
    """The terms of a product as its contract and agreement stand."""
    return ProductTerms(
        contract=contract_version,
        table=table.qualified_name,
        rows=product.rows,
        counts=str(product.statistics or ""),
        columns=tuple(_column(name, kind, product, table) for name, kind in content.types(product, table)),
    )


def _sources(product: Product, table: Table | None, lake: Lake) -> Sources | str:
    """The tables, or the name of the one that is not there."""
    missing = f"{product.registry}.{product.table}"
    if table is None:
        return missing
    try:
        source = lake.table(lake.registry_table(table.registry, table.name))
        missing = "reference/wards"
        return Sources(source, lake.table(lake.reference_table("wards")) if product.needs_wards else None)
    except LakeTableMissing:
        return missing


def _notes(
    agreement: Agreement, product: Product, table: Table, sources: Sources, key_id: str, contract_version: str
) -> dict[str, str | int]:
    source, wards = sources.source, sources.wards
    return {
        "agreement": agreement.agreement_id,
        "agreement_digest": agreement.digest,
        "agreement_version": agreement.version,
        "purpose": agreement.purpose,
        "until": agreement.last_day.isoformat(),
        "terms_digest": terms_digest(
            product, version=agreement.version, key_id=key_id, types=content.types(product, table)
        ),
        "key_id": key_id,
        "state": OPEN,
        "source": f"registry/{table.registry}/{table.name}",
        "source_table_id": source.metadata().id,
        "source_version": source.version(),
        "terms": terms_in_words(product, table, contract_version).to_text(),
        **({WARDS: f"{wards.metadata().id} {wards.version()}"} if wards is not None else {}),
        **content.row_key_note(product, table),
        **({"held": held_path(product, product.statistics)} if product.statistics else {}),
    }


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
