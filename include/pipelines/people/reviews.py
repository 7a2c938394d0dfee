"""Review queue and its decisions, explanations of links, resolution of old person ids."""

from __future__ import annotations

import hashlib
import math
import re
import secrets
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import duckdb

from include.contracts.model import Steward
from include.identity.persons import Pair, ReviewRefused, decide, ends, pair_id, queue, resolve
from include.identity.scoring import explain_pairs
from include.lake.people import people_view
from include.lake.storage import lake_errors, literal
from include.pipelines.audit_log import record_commits
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import (
    Look,
    concerned,
    free_stewards,
    note_look,
    note_review,
    reason_given,
    steward_named,
)
from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.people.linkage_model import model_in_use
from include.pipelines.step_results import Facts

_PERSON = re.compile(r"[0-9a-f]{32}")
_PAIR = re.compile(r"[0-9a-f]{16}")
_WEIGHS_NOTHING = 0.05  # bits, which are shown with one digit


def queue_step(*, limit: int, with_steps: bool = False, context: PipelineContext | None = None) -> Facts:
    """Pairs that wait for a person: `total`, and some `pairs` with their records' tables. No key and no value.

    `with_steps` adds to each what every comparison found and weighs.
    """
    context = context or PipelineContext.from_environment()
    with no_values_escape("reading the review queue"):
        total, pairs = queue(context.lake, at=context.now(), limit=limit)
        steps = (
            steps_of(context, [(pair.left_id, pair.right_id) for pair in pairs]) if with_steps else [[]] * len(pairs)
        )
    shown = [{**_shown(p), "steps": with_rivals(s, p.probability)} for p, s in zip(pairs, steps, strict=True)]
    return {"total": total, "pairs": shown}


def decide_step(
    pair: str,
    decision: str,
    *,
    by: str,
    note: str = "",
    other: str | None = None,
    context: PipelineContext | None = None,
) -> Facts:
    """Keep a decision on a waiting pair (by its name), or on any two records (`pair` and `other` are their ids).

    The ledger has an entry (kind `approval`, a digest for the pair) before the decision is kept.

    Raises:
        Misuse: there is no such pair or decision, or the one who decides gives no name or no reason.
        NotASteward: who decides is steward of neither record's registry, though one of them names stewards.
    """
    context = context or PipelineContext.from_environment()
    reason_given(note)
    with no_values_escape("keeping a decision"):
        at = context.now()
        try:
            left, right = (pair, other) if other else ends(context.lake, pair)
            by = steward_named(concerned(context.contracts, left, right), by, at=at)
            tell = partial(note_review, context, by=by, note=note)
            review = decide(context.lake, left, right, decision, by=by, at=at, note=note, before=tell)
        except ReviewRefused as error:
            raise Misuse(str(error)) from None
        record_commits(context, ["people/reviews"])
    return asdict(review)


def reviewers_step(pair: Facts, *, context: PipelineContext | None = None) -> tuple[Steward, ...]:
    """Who may decide on a pair of the queue now; empty where neither contract names a steward: whoever may review.

    Raises:
        NotASteward: stewards are named, and none who may decide is in office.
    """
    context = context or PipelineContext.from_environment()
    with no_values_escape("asking about a pair"):
        contracts = concerned(context.contracts, pair["left"], pair["right"])
        return free_stewards(contracts, pair["first_by"], at=context.now())


def resolve_step(person_id: str, *, context: PipelineContext | None = None) -> Facts:
    """Where an id leads today: `person_id`, `standing` (living, retired, unknown) and the `way` there."""
    context = context or PipelineContext.from_environment()
    with no_values_escape("following an id"):
        return asdict(resolve(context.lake, person_id.strip().lower().replace("-", "")))


def explain_step(
    asked: str, other: str | None = None, *, look: Look | None = None, context: PipelineContext | None = None
) -> Facts:
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
            steps = steps_of(context, [(link["left_id"], link["right_id"]) for link in links])
            if look is not None:
                persons = {person for side in sides for person in side.values()}
                note_look(context, "people/records", look, records=sum(map(len, sides)), persons=persons)
            named: Callable[[str], str] = str if look else _without_key
            return {
                "asked": [named(side) for side in (asked, other) if side],
                "persons": sorted({person for side in sides for person in side.values()}),
                "records": [{"record_id": named(r), "person_id": p} for side in sides for r, p in side.items()],
                "links": [
                    {
                        **link,
                        "left_id": named(link["left_id"]),
                        "right_id": named(link["right_id"]),
                        "steps": with_rivals(found, link["probability"]),
                    }
                    for link, found in zip(links, steps, strict=True)
                ],
                "events": _events(connection, {person for side in sides for person in side.values()}),
            }


def _without_key(record_id: str) -> str:
    """A record by its table and a digest of its id; what is no record's id stays."""
    table, colon, _ = record_id.partition(":")
    return f"{table}:#{hashlib.sha256(record_id.encode()).hexdigest()[:8]}" if colon else record_id


def steps_of(context: PipelineContext, pairs: list[tuple[str, str]]) -> list[list[Facts]]:
    """What every comparison of each pair found and weighs by today's model: `comparison`, `found`, `bits`, `sum`."""
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
    return [[asdict(step) for step in one.steps] for one in found]


def with_rivals(steps: list[Facts], probability: float | None) -> list[Facts]:
    """The steps, and what the other persons who might be meant make of the pair: the way from the last sum to it.

    Of the rows of a register of citizens one at most is the person, so a pair is likelier where no other row fits.
    """
    if not steps or not probability or probability >= 1.0:
        return steps
    reached = math.log2(probability / (1.0 - probability))
    bits = reached - steps[-1]["sum"]
    if abs(bits) < _WEIGHS_NOTHING:
        return steps
    found = "no other fits as well" if bits > 0 else "others fit too"
    return [*steps, {"comparison": "rivals", "found": found, "bits": bits, "sum": reached}]


def _shown(pair: Pair) -> Facts:
    """A pair without the keys of its records."""
    tables = {"left": pair.left_id.partition(":")[0], "right": pair.right_id.partition(":")[0]}
    return {name: value for name, value in asdict(pair).items() if name not in ("left_id", "right_id")} | tables


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


def _links(connection: duckdb.DuckDBPyConnection, sides: list[dict[str, str]]) -> list[Facts]:
    """Among one person's records every link; between two sides those from one to the other."""
    left, right = list(sides[0]), list(sides[-1])
    # Two records are told apart or together even if no link between them was kept.
    if len(sides) == 2 and len(left) == len(right) == 1:
        missing = [{"left_id": min(left[0], right[0]), "right_id": max(left[0], right[0])}]
    else:
        missing = []
    rows = connection.execute(
        """SELECT left_id, right_id, pass, weight, probability, decision, why, holds FROM links
        WHERE (list_contains($left, left_id) AND list_contains($right, right_id))
           OR (list_contains($left, right_id) AND list_contains($right, left_id))
        ORDER BY weight DESC, left_id, right_id""",
        {"left": left, "right": right},
    ).fetchall()
    names = ("left_id", "right_id", "pass", "weight", "probability", "decision", "why", "holds")
    found = [dict(zip(names, row, strict=True)) for row in rows] or [
        {**dict.fromkeys(names), **ends} for ends in missing
    ]
    return [{**link, "pair_id": pair_id(link["left_id"], link["right_id"])} for link in found]


def _events(connection: duckdb.DuckDBPyConnection, persons: set[str]) -> list[Facts]:
    rows = connection.execute(
        """SELECT "at", kind, person_id, other_id, cause, run_id FROM events
        WHERE list_contains($persons, person_id) OR list_contains($persons, other_id) ORDER BY ALL""",
        {"persons": sorted(persons)},
    ).fetchall()
    names = ("at", "kind", "person_id", "other_id", "cause", "run_id")
    return [{**dict(zip(names, row, strict=True)), "at": row[0].isoformat()} for row in rows]
