"""Ids of persons: minted once, kept by the oldest and by the larger part, and followed for ever."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from include.identity.persons.stable_ids import mint
from tests.unit.identity.who import Registers


@pytest.fixture
def registers() -> Registers:
    return Registers()


def test_new_records_get_new_ids_one_a_person(registers):
    events = registers.link(["ab", "c"])
    assert registers.groups == {frozenset("ab"), frozenset("c")}
    assert {(kind, cause) for kind, _, _, cause in events} == {("minted", "new record")}
    assert all(re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", person) for person in registers.who.values())


def test_the_same_clusters_again_change_no_id_and_are_no_event(registers):
    registers.link(["ab", "c"])
    before = registers.who
    assert registers.link(["ab", "c"]) == []
    assert registers.who == before


def test_a_record_that_joins_takes_the_id_that_is_there(registers):
    registers.link(["ab"])
    id_of = registers.who
    assert registers.link(["abc"]) == []
    assert set(registers.who.values()) == {id_of["a"]}


def test_when_persons_merge_the_oldest_id_stays_and_the_pass_is_the_cause(registers):
    registers.link(["z"])
    registers.link(["z", "abc"])
    old, young = registers.who["z"], registers.who["a"]
    events = registers.link(["zabc"], edges=[("z", "a", "model", 9.0), ("z", "b", "personal_id", 5.0)])
    assert events == [("merged", young, old, "linked by personal_id")]
    assert set(registers.who.values()) == {old}
    assert registers.resolve(young).way == (young, old)


@pytest.mark.parametrize("days", [-30, 30])
def test_the_oldest_id_is_of_the_run_that_committed_first_whatever_its_clock_said(registers, days):
    registers.link(["z"])
    old = registers.who["z"]
    registers.link(["z", "a"], clock=timedelta(days=days))
    registers.link(["z", "a", "b"])
    middle = registers.who["a"]
    registers.link(["z", "ab"])
    assert registers.who["b"] == middle
    registers.link(["zab"])
    assert set(registers.who.values()) == {old}


def test_persons_joined_by_a_newcomer_are_linked_through_other_records(registers):
    registers.link(["a", "b"])
    (event,) = registers.link(["abn"], edges=[("a", "n", "model", 9.0), ("b", "n", "model", 9.0)])
    assert event[0], event[3] == ("merged", "linked through other records")


def test_when_a_person_splits_the_larger_part_keeps_the_id(registers):
    registers.link(["abc"])
    person = registers.who["a"]
    events = registers.link(["a", "bc"], changed=["a"])
    assert registers.who["b"] == registers.who["c"] == person
    fresh = registers.who["a"]
    assert events == [
        ("minted", fresh, None, "split from another person"),
        ("split", person, fresh, "a record changed"),
    ]


def test_of_equal_parts_the_one_that_was_there_first_keeps_the_id(registers):
    registers.link(["z"])
    registers.link(["za"])
    person = registers.who["z"]
    registers.link(["z", "a"])
    assert registers.who["z"] == person != registers.who["a"]


@pytest.mark.parametrize(
    ("why", "cause"),
    [
        ({"different": [("a", "b")]}, "review"),
        ({"is_new_model": True}, "no longer linked: the model changed"),
        ({}, "no longer linked"),
    ],
)
def test_a_split_says_why(registers, why, cause):
    registers.link(["ab"])
    assert [event[3] for event in registers.link(["a", "b"], **why) if event[0] == "split"] == [cause]


def test_a_record_that_moves_to_another_person_is_a_split_towards_that_person(registers):
    registers.link(["abc", "xyz"])
    first, second = registers.who["a"], registers.who["x"]
    events = registers.link(["ab", "cxyz"])
    assert events == [("split", first, second, "no longer linked")]
    assert registers.who["c"] == second


def test_a_person_whose_records_are_all_gone_is_retired_and_the_id_still_leads_somewhere(registers):
    registers.link(["a", "b"])
    gone = registers.who["b"]
    assert registers.link(["a"]) == [("retired", gone, None, "no record is left")]
    assert (registers.resolve(gone).person_id, registers.resolve(gone).standing) == (gone, "retired")


def test_an_id_is_never_given_to_another(registers):
    registers.link(["a"])
    gone = registers.who["a"]
    registers.link([])
    registers.link(["a"])
    assert registers.who["a"] != gone


def test_an_id_nobody_had_is_unknown(registers):
    assert registers.resolve("0" * 32).standing == "unknown"


def test_minting_gives_as_many_as_asked_and_none_twice():
    assert len(mint(0)) == 0
    assert len(set(mint(10_000).to_pylist())) == 10_000
