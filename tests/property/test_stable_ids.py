"""Ids of persons over any history of records that come, go, join and part."""

from __future__ import annotations

import string
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.repeats import repeats
from tests.unit.identity.who import Registers

# A state of the registers: which person (a number) each record (a letter) speaks of.
STATES = st.dictionaries(st.sampled_from(string.ascii_lowercase[:12]), st.integers(0, 5), max_size=12)
HISTORIES = st.lists(STATES, min_size=1, max_size=4)


def clusters(state: dict[str, int]) -> list[str]:
    return ["".join(r for r, person in state.items() if person == number) for number in sorted(set(state.values()))]


@settings(max_examples=repeats(10, 40), deadline=None)
@given(HISTORIES)
def test_the_index_says_what_the_clusters_say_and_the_same_again_changes_nothing(history):
    registers = Registers()
    for state in history:
        registers.link(clusters(state))
        assert registers.groups == {frozenset(group) for group in clusters(state)}
        before = registers.who
        assert registers.link(clusters(state)) == []
        assert registers.who == before


@settings(max_examples=repeats(10, 40), deadline=None)
@given(STATES, STATES, STATES)
def test_the_oldest_stays_in_a_merge_and_the_larger_part_keeps_the_id_in_a_split(first, second, third):
    registers = Registers()
    registers.link(clusters(first))
    oldest = set(registers.who.values())
    registers.link(clusters(second))
    was = registers.who
    registers.link(clusters(third))
    now, living = registers.who, set(registers.who.values())
    for person in set(was.values()):
        parts = Counter(now[record] for record in was if was[record] == person and record in now)
        if not parts:
            assert person not in living
        elif person in living:
            assert parts[person] == max(parts.values())
        else:
            # It went with its larger part to a person who is not younger.
            heir = registers.resolve(person).person_id
            assert parts[heir] == max(parts.values())
            assert heir in oldest or person not in oldest


@settings(max_examples=repeats(10, 40), deadline=None)
@given(HISTORIES)
def test_every_id_that_ever_was_leads_to_the_person_of_today_or_to_one_that_is_retired(history):
    registers, ever = Registers(), set()
    for state in history:
        registers.link(clusters(state))
        ever |= set(registers.who.values())
        living = set(registers.who.values())
        for person in ever:
            found = registers.resolve(person)
            assert found.standing == ("living" if found.person_id in living else "retired")
            assert (found.way == (person,)) or person not in living
    minted = registers.connection.execute("SELECT person_id FROM events WHERE kind = 'minted'").fetchall()
    assert sorted(person for (person,) in minted) == sorted(ever), "minted once, and on record"


@settings(max_examples=repeats(10, 40), deadline=None)
@given(STATES, st.lists(STATES, min_size=1, max_size=5), st.data())
def test_a_sequence_of_deltas_gives_the_persons_of_one_full_run(base, deltas, data):
    """Records come and persons are found to be one: day by day, or all at once."""
    final = dict(base)
    for delta in deltas:
        final = {**delta, **final}  # who is there stays the person they were
    joined = data.draw(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=3))
    daily, at_once = Registers(), Registers()
    daily.link(clusters(base))
    start = daily.who
    at_once.begin_as(daily)

    seen = dict(base)
    for delta in deltas:
        seen = {**delta, **seen}
        daily.link(clusters(seen))
    for one, other in joined:
        final = {record: one if person == other else person for record, person in final.items()}
        daily.link(clusters(final))
    at_once.link(clusters(final))

    assert daily.groups == at_once.groups
    known = set(start.values())
    day_by_day, all_at_once = daily.who, at_once.who
    for record in final:
        ids = {day_by_day[record], all_at_once[record]}
        assert len(ids) == 1 or not ids & known, "a person who had an id has the same one either way"
    assert daily.link(clusters(final)) == []
