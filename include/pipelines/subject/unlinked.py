"""A record that linking never saw, but readers of a published or shared table may have: it has no person yet."""

from __future__ import annotations

import json

from include.contracts.model import Table
from include.pipelines.context import PipelineContext
from include.pipelines.subject.model import HeldRecord
from include.pipelines.subject.persons import Person, record_id_of
from include.pipelines.subject.row_rules import traced_tables
from include.pipelines.subject.searching import search_table
from include.pipelines.subject.shared_tables import SharingRecord


def find_unlinked(context: PipelineContext, asked: str, sharing: SharingRecord) -> Person | None:
    """The record alone, if a published version that was shared, or today's, had it or may have had it; else None.

    Sharing does not wait for linking: a record can be published, shared and gone while a link run is held.
    """
    record_id = record_id_of(asked)
    name, _, key = record_id.partition(":")
    record = HeldRecord(record_id, *name.partition(".")[::2], None)
    traced = traced_tables(context.contracts.values(), [record]).get(name) if key else None
    if traced is None or traced.relation != "own" or len(json.loads(key)) != _width(traced.table):
        return None
    search = search_table(context.lake, traced, sharing, ())
    if not any(counted.rows or counted.unclear for counted in search.whole.values()):
        return None
    return Person("", (record.record_id,), "unlinked", (), (record,))


def _width(table: Table) -> int:
    """How many values a record's key has: with the server, where each gives its own keys."""
    return len(table.primary_key) + (table.key_scope == "server")
