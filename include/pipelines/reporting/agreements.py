"""Agreements for the report and the pages: the agreed columns and rows beside what recipients can read now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from include.audit.reads import ProductReads, product_reads
from include.audit.report_data import READS_DAYS, AgreedColumn, AgreementFacts, SharedProduct
from include.contracts.model import Contract
from include.lake.storage import Lake
from include.pipelines.reporting.reads import without_persons
from include.sharing.agreements import Agreement, Product
from include.sharing.products import OPEN, opened, table_of
from include.sharing.recipients import code_lists


def agreement_facts(
    agreements: Iterable[Agreement], contracts: Mapping[str, Contract], lake: Lake, *, at: datetime
) -> tuple[AgreementFacts, ...]:
    """Each agreement as it stands at `at`, with its shared tables as they are in the lake, and who read them lately."""
    known: dict[tuple[str, str], ProductReads] = {}
    found = product_reads(lake, since=at - timedelta(days=READS_DAYS), until=at)
    for one in sorted(found, key=lambda one: one.last_at):
        before = known.get(named := (one.agreement, one.product))
        known[named] = before.and_of(one) if before else one
    return tuple(
        AgreementFacts(
            agreement.agreement_id, agreement.version, agreement.title, agreement.provider, agreement.recipient,
            agreement.recipient_name, agreement.purpose, agreement.legal_basis, agreement.valid_from,
            agreement.last_day, agreement.provider_contact, agreement.recipient_contact, agreement.standing(at),
            tuple(
                _product(agreement, product, contracts, lake, known.get((agreement.agreement_id, product.name)))
                for product in agreement.products
            ),
            tuple(sorted(code_lists(agreement, contracts))),
            agreement.withdrawal.reason if agreement.withdrawal else "",
        )
        for agreement in agreements
    )  # fmt: skip


def _product(
    agreement: Agreement,
    product: Product,
    contracts: Mapping[str, Contract],
    lake: Lake,
    reads: ProductReads | None,
) -> SharedProduct:
    table = table_of(contracts, product)
    known = {column.name: column for column in table.columns} if table else {}
    open_to_all = without_persons(table) if table else ()
    columns = tuple(
        AgreedColumn(
            column.name, column.protection, column.keep,
            known[column.name].business_name if column.name in known else "",
            known[column.name].classification if column.name in known else "",
        )
        for column in product.columns
    )  # fmt: skip
    shared = opened(lake, agreement.recipient, product.name)
    state = shared.notes.get("state", "") if shared else ""
    return SharedProduct(
        product.name, product.title, product.registry, product.table, columns, product.rows, state,
        shared.version if shared else None,
        shared.rows if shared else 0,
        shared.since if shared and state == OPEN else None,
        shared.last_delivery() if shared and state == OPEN else None,
        reads,
        tuple(name for name in reads.columns if name not in open_to_all) if reads else (),
        product.statistics.minimum if product.statistics else 0,
    )  # fmt: skip
