"""What recipients were given about a person: in which versions of which shared tables, and which reads offered them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from include.audit.reads import OfferedRead, offered_reads
from include.contracts.model import Contract, Table
from include.lake.storage import Lake
from include.pipelines.subject.model import Doubt, Given, GivenColumn, ReadOfRows, Span, SpanUnknown
from include.pipelines.subject.row_rules import TracedTable
from include.pipelines.subject.shared_tables import SharedTable, SharedVersion, SharingRecord
from include.pipelines.subject.source_versions import Counted, SourceVersion, Taken, count_in_versions
from include.sharing.products import FilterRefused, compile_filter

Counts = Mapping[SourceVersion, Counted] | None


def given_to_recipients(
    lake: Lake,
    record: SharingRecord,
    traced: Mapping[str, TracedTable],
    contracts: Mapping[str, Contract],
) -> tuple[Given, ...]:
    """Every shared table that had a row about the person in some version, or of which that cannot be told any more."""
    counted: dict[str, Counts] = {}
    for source, of_source in groupby(sorted(record.tables, key=lambda one: one.source), key=lambda one: one.source):
        if source in traced:
            counted |= _counted(lake, record, traced[source], list(of_source))
    found = []
    for table in record.tables:
        if table.table_id not in counted:
            continue
        spans, unknown = _spans(table, counted[table.table_id])
        if spans or unknown:
            found.append(_given(lake, table, spans, unknown, contracts))
    return tuple(sorted(found, key=lambda one: (one.recipient, one.product, one.agreement)))


def _counted(
    lake: Lake, record: SharingRecord, traced: TracedTable, tables: Sequence[SharedTable]
) -> dict[str, Counts]:
    """By shared table, the rows about the person by published version; None where the terms are not known."""
    taken: dict[str, Taken] = {}
    for table in tables:
        if table.terms is not None:
            try:
                predicate = compile_filter(table.terms.rows, traced.table)
            except FilterRefused:  # it speaks of a column that the contract has no longer
                continue
            taken[table.table_id] = Taken(predicate, table.terms.given)
    versions = {version.source for table in tables for version in table.versions if version.source is not None}
    of_versions = count_in_versions(lake, traced, list(taken.values()), versions, record.instants) if taken else {}
    counted: dict[str, Counts] = {table.table_id: None for table in tables}
    for at, table_id in enumerate(taken):
        counted[table_id] = {version: counts[at] for version, counts in of_versions.items()}
    return counted


def _spans(table: SharedTable, counts: Counts) -> tuple[tuple[Span, ...], tuple[SpanUnknown, ...]]:
    spans: list[Span] = []
    unknown: list[SpanUnknown] = []
    for state, group in groupby(table.versions, key=lambda version: _state(version, counts)):
        versions = list(group)
        first, last = versions[0], versions[-1]
        until = table.until(last.version)
        if state == "has":
            held = [counts[one.source] for one in versions if counts is not None and one.source is not None]
            rows, mentions = max(one.rows for one in held), max(one.mentions for one in held)
            spans.append(Span(first.version, last.version, first.at, until, rows, mentions))
        elif state == "unknown":
            reason: Doubt = "terms not recorded" if counts is None else "source not kept"
            unknown.append(SpanUnknown(first.version, last.version, first.at, until, reason))
    return tuple(spans), tuple(unknown)


def _state(version: SharedVersion, counts: Counts) -> str:
    if version.source is None:
        return "none"
    counted = None if counts is None else counts.get(version.source)
    if counted is None:
        return "unknown"
    return "has" if counted.rows or counted.mentions else "none"


def _given(
    lake: Lake,
    table: SharedTable,
    spans: tuple[Span, ...],
    unknown: tuple[SpanUnknown, ...],
    contracts: Mapping[str, Contract],
) -> Given:
    registry, _, name = table.source.partition(".")
    source = contracts[registry].table(name)
    reads = offered_reads(lake, table.recipient, table.product, since=table.versions[0].at, until=table.ends_at)
    return Given(
        recipient=table.recipient,
        recipient_name=table.terms.recipient_name if table.terms else table.recipient,
        agreement=table.agreement,
        purpose=table.terms.purpose if table.terms else "",
        product=table.product,
        source=table.source,
        source_title=source.business_name or table.source,
        columns=tuple(_columns(table, source)),
        table_id=table.table_id,
        spans=spans,
        unknown=unknown,
        reads=tuple(_reads_of_rows(reads, spans)),
    )


def _columns(table: SharedTable, source: Table) -> Iterator[GivenColumn]:
    titles = {column.name: column.business_name or column.name for column in source.columns}
    for text in table.terms.columns if table.terms else ():
        name, protection, *keep = text.split()
        if protection != "drop":
            yield GivenColumn(name, titles.get(name, name), protection, int(keep[0]) if keep else 0)


def _reads_of_rows(reads: Sequence[OfferedRead], spans: Sequence[Span]) -> Iterator[ReadOfRows]:
    for read in reads:
        if any(_offers(read, span) for span in spans):
            yield ReadOfRows(read.read_id, read.at, read.action, read.version)


def _offers(read: OfferedRead, span: Span) -> bool:
    """Whether a read was of a version of the span. Changes also tell of a row in the version in which it has left."""
    first = read.version if read.from_version is None else read.from_version
    last = span.last + 1 if read.from_version is not None and read.action != "store" else span.last
    return first <= last and read.version >= span.first
