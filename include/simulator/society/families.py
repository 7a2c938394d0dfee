"""Simulated families: parents, spouses, places of birth and residence.

Four generations are raised one after the other. Couples come together inside a province, of about the same age;
children follow their mother's age. It is a sketch of a country, not a census, but nothing in it is impossible.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

import numpy as np
import numpy.typing as npt

from include.simulator.render import Days, ages_on
from include.simulator.society.places import Indices, Wards

NOBODY = np.int32(-1)
CHILDREN_PER_COUPLE = (3.4, 2.2, 1.9)


@dataclass(slots=True)
class People:
    """One entry per person; `father`, `mother`, `spouse` are positions of other persons, -1 for none.

    `sex` is 0 for men, 1 for women. `birth_ward` and `home` are old wards; `new_home` the new ward of home.
    """

    born: Days
    sex: npt.NDArray[np.int8]
    father: Indices
    mother: Indices
    spouse: Indices
    birth_ward: Indices
    home: Indices
    generation: npt.NDArray[np.int8]

    def __len__(self) -> int:
        """Number of persons."""
        return int(self.born.size)

    def keep(self, kept: npt.NDArray[np.bool_]) -> People:
        """Only those persons; relations to the others are forgotten."""
        position = np.where(kept, np.cumsum(kept) - 1, NOBODY).astype(np.int32)

        def moved(relation: Indices) -> Indices:
            return np.where(relation[kept] >= 0, position[relation[kept]], NOBODY).astype(np.int32)

        return People(
            self.born[kept], self.sex[kept], moved(self.father), moved(self.mother), moved(self.spouse),
            self.birth_ward[kept], self.home[kept], self.generation[kept],
        )  # fmt: skip


def raise_people(rng: np.random.Generator, *, persons: int, wards: Wards, as_of: date) -> People:
    """Exactly so many persons, living and dead, in about four generations."""
    couples = max(8, persons // 9)
    while True:
        people = _four_generations(rng, couples, wards, as_of)
        free = np.flatnonzero(~_is_needed(people))
        excess = len(people) - persons
        if 0 <= excess <= free.size:
            kept = np.ones(len(people), bool)
            kept[rng.choice(free, excess, replace=False)] = False
            return people.keep(kept)
        couples = max(1, int(couples * (1.08 if excess < 0 else 0.92 * persons / len(people))))


def _is_needed(people: People) -> npt.NDArray[np.bool_]:
    """Persons on whom another person's family tree hangs."""
    needed = people.spouse >= 0
    for parent in (people.father, people.mother):
        needed[parent[parent >= 0]] = True
    return needed


def _four_generations(rng: np.random.Generator, couples: int, wards: Wards, as_of: date) -> People:
    people = _founders(rng, couples, wards)
    last, start = people, 0
    for generation, mean in enumerate(CHILDREN_PER_COUPLE, start=1):
        children = _children(rng, last, start, mean, generation, as_of)
        start += len(last)
        _marry(rng, children, start, wards, as_of)
        people = _append(people, children)
        last = children
    return people


def _append(first: People, second: People) -> People:
    return People(*(np.concatenate([getattr(first, f.name), getattr(second, f.name)]) for f in fields(People)))


def _founders(rng: np.random.Generator, couples: int, wards: Wards) -> People:
    """Couples born between 1931 and 1960; nothing is known of their parents."""
    wife = np.datetime64("1931-06-01") + rng.integers(0, 29 * 365, couples).astype("timedelta64[D]")
    husband = wife - np.clip(rng.normal(1000, 900, couples), -1500, 5000).astype("timedelta64[D]")
    home = wards.draw(rng, couples)
    index = np.arange(couples, dtype=np.int32)
    nobody = np.full(2 * couples, NOBODY)
    return People(
        born=np.concatenate([husband, wife]),
        sex=np.repeat(np.array([0, 1], np.int8), couples),
        father=nobody,
        mother=nobody.copy(),
        spouse=np.concatenate([index + couples, index]).astype(np.int32),
        birth_ward=np.concatenate([home, wards.draw_near(rng, home)]),
        home=np.concatenate([home, home]),
        generation=np.zeros(2 * couples, np.int8),
    )


def _children(
    rng: np.random.Generator, parents: People, start: int, mean: float, generation: int, as_of: date
) -> People:
    """Children of the couples of one generation, whose first person stands at position `start`."""
    wives = np.flatnonzero((parents.sex == 1) & (parents.spouse >= 0))
    count = np.minimum(rng.poisson(mean, wives.size), 8)
    family = np.repeat(np.arange(wives.size), count)
    order = np.arange(family.size) - np.repeat(np.cumsum(count) - count, count)
    first_age = np.clip(rng.normal(24.5, 3.8, wives.size), 18.2, 38.0)
    gap = rng.uniform(1.6, 4.5, wives.size)
    age_days = ((first_age[family] + order * gap[family]) * 365.25 + rng.integers(0, 200, family.size)).astype(np.int64)
    born = parents.born[wives[family]] + age_days.astype("timedelta64[D]")
    twin = (order > 0) & (rng.random(family.size) < 0.011)
    born[twin] = born[np.flatnonzero(twin) - 1]
    father_age = (born - parents.born[_local(parents.spouse, wives[family], start)]).astype(np.int64) / 365.25
    alive = (born <= np.datetime64(as_of)) & (age_days < 46 * 365) & (father_age > 17)
    family, born = family[alive], born[alive]
    mother = wives[family]
    father = parents.spouse[mother].astype(np.int32)
    unknown = rng.random(wives.size)[family] < 0.03
    size = family.size
    return People(
        born=born,
        sex=(rng.random(size) > 0.513).astype(np.int8),
        father=np.where(unknown, NOBODY, father).astype(np.int32),
        mother=(mother + start).astype(np.int32),
        spouse=np.full(size, NOBODY),
        birth_ward=parents.home[mother],
        home=parents.home[mother].copy(),
        generation=np.full(size, generation, np.int8),
    )


def _local(relation: Indices, who: npt.NDArray[np.intp], start: int) -> Indices:
    """Relations inside a generation as positions in that generation."""
    return relation[who] - np.int32(start)


def _marry(rng: np.random.Generator, people: People, start: int, wards: Wards, as_of: date) -> None:
    """Pairs men and women of one generation inside a province, by age, and gives couples a home."""
    age = ages_on(people.born, as_of)
    province = wards.province[people.birth_ward]
    chosen = []
    adult = age >= 20.5
    enough = np.minimum(
        np.bincount(province[adult & (people.sex == 0)], minlength=len(wards.province_code)),
        np.bincount(province[adult & (people.sex == 1)], minlength=len(wards.province_code)),
    )
    for sex, lead in ((0, 0.0), (1, 2.5)):
        who = np.flatnonzero(adult & (people.sex == sex))
        who = who[np.lexsort((rng.random(who.size), province[who]))]
        rank = np.arange(who.size) - np.searchsorted(province[who], province[who], "left")
        who = who[rank < enough[province[who]]]
        by_age = age[who] + lead + rng.normal(0, 1.5, who.size)
        chosen.append(who[np.lexsort((by_age, province[who]))])
    men, women = chosen
    younger = np.minimum(age[men], age[women])
    wed = rng.random(men.size) < np.clip((younger - 17.0) / 14.0, 0.0, 0.93)
    wed &= people.mother[men] != people.mother[women]
    wed &= (age[men] - age[women] < 16) & (age[women] - age[men] < 6)
    men, women = men[wed], women[wed]
    people.spouse[men] = women + start
    people.spouse[women] = men + start
    moved = rng.random(men.size)
    home = np.where(moved < 0.62, people.home[men], wards.draw_near(rng, people.home[men]))
    home = np.where(moved > 0.82, wards.draw(rng, men.size), home).astype(np.int32)
    people.home[men] = home
    people.home[women] = home
