"""A simulated country, whose truth is known: nobody is joined with a stranger, few are missed, few are asked.

The other tests of linking name their persons one by one. Only a country has enough of them for two to share a name, a
ward and a year, as every pair did that waited for a person.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.identity.simulated import Simulated
from tests.repeats import held_by, repeats

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    return Simulated(tmp_path_factory.mktemp("country"), persons=repeats(2_000, 4_000), seed=5)


def test_nobody_is_joined_with_a_stranger_and_hardly_anybody_is_missed(linked: Simulated) -> None:
    outcome = linked.outcome
    assert outcome.found == outcome.both
    assert outcome.both == pytest.approx(outcome.true, rel=0.003)


def test_the_estimates_of_the_run_hold(linked: Simulated) -> None:
    assert linked.outcome.is_honest
    assert linked.linked.recall_upper - linked.linked.recall_lower < 0.01


@held_by("integration/identity/test_simulated_country.py::test_the_estimates_of_the_run_hold")
def test_they_hold_however_dirty_the_registers_are(tmp_path: Path) -> None:
    outcome = Simulated(tmp_path, persons=1_500, seed=6, dirt=8.0).outcome
    assert outcome.true > outcome.both
    assert outcome.is_honest


def test_what_a_wanted_precision_costs_is_on_record(linked: Simulated) -> None:
    found = linked.linked.thresholds
    assert [one["link_at"] for one in found] == sorted(one["link_at"] for one in found)
    assert [one["reviews"] for one in found] == sorted(one["reviews"] for one in found)
    assert all(found[-1]["recall"]["value"] <= one["recall"]["value"] for one in found)


def test_no_link_of_the_model_joins_two_persons_even_before_it_is_set_aside(linked: Simulated) -> None:
    assert linked.counted(f"SELECT count(*) FROM {_PAIRS} WHERE decision = 'link' AND NOT is_one") == (0,)


def test_those_who_are_asked_about_are_as_often_one_person_as_two(linked: Simulated) -> None:
    one, two = linked.counted(
        f"""SELECT count(*) FILTER (is_one), count(*) FILTER (NOT is_one) FROM {_PAIRS}
        WHERE decision = 'review' AND NOT holds""",
    )
    assert two <= max(one, 4)


_PAIRS = """(SELECT links.*, a.true_person = b.true_person AS is_one FROM links
    JOIN said a ON a.record_id = left_id JOIN said b ON b.record_id = right_id)"""
