"""Records of historical figures as collected by many hands: where one value of a record is off, the others are too.

A stand-in for Splink's `historical_50k`, which no package carries. Nothing in them is independent: names, dates and
places of a record are all as its source had them, or all varied, and whole groups of records come from bad sources.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from include.contracts.model import LinkRole

ROLES: dict[str, LinkRole | None] = {
    "rec_id": None, "given_name": "given_name", "surname": "family_name", "birth": "birth_date", "birth_place": "place",
    "postcode": "place", "number": "personal_id",
}  # fmt: skip
_SYLLABLES = ("al", "bar", "cor", "den", "ed", "for", "gran", "hen", "is", "jon", "kel", "lan", "mor", "nor", "os",
              "pem", "rud", "ste", "tor", "ul", "ver", "wil", "yar", "zel")  # fmt: skip
_BAD_SOURCES = 0.45
"""The share of records whose values are all varied."""


def historical(persons: int, seed: int, *, numbered: float = 0.0) -> list[dict[str, str | None]]:
    """Records, named `rec-<person>-<n>`; a share of them has the person's number, which bad sources lack more often."""
    chance = random.Random(seed)
    given, families = ([_name(chance, 2) for _ in range(n)] for n in (150, 900))
    places = [(_name(chance, 3), f"{chance.randrange(10_000):04d}") for _ in range(400)]
    rows = []
    for person in range(persons):
        true = (chance.choice(given), chance.choice(families), chance.randrange(1600, 1900), chance.randrange(1, 13),
                chance.randrange(1, 29), chance.randrange(len(places)))  # fmt: skip
        for n in range(chance.choice((1, 2, 3, 4, 6, 9))):
            is_bad = n > 0 and chance.random() < _BAD_SOURCES
            first, last, year, month, day, place = _varied(chance, true, given, len(places)) if is_bad else true
            has_number = chance.random() < numbered * (0.6 if is_bad else 1.0)
            town, code = places[place]
            rows.append({
                "rec_id": f"rec-{person}-{n}", "given_name": first, "surname": last,
                "birth": f"{year}-{month:02d}-{day:02d}" if not is_bad or chance.random() < 0.6 else f"{year}-01-01",
                "birth_place": town, "postcode": code, "number": f"{person:09d}" if has_number else None,
            })  # fmt: skip
    return rows


def _varied(
    chance: random.Random, true: tuple[str, str, int, int, int, int], given: list[str], places: int
) -> tuple[str, str, int, int, int, int]:
    first, last, year, month, day, place = true
    first = chance.choice((first[:1], first[:3], chance.choice(given)))
    last = chance.choice((last, last[:-2], "".join(_slips(chance, last))))
    year, month = year + chance.choice((-2, -1, 0, 0, 1, 3)), chance.randrange(1, 13)
    return first, last, year, month, day, chance.choice((place, chance.randrange(places), chance.randrange(places)))


def _slips(chance: random.Random, name: str) -> Iterator[str]:
    for letter in name:
        yield chance.choice("aeiouy") if letter in "aeiouy" and chance.random() < 0.5 else letter


def _name(chance: random.Random, syllables: int) -> str:
    return "".join(chance.choice(_SYLLABLES) for _ in range(syllables))
