"""Why two records are held to be one person, or not: the weight of every comparison, in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import duckdb

from include.identity import linkage_model
from include.identity.linkage_model import Model
from include.identity.records import Prepared, prepare
from include.identity.scoring.pair_decisions import other_numbers
from include.lake.storage import Lake

_MEMORY_LIMIT = "3GB"


class RecordUnknown(LookupError):
    """There is no such record among those that were linked."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the waterfall: what was compared, what was found, its bits (log2 Bayes factor) and the sum so far."""

    comparison: str
    found: str
    bits: float
    sum: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """`steps` begin with the prior. `probability` is that of the pair by itself, without rivals."""

    left_id: str
    right_id: str
    steps: tuple[Step, ...]
    weight: float
    probability: float


def explain_pairs(lake: Lake, records_uri: str, model: Model, pairs: list[tuple[str, str]]) -> list[Explanation]:
    """Why the two records of each pair are, or are not, one person by the model; frequencies are counted once.

    Raises:
        RecordUnknown: a record is not among those that were linked.
    """
    with lake.connect(memory_limit=_MEMORY_LIMIT) as connection:
        prepared = prepare(connection, records_uri)
        settings = model.settings_for(model.persons(prepared))
        linkage_model.count_frequencies(connection, settings)
        _find(connection, pairs)
        linkage_model.compare(connection, settings, pairs="pairs", into="compared")
        return _told(connection, model, prepared)


def _find(connection: duckdb.DuckDBPyConnection, pairs: list[tuple[str, str]]) -> None:
    """`pairs` by number, as they were asked for; the smaller record_id is the left one."""
    connection.execute("CREATE TEMP TABLE asked (turn INTEGER, a VARCHAR, b VARCHAR)")
    connection.executemany("INSERT INTO asked VALUES (?, ?, ?)", [(n, *sorted(p)) for n, p in enumerate(pairs)])
    connection.execute(
        """CREATE TEMP TABLE pairs AS SELECT turn, l.unique_id AS join_key_l, r.unique_id AS join_key_r FROM asked
        JOIN prepared AS l ON l.record_id = a JOIN prepared AS r ON r.record_id = b"""
    )
    found = connection.execute("SELECT count(*) FROM pairs").fetchone()
    if not found or found[0] != len(pairs):
        raise RecordUnknown("a record is not among those that were linked: see the table people/index for their ids")


def _told(connection: duckdb.DuckDBPyConnection, model: Model, prepared: Prepared) -> list[Explanation]:
    persons = model.persons(prepared)
    settings = model.settings_for(persons)
    names, parts = linkage_model.names(settings), linkage_model.weights(settings)
    columns = ", ".join(f"coalesce({linkage_model.labels(settings, name)}, '?'), {parts[name]}" for name in names)
    other, bits = other_numbers(persons)
    rows = connection.execute(
        f"""SELECT l.record_id, r.record_id, {other}, {columns} FROM compared
        JOIN (FROM prepared JOIN frequencies USING (unique_id)) AS l ON l.unique_id = join_key_l
        JOIN (FROM prepared JOIN frequencies USING (unique_id)) AS r ON r.unique_id = join_key_r ORDER BY turn"""
    ).fetchall()
    told = []
    for left, right, number, *found in rows:
        steps = [Step("before comparing", f"one of {persons:,} persons", -math.log2(persons), -math.log2(persons))]
        compared = list(zip(names, found[::2], found[1::2], strict=True))
        if number:
            compared.append((number, f"same {number.replace('_', ' ')}", bits))
        for name, label, weight in compared:
            steps.append(Step(name.replace("_", " "), label, float(weight), steps[-1].sum + float(weight)))
        weight = round(sum(step.bits for step in steps[1:]), 9)
        odds = 2.0 ** min(steps[-1].sum, 900.0)
        told.append(Explanation(left, right, tuple(steps), weight, odds / (1.0 + odds)))
    return told
