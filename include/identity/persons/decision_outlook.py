"""What a decision on two records will do, said before it is kept."""

from __future__ import annotations

from dataclasses import dataclass

from include.identity.persons.id_ages import view_ages
from include.identity.persons.review_queue import Pair
from include.lake.people import people_view
from include.lake.storage import Lake, lake_errors


@dataclass(frozen=True, slots=True)
class Outlook:
    """What "same" would do to the two persons behind a pair.

    `stays` and `ends` are their ids: the older one stays. `left`, `right`: how many records each has, by
    `registry.table`. `two_citizens`: both have a row of their own in one population-like table.
    """

    stays: str
    ends: str
    left: dict[str, int]
    right: dict[str, int]
    two_citizens: bool


def outlook(lake: Lake, pair: Pair) -> Outlook:
    """Look at the persons of a pair that waits, as they are now."""
    persons = [pair.left_person, pair.right_person]
    with lake.connect(memory_limit="512MB") as connection, lake_errors("looking at what a decision will do"):
        for name in ("index", "records"):
            people_view(lake, connection, name)
        view_ages(lake, connection)
        places = dict(
            connection.execute(
                "SELECT person_id, place FROM minted WHERE person_id IN (SELECT unnest($persons))", {"persons": persons}
            ).fetchall()
        )
        rows = connection.execute(
            """SELECT person_id, i.registry || '.' || i."table" AS source, count(*), bool_or(r.is_population)
                FROM index i JOIN records r USING (record_id) WHERE person_id IN (SELECT unnest($persons))
                GROUP BY ALL ORDER BY ALL""",
            {"persons": persons},
        ).fetchall()
    stays, ends = sorted(persons, key=lambda person: (person not in places, places.get(person), person))
    found = {person: {source: count for who, source, count, _ in rows if who == person} for person in persons}
    own = [{source for who, source, _, is_own in rows if who == person and is_own} for person in persons]
    return Outlook(stays, ends, found[pair.left_person], found[pair.right_person], bool(own[0] & own[1]))
