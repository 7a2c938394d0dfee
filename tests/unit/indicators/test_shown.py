"""Small counts are hidden from readers, and with them what would tell them, over the margins of every dimension."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from types import SimpleNamespace

import duckdb
import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from include.indicators.computation import Figure
from include.indicators.computation.measuring import members_of, total_of
from include.indicators.computation.suppressing import suppressed
from include.indicators.definitions import Breakdown
from include.indicators.values import ShownIndicator, StoredIndicator, shown

SCOPE, AGENCY = Breakdown("scope", "codes", "scope"), Breakdown("agency", "codes", "agency")
MINIMUM = 5
Counts = dict[tuple[str, str], tuple[int, int]]  # by scope and agency: rows of the numerator, and of the denominator


def figures(counts: Counts, minimum: int = MINIMUM) -> tuple[Figure, ...]:
    """The figures of such a table, with those marked that are suppressed."""
    indicator = SimpleNamespace(indicator_id="i", minimum_cell=minimum, percentile=0, is_share=True, digits=2)
    compiled = SimpleNamespace(indicator=indicator, out_of="1")
    with duckdb.connect() as connection:
        rows = [(s, a, int(k < n), 1) for (s, a), (n, d) in counts.items() for k in range(d)]
        connection.execute("CREATE TABLE counted (scope VARCHAR, agency VARCHAR, _counted INTEGER, _out_of INTEGER)")
        connection.executemany("INSERT INTO counted VALUES (?, ?, ?, ?)", rows)
        connection.execute("CREATE TABLE codes AS SELECT DISTINCT scope, agency FROM counted")
        found = [total_of(connection, compiled)]
        for dimension in (SCOPE, AGENCY):
            found += members_of(connection, compiled, dimension).values()
        return suppressed(connection, compiled, [SCOPE, AGENCY], found)


def test_a_dimension_may_be_called_member():
    """The figures of everything and of the other dimension are not those of its members."""
    compiled = SimpleNamespace(
        indicator=SimpleNamespace(indicator_id="i", percentile=0, is_share=False, digits=0), out_of=""
    )
    with duckdb.connect() as connection:
        connection.execute(
            """CREATE TABLE counted AS SELECT * FROM (VALUES ('a', 'H01', 1, 1), ('b', 'H01', 2, 1), ('b', 'H02', 4, 1))
               AS v(member, agency, _counted, _out_of)"""
        )
        connection.execute("CREATE TABLE codes AS SELECT DISTINCT member, agency FROM counted")
        assert total_of(connection, compiled).numerator == 7
        for name, expected in (("agency", {"H01": 3, "H02": 4}), ("member", {"a": 1, "b": 6})):
            found = members_of(connection, compiled, Breakdown(name, "codes", name))
            assert {member: figure.numerator for member, figure in found.items()} == expected


def hidden(found: Iterable[Figure]) -> set[str]:
    return {one.member for one in found if one.is_suppressed}


@pytest.mark.parametrize(
    ("agencies", "expected"),
    [
        ({"H01": (10, 50), "H38": (20, 50)}, set()),
        ({"H01": (0, 50), "H38": (20, 50)}, set()),  # none is not few
        ({"H01": (4, 50), "H38": (20, 90), "H56": (9, 50)}, {"H01", "H56"}),  # 4 alone would follow from the total
        ({"H01": (45, 46), "H38": (20, 90), "H56": (9, 50)}, {"H01", "H56"}),  # one person is left over
    ],
)
def test_counts_below_the_minimum_are_hidden(agencies, expected):
    assert hidden(figures({("province", agency): counts for agency, counts in agencies.items()})) == expected


def test_what_a_scope_would_give_back_is_hidden_too():
    """With the one small ministry alone hidden beside a province, the scopes' sums would give both back."""
    table = {("ministry", "G01"): (2, 40), ("ministry", "G02"): (30, 60), ("ministry", "G03"): (31, 60),
             ("province", "H01"): (8, 50), ("province", "H02"): (30, 60)}  # fmt: skip
    found = hidden(figures(table))
    assert found == {"G01", "G02"}


@pytest.mark.parametrize("seed", range(12))
def test_no_sum_over_any_dimension_tells_a_small_count(seed):
    draw = random.Random(seed)
    table: Counts = {}
    for scope, letter in (("ministry", "G"), ("province", "H"), ("other", "K")):
        for number in range(draw.choice((1, 2, 4))):
            many = draw.choice((3, 8, 30, 60))
            table[scope, f"{letter}{number}"] = (min(many, draw.choice((0, 1, 2, 6, 20))), many)
    found = figures(table)
    keys = list(table)
    rows, values = [], []
    for one in found:
        if not one.is_suppressed:
            place = {"": None, "scope": 0, "agency": 1}[one.dimension]
            inside = np.array([place is None or key[place] == one.member for key in keys], float)
            rows += [[*inside, *np.zeros(len(keys))], [*np.zeros(len(keys)), *inside]]
            values += [int(one.numerator), int(one.denominator - one.numerator)]
    known = [LinearConstraint(np.array(rows), values, values)] if rows else []
    truth = [n for n, _ in table.values()] + [d - n for n, d in table.values()]
    for place, count in enumerate(truth):
        if 0 < count < MINIMUM:
            wanted = np.zeros(2 * len(keys))
            wanted[place] = -1
            most = milp(wanted, integrality=np.ones(len(wanted)), bounds=Bounds(0, 10_000), constraints=known)
            assert round(-most.fun) >= MINIMUM, (seed, keys[place % len(keys)], count)


def stored(found: tuple[Figure, ...], minimum: int) -> StoredIndicator:
    one = SimpleNamespace(figures=found, minimum_cell=minimum)
    made = object.__new__(StoredIndicator)
    for name in StoredIndicator.__slots__:
        object.__setattr__(made, name, getattr(one, name, None))
    return made


def test_readers_see_no_number_of_what_is_suppressed_and_none_of_a_lower_minimum():
    found = figures({("ministry", "G01"): (4, 40), ("ministry", "G02"): (30, 60), ("ministry", "G03"): (31, 60)})
    seen: ShownIndicator = shown(stored(found, MINIMUM), MINIMUM)
    assert {member for _, member in seen.hidden} == hidden(found) == {"G01", "G02"}
    assert all((one.value is None) == seen.is_hidden(one) for one in seen.stored.figures)
    outdated = shown(stored(tuple(replace(one, is_suppressed=False) for one in found), 0), MINIMUM)
    assert not [one for one in outdated.stored.figures if one.value is not None]
    assert not hidden(figures({("ministry", "G01"): (1, 2)}, minimum=0))
