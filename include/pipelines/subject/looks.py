"""Looks of officials at personal values, by the ledger, and whether a person's were among them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.audit import ledger
from include.contracts.yaml_files import ContractError
from include.lake.rejected import open_rejections_of
from include.lake.storage import SERVER, Lake, lake_errors, literal, quote
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import person_digest
from include.pipelines.errors import Misuse
from include.pipelines.subject.model import Certainty, Opened
from include.pipelines.subject.persons import Person
from include.pipelines.subject.row_rules import TracedTable, any_of
from include.pipelines.subject.searching import TableSearch
from include.pipelines.subject.source_versions import ShownVersion

QUESTIONS = "people/subject"
"""The subject of the entries of these questions."""


@dataclass(frozen=True, slots=True)
class Look:
    """An entry of the ledger that somebody was shown personal values."""

    sequence: int
    at: datetime
    by: str
    subject: str
    payload: Mapping[str, Any]

    @property
    def zone(self) -> str:
        """The zone of the lake that was looked at."""
        return self.subject.partition("/")[0]

    @property
    def table(self) -> str:
        """The table that was looked at, `registry.table`."""
        _, registry, name = self.subject.split("/", 2)
        return f"{registry}.{name.partition('@')[0]}"

    @property
    def version(self) -> ShownVersion:
        """The version of a published table that was shown."""
        return ShownVersion(int(self.payload["version"]), self.payload.get("table_id"), self.at)

    @property
    def is_of_persons(self) -> bool:
        """Whether the entry names the persons, by their digests."""
        return "persons_sha256" in self.payload


def all_looks(lake: Lake, *, before: int) -> list[Look]:
    """The looks in entries before that number."""
    _, entries = ledger.read_kind(lake, "export")
    columns = entries.select(["sequence", "at", "actor", "subject", "payload"]).to_pylist()
    looks = (Look(*row.values()) for row in ({**row, "payload": json.loads(row["payload"])} for row in columns))
    return [look for look in looks if "purpose" in look.payload and look.sequence < before]


def looked_at(looks: Iterable[Look]) -> dict[str, set[ShownVersion]]:
    """Versions of published tables that somebody was shown, by `registry.table`."""
    found: dict[str, set[ShownVersion]] = {}
    for look in looks:
        if look.zone == "registry":
            found.setdefault(look.table, set()).add(look.version)
    return found


def opened_by(
    context: PipelineContext,
    person: Person,
    looks: Iterable[Look],
    traced: Mapping[str, TracedTable],
    searches: Mapping[str, TableSearch],
) -> tuple[tuple[Opened, ...], int]:
    """The looks at the person's values, and how many do not tell whose they saw."""
    digests = {person_digest(one) for one in person.ids}
    rejected: dict[str, _Rejected | None] = {}
    found, untold = [], 0
    for look in looks:
        certainty: Certainty | None = None
        if look.is_of_persons:
            certainty = "certain" if digests & {*look.payload["persons_sha256"]} else None
        elif look.zone == "registry":
            search = searches.get(look.table)
            certainty = _at_published(search, look) if search else None
        elif look.zone == "rejected":
            if look.table in traced:
                if look.subject not in rejected:
                    rejected[look.subject] = _rejected_rows(context, look, traced[look.table])
                certainty = _at_rejected(rejected[look.subject], look)
        elif look.payload.get("found") is not False:  # else it was about an id that never was
            untold += 1
        if certainty is not None:
            purpose = str(look.payload["purpose"])
            found.append(Opened(look.sequence, look.at, look.by, look.subject, purpose, certainty))
    return tuple(found), untold


def _at_published(search: TableSearch, look: Look) -> Certainty | None:
    """Of a version with a row of hers: certain if the whole version was shown, else possible.

    Possible too if the version is not kept, or only may have one.
    """
    version = search.shown.get(look.version)
    counted = search.whole.get(version) if version else None
    if counted is None:
        return "possible"
    if not counted.is_told:
        return "possible" if counted.unclear else None
    is_whole = not look.payload.get("where_sha256") and look.payload.get("limit") is None
    return "certain" if is_whole else "possible"


@dataclass(frozen=True, slots=True)
class _Rejected:
    """Rejected rows with a key of hers, as (run id, number), and the runs of which any can be read.

    `unclear` are rows of another key than today's contract has, with a value of one of hers. `runs` is None where no
    key of a rejected row can be hers.
    """

    hers: frozenset[tuple[str, int]]
    runs: frozenset[str] | None
    unclear: frozenset[tuple[str, int]] = frozenset()


def _at_rejected(kept: _Rejected | None, look: Look) -> Certainty | None:
    """Of rejected rows with a key of hers, by run and number; possible if it cannot be told which those are.

    Rows of a run are read no longer where its published table, or that of rejected rows, was made anew.
    """
    if kept is None:
        return "possible"
    read = look.payload.get("read", {})
    shown = {(run, int(number)) for run, numbers in read.items() for number in numbers}
    if kept.hers & shown:
        return "certain"
    if kept.unclear & shown:
        return "possible"
    return None if kept.runs is None or read.keys() <= kept.runs else "possible"


def _rejected_rows(context: PipelineContext, look: Look, traced: TracedTable) -> _Rejected | None:
    """The rejected rows with a key of hers, as far as their key could be read; None if the server has ended."""
    try:
        table = context.table(traced.table.registry, look.subject.rpartition("/")[2])[1]
    except (Misuse, ContractError):
        return None
    names = table.primary_key
    tells = [tell for tell in traced.hers if {*tell.columns} <= {*names, SERVER}]
    if not tells and traced.relation != "own":
        return _Rejected(frozenset(), None)
    # `_key` is the key as it would have been published, as a JSON object: of a server's table without the server.
    keys = ", ".join(f"_key ->> {literal(f'$.{quote(name)}')} AS {quote(name)}" for name in names)
    hers = f"coalesce({any_of(tell.condition for tell in tells)}, false)"
    other = any_of(f"{quote(name)} IS NULL" for name in names)
    values = ", ".join(map(literal, traced.values))
    with open_rejections_of(context.lake, table, with_closed=True) as opened:
        if opened is None:
            return _Rejected(frozenset(), frozenset())
        with lake_errors(f"searching the rejected rows of {table.qualified_name}"):
            query = (
                f"SELECT _run_id, _row, {hers} FROM (SELECT _run_id, _row, _key, {keys}, {literal(table.server)} AS "
                f"{SERVER} FROM opened) WHERE {hers} OR ({other} AND list_has_any(_key ->> '$.*', [{values}]))"
            )
            rows = opened.connection.execute(query).fetchall()
    return _Rejected(
        hers=frozenset((run, int(number)) for run, number, is_hers in rows if is_hers),
        runs=frozenset(file.run_id for file in opened.files),
        unclear=frozenset((run, int(number)) for run, number, is_hers in rows if not is_hers),
    )
