"""What recipients were given about a person: in which versions of which shared tables, and which reads offered them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from itertools import groupby

from include.audit.reads import OfferedRead, offered_reads
from include.contracts.model import Table
from include.lake.storage import Lake
from include.pipelines.subject.model import Doubt, Given, GivenColumn, Purpose, ReadOfRows, Span, SpanUnknown
from include.pipelines.subject.searching import Counts, TableSearch
from include.pipelines.subject.shared_tables import SharedTable, SharedVersion
from include.pipelines.subject.source_versions import Counted

_NOTHING: Counts = {}


def given_to_recipients(
    lake: Lake,
    shared: Sequence[SharedTable],
    searches: Mapping[str, TableSearch],
    tables: Mapping[str, Table],
    untraceable: Collection[str],
) -> tuple[Given, ...]:
    """Every shared table that had a row about the person in some version, or of which that cannot be told any more.

    `searches` and `tables` are by `registry.table`: what was found of the person, and the tables of all contracts.
    `untraceable` are those of which a contract does not say whose rows they hold.
    """
    reads_of = cache(partial(offered_reads, lake))  # a product has several tables where it was made anew
    found = []
    for table in shared:
        search = searches.get(table.source)
        doubt: Doubt | None = None
        if table.source not in tables:
            doubt = "no contract"
        elif search is None:
            if table.source not in untraceable or not _is_personal(table, tables[table.source]):
                continue  # no row of that table can be about her
            doubt = "no relation"
        elif table.table_id not in search.shared:
            doubt = "terms not known"
        spans, unknown = _spans(table, search.shared.get(table.table_id, _NOTHING) if search else _NOTHING, doubt)
        if spans or unknown:
            found.append(
                _given(reads_of(table.recipient, table.product), table, spans, unknown, tables.get(table.source))
            )
    return tuple(sorted(found, key=lambda one: (one.recipient, one.product, one.agreement)))


def _is_personal(table: SharedTable, source: Table) -> bool:
    """Whether a shared column is not known to be open to all: those with a person's values are not."""
    is_open = {column.name for column in source.columns if column.classification in ("public", "internal")}
    given = {column.name for column in source.columns} if table.terms is None else table.terms.given
    return not given <= is_open


def _spans(table: SharedTable, counts: Counts, doubt: Doubt | None) -> tuple[tuple[Span, ...], tuple[SpanUnknown, ...]]:
    """Of a version that has a row about her, another row may be one of which that cannot be told: it is in both."""
    told, unknown = [], []
    for has, group in groupby(table.versions, key=lambda one: _counted(one, counts).is_told):
        versions = list(group)
        if has:
            found = [_counted(one, counts) for one in versions]
            rows, mentions = max(one.rows for one in found), max(one.mentions for one in found)
            told.append(Span(*_extent(table, versions), rows, mentions))
    for reason, group in groupby(table.versions, key=lambda one: _doubt(one, counts, doubt)):
        if reason is not None:
            unknown.append(SpanUnknown(*_extent(table, list(group)), reason))
    return tuple(told), tuple(unknown)


def _extent(table: SharedTable, versions: Sequence[SharedVersion]) -> tuple[int, int, datetime, datetime | None]:
    first, last = versions[0], versions[-1]
    return first.version, last.version, first.at, table.until(last.version)


def _counted(version: SharedVersion, counts: Counts) -> Counted:
    return counts.get(version.source, Counted()) if version.source is not None else Counted()


def _doubt(version: SharedVersion, counts: Counts, of_table: Doubt | None) -> Doubt | None:
    if version.source is None:
        return None
    if version.source not in counts:
        return of_table or "source not kept"
    return "contract changed" if counts[version.source].unclear else None


def _given(
    offered: Sequence[OfferedRead],
    table: SharedTable,
    spans: tuple[Span, ...],
    unknown: tuple[SpanUnknown, ...],
    source: Table | None,
) -> Given:
    reads = tuple(_reads_of_rows((one for one in offered if table.has_read(one.table_id, one.at)), spans))
    purposes = tuple(_purposes(table))
    of_reads = {_in_force(purposes, read) for read in reads}
    return Given(
        recipient=table.recipient,
        agreement=table.agreement,
        purposes=tuple(one for one in purposes if one in of_reads or _held(one, [*spans, *unknown])),
        product=table.product,
        source=table.source,
        source_title=(source.business_name if source else "") or table.source,
        columns=tuple(_columns(table, source)),
        table_id=table.table_id,
        spans=spans,
        unknown=unknown,
        reads=reads,
    )


def _purposes(table: SharedTable) -> Iterator[Purpose]:
    for (name, text), group in groupby(table.versions, key=lambda one: (one.recipient_name, one.purpose)):
        versions = list(group)
        first, last = versions[0], versions[-1]
        yield Purpose(
            first.version, last.version, first.at, table.until(last.version), name or table.recipient, text
        )  # fmt: skip


def _held(purpose: Purpose, spans: Sequence[Span | SpanUnknown]) -> bool:
    """Whether the purpose held for one of these versions."""
    return any(span.first <= purpose.last and purpose.first <= span.last for span in spans)


def _in_force(purposes: Sequence[Purpose], read: ReadOfRows) -> Purpose:
    """The purpose that held at a read: of the version that was read, or a later one if the clocks say so."""
    return [one for one in purposes if one.first <= read.version or one.since <= read.at][-1]


def _columns(table: SharedTable, source: Table | None) -> Iterator[GivenColumn]:
    titles = {column.name: column.business_name or column.name for column in source.columns} if source else {}
    for text in table.terms.columns if table.terms else ():
        name, protection, *keep = text.split()
        if protection != "drop":
            yield GivenColumn(name, titles.get(name, name), protection, int(keep[0]) if keep else 0)


def _reads_of_rows(reads: Iterable[OfferedRead], spans: Sequence[Span]) -> Iterator[ReadOfRows]:
    for read in reads:
        if any(_offers(read, span) for span in spans):
            yield ReadOfRows(read.read_id, read.at, read.action, read.version)


def _offers(read: OfferedRead, span: Span) -> bool:
    """Whether a read was of a version of the span. Changes also tell of a row in the version in which it has left."""
    first = read.version if read.from_version is None else read.from_version
    last = span.last + 1 if read.from_version is not None and read.action != "store" else span.last
    return first <= last and read.version >= span.first
