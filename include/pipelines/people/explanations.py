"""Why records are one person, or are not: their links with pass, weight and words; no value of a record."""

from __future__ import annotations

import hashlib
import math
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import duckdb

from include.identity.persons import ReviewRefused, ends, pair_id, resolve
from include.identity.scoring import Step, explain_pairs
from include.lake.people import people_view
from include.lake.storage import lake_errors, literal
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import Look, note_look
from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.people.linkage_model import model_in_use

_PERSON = re.compile(r"[0-9a-f]{32}")
_PAIR = re.compile(r"[0-9a-f]{16}")
_WEIGHS_NOTHING = 0.05  # bits, which are shown with one digit


@dataclass(frozen=True, slots=True)
class ExplainedLink:
    """A link of two records, or that none was kept between them; `steps` weigh it by today's model."""

    left_id: str
    right_id: str
    found_by: str | None = None
    weight: float | None = None
    probability: float | None = None
    decision: str | None = None
    why: str | None = None
    holds: bool | None = None
    pair_id: str = ""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonEvent:
    """What happened to a person's id: minted, merged into `other_id`, split, retired; and why."""

    at: datetime
    kind: str
    person_id: str
    other_id: str | None
    cause: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Explained:
    """What was asked about: its persons, `records` with their person, and the links and events of these."""

    asked: tuple[str, ...]
    persons: tuple[str, ...]
    records: tuple[tuple[str, str], ...]
    links: tuple[ExplainedLink, ...]
    events: tuple[PersonEvent, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        links = [{"pass" if k == "found_by" else k: v for k, v in asdict(link).items()} for link in self.links]
        return {
            "asked": self.asked,
            "persons": self.persons,
            "records": [{"record_id": record, "person_id": person} for record, person in self.records],
            "links": links,
            "events": [asdict(event) | {"at": event.at.isoformat()} for event in self.events],
        }


def explain_step(
    asked: str, other: str | None = None, *, look: Look | None = None, context: PipelineContext | None = None
) -> Explained:
    """Why records are one person, or are not: their links with pass, weight and words; no value of a record.

    A record's id holds its key, which may be a personal id: without a `look`, which is an entry of the ledger before
    anything is told, a digest stands for the key.

    Args:
        asked: a person's id, however old, the name of a waiting pair, or with `other` a record's or a person's id.
        other: the other record or person.
        look: who wants to see the keys, and what for.
        context: where; from the environment by default.

    Raises:
        Misuse: nobody and nothing has that id.
    """
    context = context or PipelineContext.from_environment()
    with no_values_escape("explaining a person"), context.lake.connect() as connection:
        for name in ("index", "links", "events", "reviews"):
            people_view(context.lake, connection, name)
        with lake_errors("explaining a person"):
            if other is None and _PAIR.fullmatch(asked):
                asked, other = _ends(context, asked)
            sides = [_records(context, connection, side) for side in (asked, *([other] if other else []))]
            links = _links(connection, sides)
            steps = steps_of(context, [(link.left_id, link.right_id) for link in links])
            persons = {person for side in sides for person in side.values()}
            if look is not None:
                note_look(context, "people/records", look, records=sum(map(len, sides)), persons=persons)
            named: Callable[[str], str] = str if look else _without_key
            return Explained(
                tuple(named(side) for side in (asked, other) if side),
                tuple(sorted(persons)),
                tuple((named(record), person) for side in sides for record, person in side.items()),
                tuple(
                    replace(
                        link,
                        left_id=named(link.left_id),
                        right_id=named(link.right_id),
                        steps=with_rivals(found, link.probability),
                    )
                    for link, found in zip(links, steps, strict=True)
                ),
                _events(connection, persons),
            )


def _without_key(record_id: str) -> str:
    """A record by its table and a digest of its id; what is no record's id stays."""
    table, colon, _ = record_id.partition(":")
    return f"{table}:#{hashlib.sha256(record_id.encode()).hexdigest()[:8]}" if colon else record_id


def steps_of(context: PipelineContext, pairs: list[tuple[str, str]]) -> list[tuple[Step, ...]]:
    """What every comparison of each pair found and weighs by today's model."""
    if not pairs:
        return []
    folder = context.lake.path("staging", "people", "explain", f"run={secrets.token_hex(8)}")
    with context.lake.connect() as connection:
        with lake_errors("explaining pairs"):
            people_view(context.lake, connection, "records")
            context.lake.make_folder(folder)
            connection.execute(f"COPY (FROM records) TO {literal(f'{folder}/records.parquet')} (FORMAT parquet)")
            model = model_in_use(context)
            found = explain_pairs(context.lake, f"{folder}/records.parquet", model, pairs)
        context.lake.delete_tree(folder)
    return [one.steps for one in found]


def with_rivals(steps: tuple[Step, ...], probability: float | None) -> tuple[Step, ...]:
    """The steps, and what the other persons who might be meant make of the pair: the way from the last sum to it.

    Of the rows of a register of citizens one at most is the person, so a pair is likelier where no other row fits.
    """
    if not steps or not probability or probability >= 1.0:
        return steps
    reached = math.log2(probability / (1.0 - probability))
    bits = reached - steps[-1].sum
    if abs(bits) < _WEIGHS_NOTHING:
        return steps
    found = "no other fits as well" if bits > 0 else "others fit too"
    return (*steps, Step("rivals", found, bits, reached))


def _ends(context: PipelineContext, name: str) -> tuple[str, str]:
    try:
        return ends(context.lake, name)
    except ReviewRefused as error:
        raise Misuse(str(error)) from None


def _records(context: PipelineContext, connection: duckdb.DuckDBPyConnection, asked: str) -> dict[str, str]:
    """The records of a person or the record itself, with their person."""
    who = asked.strip()
    if _PERSON.fullmatch(who):
        who = resolve(context.lake, who).person_id
    found = connection.execute(
        "SELECT record_id, person_id FROM index WHERE person_id = $who OR record_id = $who ORDER BY ALL", {"who": who}
    ).fetchall()
    if not found:
        raise Misuse(
            "nobody has that id: give a person's id, a pair's name from `lienthong link queue`, or a record's id such "
            'as population.citizen:["..."]; after `lienthong link` has run'
        )
    return dict(found)


def _links(connection: duckdb.DuckDBPyConnection, sides: Sequence[dict[str, str]]) -> list[ExplainedLink]:
    """Among one person's records every link; between two sides those from one to the other."""
    left, right = list(sides[0]), list(sides[-1])
    rows = connection.execute(
        """SELECT left_id, right_id, pass, weight, probability, decision, why, holds FROM links
        WHERE (list_contains($left, left_id) AND list_contains($right, right_id))
           OR (list_contains($left, right_id) AND list_contains($right, left_id))
        ORDER BY weight DESC, left_id, right_id""",
        {"left": left, "right": right},
    ).fetchall()
    if not rows and len(sides) == 2 and len(left) == len(right) == 1:
        # Two records are told apart or together even if no link between them was kept.
        rows = [(min(left[0], right[0]), max(left[0], right[0]))]
    return [replace(ExplainedLink(*row), pair_id=pair_id(row[0], row[1])) for row in rows]


def _events(connection: duckdb.DuckDBPyConnection, persons: set[str]) -> tuple[PersonEvent, ...]:
    rows = connection.execute(
        """SELECT "at", kind, person_id, other_id, cause, run_id FROM events
        WHERE list_contains($persons, person_id) OR list_contains($persons, other_id) ORDER BY ALL""",
        {"persons": sorted(persons)},
    ).fetchall()
    return tuple(PersonEvent(*row) for row in rows)
