"""From links to clusters: components, and where they are cut."""

from __future__ import annotations

import numpy as np
import pytest

from include.identity.persons.clustering import components, join_strongest_first


@pytest.mark.parametrize(
    ("size", "links", "labels"),
    [
        (3, [], [0, 1, 2]),
        (4, [(2, 3)], [0, 1, 2, 2]),
        (5, [(3, 4), (4, 1), (1, 2)], [0, 1, 1, 1, 1]),
        (7, [(6, 5), (5, 4), (4, 3), (3, 2), (2, 1), (1, 0)], [0] * 7),
        (6, [(0, 5), (1, 4), (5, 3)], [0, 1, 2, 0, 1, 0]),
    ],
)
def test_a_component_is_named_by_its_least_node(size: int, links: list[tuple[int, int]], labels: list[int]) -> None:
    left = np.array([a for a, _ in links], np.int64)
    right = np.array([b for _, b in links], np.int64)
    assert components(size, left, right).tolist() == labels


CITIZENS = [(0, "population.citizen"), (1, "population.citizen"), (2, None), (3, None)]


def test_the_link_that_would_join_two_citizens_is_cut_at_the_weakest() -> None:
    strongest_first = [(0, 2, False), (1, 3, False), (2, 3, False)]
    assert join_strongest_first(CITIZENS, strongest_first) == {0: 0, 1: 1, 2: 0, 3: 1}


def test_people_may_join_two_citizens() -> None:
    assert join_strongest_first(CITIZENS, [(0, 1, True), (0, 2, False)]) == {0: 0, 1: 0, 2: 0, 3: 3}


def test_what_is_to_stay_apart_does_whatever_lies_between() -> None:
    nodes = [(n, None) for n in range(4)]
    links = [(0, 1, False), (1, 2, False), (2, 3, False)]
    assert join_strongest_first(nodes, links, [(0, 3, False)]) == {0: 0, 1: 0, 2: 0, 3: 3}
    assert join_strongest_first(nodes, links, [(0, 2, True), (1, 3, False)]) == {0: 0, 1: 0, 2: 2, 3: 2}


def test_what_people_joined_stays_whatever_was_inferred_and_only_people_part_it() -> None:
    nodes = [(n, None) for n in range(4)]
    said = [(0, 2, True), (1, 2, True), (1, 3, False)]
    assert join_strongest_first(nodes, said, [(0, 1, False), (2, 3, False)]) == {0: 0, 1: 0, 2: 0, 3: 3}
    assert join_strongest_first(nodes, said, [(0, 1, False), (0, 1, True)]) == {0: 0, 1: 1, 2: 0, 3: 1}
