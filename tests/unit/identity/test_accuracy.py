"""Estimates without truth: what the model expects, corrected by what people said, with honest intervals."""

from __future__ import annotations

import pytest

from include.identity.linking.accuracy import estimate, wilson


@pytest.fixture
def estimated(lake, write):
    """`estimated(links)`: of links between the tables a and b."""

    def estimated(links, reviews=()):
        links = [
            {"left_id": f"a{n}", "right_id": f"b{n}", "pass": "model", "decision": "link", **link}
            for n, link in enumerate(links)
        ]
        index = [
            {"record_id": f"{table}{n}", "person_id": f"p{n}" if link["holds"] else f"{table}{n}", "table": table,
             "registry": "r"}
            for n, link in enumerate(links)
            for table in "ab"
        ]  # fmt: skip
        edges = [{name: value for name, value in link.items() if name != "holds"} for link in links]
        links = [{name: value for name, value in link.items() if name != "blind"} for link in links]
        return estimate(
            lake,
            links_uri=write("links", links),
            edges_uri=write("edges", edges),
            index_uri=write("index", index),
            reviews_uri=write("reviews", reviews),
            link_at=0.97,
        )

    return estimated


def linked(count, weight, probability, **more):
    return [{"weight": weight, "probability": probability, "holds": True, **more}] * count


def grey(count, weight, probability):
    return [{"weight": weight, "probability": probability, "holds": False, "decision": "review"}] * count


@pytest.mark.parametrize(
    ("successes", "trials", "lower", "upper"),
    [(10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775), (81, 263, 0.2553, 0.3662)],  # the last: Newcombe (1998), table I
)
def test_wilsons_interval_is_the_published_one(successes, trials, lower, upper):
    found = wilson(successes, trials)
    assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=1e-4)


def test_without_any_trial_nothing_is_known():
    assert (wilson(0, 0).lower, wilson(0, 0).upper) == (0.0, 1.0)


def by_number(count, *, blind):
    """Links by a personal id that the model would rate `blind` without it."""
    return linked(count, 30.0, 1.0, **{"pass": "personal_id", "blind": blind})


def test_without_reviews_the_models_probabilities_add_up_and_a_pair_is_no_surer_than_its_threshold(estimated):
    found = estimated(linked(90, 17.0, 1.0) + linked(10, 9.0, 0.9) + grey(20, 3.0, 0.05))
    assert (found.precision.value, found.precision.lower, found.precision.upper) == pytest.approx((0.99, 0.963, 1.0))
    assert [(band.low, band.high, band.is_linked, band.pairs) for band in found.bands] == [
        (0, 4, False, 20), (8, 12, True, 10), (16, 20, True, 90),
    ]  # fmt: skip
    assert {band.basis for band in found.bands} == {"model"}


def test_where_enough_was_reviewed_people_are_believed(estimated):
    said = ["same"] * 15 + ["different"] * 10 + ["cannot_tell"] * 5
    reviews = [{"left_id": f"a{n}", "right_id": f"b{n}", "decision": d} for n, d in enumerate(said)]
    (band,) = estimated(linked(50, 9.0, 0.99), reviews).bands
    assert (band.reviewed, band.same, band.basis, band.rate.value) == (25, 15, "reviews", 0.6)


def test_what_the_model_misses_of_what_ids_find_tells_what_neither_finds(estimated):
    found = estimated(by_number(90, blind=0.99) + by_number(10, blind=0.9) + linked(100, 10.0, 1.0))
    assert found.missed.value == pytest.approx(10 * 100 / 91)
    assert found.recall.value == pytest.approx(200 / (200 + found.missed.value))
    assert found.missed.lower < 11 / 3
    assert found.missed.upper > 11 * 3


def test_a_pair_that_only_a_number_brought_together_is_one_that_the_model_misses(estimated):
    found = estimated(by_number(90, blind=0.99) + by_number(10, blind=None) + linked(100, 10.0, 1.0))
    assert found.missed.value == pytest.approx(10 * 100 / 91)


def test_pairs_of_one_number_and_two_persons_may_have_been_missed(estimated):
    apart = {"pass": "personal_id", "holds": False}
    sure = by_number(100, blind=0.99) + linked(100, 10.0, 1.0)
    cut, found = ([{"weight": 30.0, "probability": 0.9, "decision": d, **apart}] * 20 for d in ("link", "finding"))
    assert estimated(sure).missed.value == 0
    assert estimated(sure + cut).missed.value == pytest.approx(18 + 18 * 100 / 101)
    assert estimated(sure + found).missed.value == 0
    assert estimated(sure + found).missed.upper > estimated(sure).missed.upper + 20


@pytest.mark.parametrize("numbers", [0, 29])
def test_without_enough_id_numbers_recall_is_not_estimable_however_sure_the_model_is(estimated, numbers):
    found = estimated(by_number(numbers, blind=1.0) + linked(5000, 30.0, 1.0))
    assert (found.recall, found.missed, found.reason) == (None, None, "numbers")
    assert found.precision.lower < 0.98


def test_no_pair_at_all_is_no_certainty(estimated):
    found = estimated([])
    assert (found.precision.lower, found.precision.upper, found.recall) == (0.0, 1.0, None)
