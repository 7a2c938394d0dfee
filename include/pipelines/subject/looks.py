"""Looks of officials at personal values, by the ledger, and whether a person's were among them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.audit import ledger
from include.contracts.model import Table
from include.contracts.yaml_files import ContractError
from include.lake.rejected import open_rejections_of
from include.lake.storage import lake_errors, literal, quote
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import person_digest
from include.pipelines.errors import Misuse
from include.pipelines.subject.model import Certainty, Opened
from include.pipelines.subject.persons import Person
from include.pipelines.subject.row_rules import TracedTable
from include.pipelines.subject.source_versions import SourceVersion, Taken, count_in_versions, newest_version

QUESTIONS = "people/subject"
"""The subject of the entries of these questions."""


@dataclass(frozen=True, slots=True)
class _Look:
    sequence: int
    at: datetime
    by: str
    subject: str
    payload: Mapping[str, Any]


def looks_at(
    context: PipelineContext, person: Person, traced: Mapping[str, TracedTable], *, before: int
) -> tuple[tuple[Opened, ...], int]:
    """The looks at the person's values in entries before that number, and how many do not tell whose they saw."""
    looks = [look for look in _looks(context) if look.sequence < before]
    digests = {person_digest(one) for one in person.ids}
    found: dict[int, Certainty] = {}
    untold = 0
    tables: dict[str, list[_Look]] = {}
    for look in looks:
        if "persons_sha256" in look.payload:
            if digests & {*look.payload["persons_sha256"]}:
                found[look.sequence] = "certain"
        elif look.subject.startswith(("registry/", "rejected/")):
            tables.setdefault(look.subject, []).append(look)
        else:
            untold += 1
    for subject, of_table in tables.items():
        zone, registry, name = subject.split("/", 2)
        of = traced.get(f"{registry}.{name.partition('@')[0]}")
        if of is not None and zone == "registry":
            found |= _at_published(context, of, of_table)
        elif of is not None:
            found |= _at_rejected(context, of, name, of_table)
    by_number = {look.sequence: look for look in looks}
    opened = (_opened(by_number[number], certainty) for number, certainty in sorted(found.items()))
    return tuple(opened), untold


def _looks(context: PipelineContext) -> Iterable[_Look]:
    _, entries = ledger.read_kind(context.lake, "export")
    for row in entries.select(["sequence", "at", "actor", "subject", "payload"]).to_pylist():
        payload = json.loads(row["payload"])
        if "purpose" in payload:
            yield _Look(row["sequence"], row["at"], row["actor"], row["subject"], payload)


def _at_published(context: PipelineContext, traced: TracedTable, looks: Iterable[_Look]) -> dict[int, Certainty]:
    """Those at versions with a row of hers: certain if the whole version was shown, else possible."""
    newest = newest_version(context.lake, traced.table)
    table_id = newest.table_id if newest else ""
    at = {look.sequence: SourceVersion(table_id, int(look.payload["version"])) for look in looks}
    counted = count_in_versions(context.lake, traced, [Taken()], at.values(), {})
    found: dict[int, Certainty] = {}
    for look in looks:
        counts = counted.get(at[look.sequence])
        is_whole = not look.payload.get("where_sha256") and look.payload.get("limit") is None
        if counts is None or counts[0].rows or counts[0].mentions:
            found[look.sequence] = "certain" if counts is not None and is_whole else "possible"
    return found


def _at_rejected(
    context: PipelineContext, traced: TracedTable, name: str, looks: Iterable[_Look]
) -> dict[int, Certainty]:
    """Those at rejected rows with a key of hers, as far as their key could be read."""
    try:
        table = context.table(traced.table.registry, name)[1]
    except (Misuse, ContractError):
        return dict.fromkeys((look.sequence for look in looks), "possible")
    hers = _rejected_rows(context, table, traced)
    found: dict[int, Certainty] = {}
    for look in looks:
        shown = {(run, int(number)) for run, numbers in look.payload.get("read", {}).items() for number in numbers}
        if shown & hers:
            found[look.sequence] = "certain"
    return found


def _rejected_rows(context: PipelineContext, table: Table, traced: TracedTable) -> set[tuple[str, int]]:
    tells = [tell for tell in traced.hers if {*tell.columns} <= {*table.primary_key}]
    if not tells:
        return set()
    # `_key` is the key as it would have been published, as a JSON object.
    keys = ", ".join(f"_key ->> {literal(f'$.{quote(name)}')} AS {quote(name)}" for name in table.primary_key)
    condition = " OR ".join(tell.condition(table.primary_key) for tell in tells)
    with open_rejections_of(context.lake, table, with_closed=True) as opened:
        if opened is None:
            return set()
        with lake_errors(f"searching the rejected rows of {table.qualified_name}"):
            query = f"SELECT _run_id, _row FROM (SELECT _run_id, _row, {keys} FROM opened) WHERE {condition}"
            return {(row[0], int(row[1])) for row in opened.connection.execute(query).fetchall()}


def _opened(look: _Look, certainty: Certainty) -> Opened:
    return Opened(look.sequence, look.at, look.by, look.subject, str(look.payload["purpose"]), certainty)
