"""Simulated households, formed from families."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from include.simulator.render import ages_on
from include.simulator.society.families import People
from include.simulator.society.places import Indices

# Codes of schemas/reference/household_relationships.csv (Law on Residence 68/2020/QH14).
HEAD, FATHER, MOTHER, WIFE, HUSBAND, CHILD = "00", "03", "04", "05", "06", "07"
DAUGHTER_IN_LAW, SON_IN_LAW, GRANDCHILD, OTHER = "09", "10", "14", "99"
RELATIONSHIPS = (HEAD, FATHER, MOTHER, WIFE, HUSBAND, CHILD, DAUGHTER_IN_LAW, SON_IN_LAW, GRANDCHILD, OTHER)


@dataclass(frozen=True, slots=True)
class Households:
    """`number`: the household of every person; `head`: position of its head; `relation`: index in RELATIONSHIPS.

    `is_divorced`: for every person. The dead keep the number of the household they left.
    """

    number: Indices
    head: Indices
    relation: npt.NDArray[np.int8]
    is_divorced: npt.NDArray[np.bool_]


def form_households(
    rng: np.random.Generator, people: People, *, is_alive: npt.NDArray[np.bool_], as_of: date
) -> Households:
    """Couples live with their children, some with the husband's parents too; some grown children live alone."""
    size = len(people)
    everyone = np.arange(size, dtype=np.int32)
    married = people.spouse >= 0
    husbands = everyone[married & (people.sex == 0)]
    apart = np.zeros(size, bool)
    leaving = husbands[rng.random(husbands.size) < 0.04]
    apart[leaving] = apart[people.spouse[leaving]] = True

    anchor = everyone.copy()
    together = everyone[married & ~apart & (people.sex == 1)]
    anchor[together] = people.spouse[together]
    _take_in_parents(rng, people, anchor, married & ~apart)
    for _ in range(4):
        anchor = anchor[anchor]

    single = ~married & (people.mother >= 0)
    alone = (ages_on(people.born, as_of) > 24) & (rng.random(size) < 0.35)
    with_mother = everyone[single & ~alone]
    anchor[with_mother] = anchor[people.mother[with_mother]]

    head = _heads(people, anchor, is_alive)
    _, number = np.unique(anchor, return_inverse=True)
    return Households(number.astype(np.int32), head, _relations(people, everyone, head), apart)


def _take_in_parents(rng: np.random.Generator, people: People, anchor: Indices, couple: npt.NDArray[np.bool_]) -> None:
    sons = np.flatnonzero(couple & (people.sex == 0) & (people.father >= 0))
    fathers, first = np.unique(people.father[sons], return_index=True)
    taken = (rng.random(fathers.size) < 0.35) & couple[fathers]
    leads = rng.random(fathers.size) < 0.5
    old, young = fathers[taken & ~leads], sons[first[taken & ~leads]]
    anchor[old] = anchor[people.spouse[old]] = young
    old, young = fathers[taken & leads], sons[first[taken & leads]]
    anchor[young] = old


def _heads(people: People, anchor: Indices, is_alive: npt.NDArray[np.bool_]) -> Indices:
    """The anchor of a household if he or she lives, else its oldest living member."""
    order = np.lexsort((people.born, anchor != np.arange(anchor.size), ~is_alive, anchor))
    _, first = np.unique(anchor[order], return_index=True)
    chosen = order[first].astype(np.int32)
    return chosen[np.searchsorted(anchor[chosen], anchor)]


def _relations(people: People, everyone: Indices, head: Indices) -> npt.NDArray[np.int8]:
    def parent_is(parents: Indices, of: Indices) -> npt.NDArray[np.bool_]:
        is_parent: npt.NDArray[np.bool_] = (of >= 0) & (parents[of] == everyone)
        return is_parent

    def child_of(person: Indices, other: Indices) -> npt.NDArray[np.bool_]:
        is_child: npt.NDArray[np.bool_] = (people.father[person] == other) | (people.mother[person] == other)
        return is_child & (person >= 0) & (other >= 0)

    partner = people.spouse[head]
    father, mother, spouse = people.father, people.mother, people.spouse
    is_man = people.sex == 0
    cases = [
        (everyone == head, HEAD),
        ((spouse == head) & ~is_man, WIFE),
        ((spouse == head) & is_man, HUSBAND),
        (child_of(everyone, head) | child_of(everyone, partner), CHILD),
        (parent_is(father, head) | parent_is(father, partner), FATHER),
        (parent_is(mother, head) | parent_is(mother, partner), MOTHER),
        (child_of(spouse, head) & ~is_man, DAUGHTER_IN_LAW),
        (child_of(spouse, head) & is_man, SON_IN_LAW),
        (child_of(father, head) | child_of(mother, head), GRANDCHILD),
    ]
    relation = np.select([case for case, _ in cases], [RELATIONSHIPS.index(code) for _, code in cases], -1)
    return np.where(relation < 0, RELATIONSHIPS.index(OTHER), relation).astype(np.int8)
