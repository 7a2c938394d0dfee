"""Answering a person who asks: the question on record first, then everything that the lake knows of her."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from include.contracts.model import Contract
from include.lake.run_log import last_link_run
from include.pipelines.audit_log import record_commits
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import Look, note_look
from include.pipelines.errors import no_values_escape
from include.pipelines.subject.given import given_to_recipients
from include.pipelines.subject.looks import QUESTIONS, all_looks, looked_at, opened_by
from include.pipelines.subject.model import HeldRows, Subject
from include.pipelines.subject.persons import PersonUnknown, find_person
from include.pipelines.subject.row_rules import TracedTable, traced_tables, untraceable_tables
from include.pipelines.subject.searching import TableSearch, search_table
from include.pipelines.subject.shared_tables import SharingRecord, sharing_record
from include.pipelines.subject.unlinked import find_unlinked
from include.sharing.agreements import Agreement, readable_agreements


def answer_person(context: PipelineContext, asked: str, *, look: Look) -> Subject:
    """What is held about a person, who was given it and who has looked at it. `asked`: an id of hers, or a record's.

    The ledger has an entry (kind `export`, with the person's digest) before anything is told. Commits of shared tables
    that a killed run did not record are recorded first. It needs no key of pseudonyms: what a shared table held
    follows from the published version that it was made of.

    Raises:
        PersonUnknown: nobody ever had that id.
        ContractError: a contract has mistakes, so it cannot be told whose its rows are.
        LakeError: the lake cannot be read, or the ledger not be written: then nothing is told.
    """
    with no_values_escape("answering a person"):
        contracts = context.contracts
        try:
            person = find_person(context.lake, asked)
        except PersonUnknown:
            alone = find_unlinked(context, asked, _sharing(context))
            if alone is None:
                note_look(context, QUESTIONS, look, found=False)
                raise
            person = alone
        entry = note_look(context, QUESTIONS, look, persons=person.ids[:1])
        asked_at = context.now()
        traced = traced_tables(contracts.values(), person.records)
        record = _sharing(context)
        looks = all_looks(context.lake, before=entry)
        versions = looked_at(looks)
        searches = {
            name: search_table(context.lake, one, record, versions.get(name, ())) for name, one in traced.items()
        }
        opened, untold = opened_by(context, person, looks, traced, searches)
        linked = last_link_run(context.lake)
        tables = {table.qualified_name: table for contract in contracts.values() for table in contract.tables}
        return Subject(
            person_id=person.person_id,
            way=person.way,
            standing=person.standing,
            asked_at=asked_at,
            asked_by=look.reader,
            purpose=look.purpose,
            entry=entry,
            records=person.records if person.ids else (),
            held=tuple(_held(traced, searches)),
            given=given_to_recipients(
                context.lake, record.tables, searches, tables, untraceable_tables(contracts.values())
            ),
            opened=opened,
            statistics=record.statistics,
            lists_opened=untold,
            kept_since=record.since,
            linked_at=linked.began if linked else None,
            names=dict(_names(contracts.values(), readable_agreements(context.schemas)[0].values())),
        )


def _names(contracts: Iterable[Contract], agreements: Iterable[Agreement]) -> Iterator[tuple[str, str]]:
    for contract in contracts:
        yield contract.registry, contract.business_name
        yield from ((table.qualified_name, table.business_name) for table in contract.tables)
    for agreement in agreements:
        yield f"agreements/{agreement.agreement_id}", agreement.title
        yield f"recipients/{agreement.recipient}", agreement.recipient_name
        yield from ((f"{agreement.recipient}/{one.name}", one.title) for one in agreement.products)


def _sharing(context: PipelineContext) -> SharingRecord:
    record_commits(context, _shared_tables(context))
    return sharing_record(context.lake, readable_agreements(context.schemas)[0].values())


def _shared_tables(context: PipelineContext) -> list[str]:
    lake = context.lake
    products = (product for recipient in lake.list(lake.path("shared")) for product in lake.list(recipient))
    return [uri.removeprefix(f"{lake.uri}/") for uri in products]


def _held(traced: Mapping[str, TracedTable], searches: Mapping[str, TableSearch]) -> Iterator[HeldRows]:
    for name, one in traced.items():
        newest = searches[name].newest
        counted = searches[name].whole.get(newest) if newest else None
        if counted is not None and (counted.is_told or counted.unclear):
            title, table = one.table.business_name or name, one.table
            yield HeldRows(
                table.registry, table.base_name, title, one.relation, counted.rows, counted.mentions, counted.unclear
            )  # fmt: skip
