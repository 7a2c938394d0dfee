"""Execution of agreements: publish products in force, close the others, and those that no agreement names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from include.contracts.model import Contract, Table
from include.contracts.words import day_of
from include.contracts.yaml_files import ContractError
from include.lake.storage import Lake
from include.sharing.agreements import Agreement, Product
from include.sharing.products import content
from include.sharing.products.check import problems_of
from include.sharing.products.keys import MasterKey
from include.sharing.products.protect import NEVER_BARE
from include.sharing.products.publish_product import close_product, publish_product
from include.sharing.products.state import OPEN, ProductResult, SharingRun, opened
from include.sharing.products.terms import named_products, table_of

NO_AGREEMENT = "no agreement names this product"


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """A record for the ledger, taken if it differs from the last one of its kind and subject. The payload is JSON."""

    kind: Literal["agreement", "export"]
    subject: str
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Sharing:
    """Result of one agreement, and what of it belongs in the ledger."""

    agreement: str
    standing: str
    results: tuple[ProductResult, ...]
    records: tuple[LedgerRecord, ...]


def share_agreement(
    agreement: Agreement,
    contracts: Mapping[str, Contract],
    *,
    lake: Lake,
    at: datetime,
    run_id: str,
    key: MasterKey | None,
    notes: Mapping[str, str] | None = None,
    servers: Mapping[str, str] | None = None,
    beside: Iterable[Agreement] = (),
) -> Sharing:
    """Publish or close every product of an agreement, by its standing at `at`.

    In force: exactly the agreed columns, rows and protections, in one commit per product. Otherwise: closed, with the
    reason recorded. Closing needs neither key nor contracts, so it cannot fail for lack of them. `notes` go into the
    metadata of every commit, `servers` (by registry that several servers deliver) into the tables' properties.
    `beside` are the other agreements: nothing is published that one of them publishes or empties too, or by which
    counts for the same recipient could be undone.

    Raises:
        ContractError: the agreement does not fit the contracts, or the recipient's others.
        PseudonymKeyMissing: a product in force needs pseudonyms and `key` is None.
        LakeError: the lake is full, denied, unreachable, or other runs write the same table again and again.
    """
    versions = {registry: contract.version for registry, contract in contracts.items()}
    run = SharingRun(lake, run_id, notes or {}, servers or {}, versions)
    standing = agreement.standing(at)
    if standing == "in_force" and (problems := problems_of(agreement, contracts, beside, at)):
        raise ContractError(problems)
    recipient_key = key.of(agreement.recipient) if key else None
    results = tuple(
        publish_product(agreement, product, table_of(contracts, product), run=run, at=at, key=recipient_key)
        for product in agreement.products
    )
    records = (_agreement_record(agreement, at), *(_export_record(agreement, result) for result in results))
    return Sharing(agreement.agreement_id, standing, results, records)


def close_orphans(
    agreements: Iterable[Agreement],
    *,
    lake: Lake,
    run_id: str,
    at: datetime,
    unreadable: Mapping[str, date | None] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Sharing:
    """Close every shared table that no agreement names any more (its file was removed, or the product left it).

    A table made under an agreement whose file is `unreadable` stays until the last day that its commit notes, or until
    the day of the withdrawal that the file says all the same (the mapping's value): a mistake in a file is for a person
    to mend, and prolongs nothing.
    """
    run = SharingRun(lake, run_id, notes or {})
    today = day_of(at)
    named = named_products(agreements)
    present = [
        (recipient.rpartition("/")[2], product.rpartition("/")[2])
        for recipient in lake.list(lake.path("shared"))
        for product in lake.list(recipient)
    ]
    results = tuple(
        close_product(recipient, product, NO_AGREEMENT, run=run)
        for recipient, product in present
        if (recipient, product) not in named and not _awaits_mending(lake, recipient, product, unreadable or {}, today)
    )
    return Sharing("", "none", results, ())


def close_bare(
    agreement: Agreement,
    contracts: Mapping[str, Contract],
    *,
    lake: Lake,
    run_id: str,
    at: datetime,
    notes: Mapping[str, str] | None = None,
) -> Sharing:
    """Close the tables of an agreement that hold a column bare which its contract by now calls restricted or sensitive.

    For an agreement that does not fit the contracts any more. Its other tables wait for a person to mend it.
    """
    run = SharingRun(lake, run_id, notes or {})
    results = tuple(
        close_product(agreement.recipient, product.name, f"its column {bare[0]} is protected by the contract", run=run)
        for product in agreement.products
        if (bare := _given_bare(agreement, product, table_of(contracts, product), lake))
    )
    records = tuple(_export_record(agreement, result) for result in results)
    return Sharing(agreement.agreement_id, agreement.standing(at), results, records)


def _given_bare(agreement: Agreement, product: Product, table: Table | None, lake: Lake) -> list[str]:
    """Columns of the shared table, as it stands, whose comment states no protection, although they need one."""
    shared = opened(lake, agreement.recipient, product.name)
    if table is None or shared is None or shared.notes.get("state") != OPEN:
        return []
    protected = {column.name for column in table.columns if column.classification in NEVER_BARE}
    comments = ((field.name, str(field.metadata.get("comment"))) for field in shared.delta.schema().fields)
    return [name for name, comment in comments if name in protected and not content.states_protection(comment)]


def _awaits_mending(
    lake: Lake, recipient: str, product: str, unreadable: Mapping[str, date | None], today: date
) -> bool:
    shared = opened(lake, recipient, product) if unreadable else None
    agreement = str(shared.notes.get("agreement")) if shared is not None else ""
    if shared is None or agreement not in unreadable:
        return False
    withdrawn = unreadable[agreement]
    return shared.notes.get("until", today.isoformat()) >= today.isoformat() and not (withdrawn and withdrawn <= today)


def agreed_terms(agreement: Agreement) -> dict[str, object]:
    """What the ledger keeps of an agreement's text."""
    return {
        "version": agreement.version,
        "digest": agreement.digest,
        "recipient": agreement.recipient,
        "recipient_name": agreement.recipient_name,
        "purpose": agreement.purpose,
        "from": agreement.valid_from.isoformat(),
        "until": agreement.valid_until.isoformat(),
        "products": {
            product.name: {
                "table": f"{product.registry}.{product.table}",
                "columns": [str(column) for column in product.columns],
                "rows": product.rows,
                **({"statistics": str(product.statistics)} if product.statistics else {}),
            }
            for product in agreement.products
        },
    }


def _agreement_record(agreement: Agreement, at: datetime) -> LedgerRecord:
    """An agreement's terms and standing."""
    payload = {**agreed_terms(agreement), "standing": agreement.standing(at), "reason": agreement.reason(at)}
    return LedgerRecord("agreement", f"agreements/{agreement.agreement_id}", payload)


def _export_record(agreement: Agreement, result: ProductResult) -> LedgerRecord:
    """What the recipient can read."""
    payload = {
        "agreement": agreement.agreement_id,
        "state": result.state,
        "reason": result.reason if result.state != OPEN else "",
        "version": result.version,
        "rows": result.rows,
    }
    return LedgerRecord("export", result.subject, payload)
