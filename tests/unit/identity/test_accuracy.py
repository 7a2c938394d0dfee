"""Estimates without truth: what the model expects, corrected by what people said, with honest intervals."""

from __future__ import annotations

import pytest

from include.identity.linking.accuracy import estimate, wilson


@pytest.fixture
def estimated(lake, write):
    """`estimated(links)`: of links between the tables a and b; `alone` more records of a belong to nobody else."""

    def estimated(links, reviews=(), *, alone=0, **more):
        links = [
            {"left_id": f"a{n}", "right_id": f"b{n}", "pass": "model", "decision": "link", **link}
            for n, link in enumerate(links)
        ]
        index = [
            {"record_id": f"{table}{n}", "person_id": f"p{n}" if link["holds"] else f"{table}{n}", "table": table}
            for n, link in enumerate(links)
            for table in "ab"
        ]
        index += [{"record_id": f"a-{n}", "person_id": f"a-{n}", "table": "a"} for n in range(alone)]
        return estimate(
            lake,
            links_uri=write("links", links),
            index_uri=write("index", index),
            reviews_uri=write("reviews", reviews),
            link_weight=8.0,
            **more,
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


def test_without_reviews_the_models_probabilities_add_up(estimated):
    found = estimated(linked(90, 17.0, 1.0) + linked(10, 9.0, 0.9) + grey(20, 3.0, 0.05))
    assert found.precision.value == pytest.approx(0.99)
    assert found.recall.value == pytest.approx(99 / 100)
    assert found.precision.lower < 0.99 < found.precision.upper
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
    by_id = linked(90, 10.0, 1.0, **{"pass": "personal_id"}) + linked(10, 2.0, 1.0, **{"pass": "personal_id"})
    found = estimated(by_id + linked(100, 10.0, 1.0), alone=50)
    assert found.unseen == pytest.approx(10 * 100 / 91)
    assert found.recall.value == pytest.approx(200 / (200 + found.unseen))
    assert found.recall.lower < found.recall.value < found.recall.upper


def test_no_more_records_were_missed_than_are_alone(estimated):
    by_id = linked(10, 10.0, 1.0, **{"pass": "personal_id"}) + linked(90, 2.0, 1.0, **{"pass": "personal_id"})
    assert estimated(by_id + linked(100, 10.0, 1.0), alone=4).unseen == 4


def test_the_weight_of_the_id_itself_does_not_count_as_the_models(estimated):
    by_id = linked(90, 30.0, 1.0, **{"pass": "old_id"}) + linked(10, 22.0, 1.0, **{"pass": "old_id"})
    found = estimated(by_id + linked(100, 10.0, 1.0), alone=50, id_weight=20.0)
    assert found.unseen == pytest.approx(10 * 100 / 91)


def test_no_pair_at_all_is_no_certainty(estimated):
    found = estimated([])
    assert (found.precision.lower, found.precision.upper) == (0.0, 1.0)
    assert (found.recall.lower, found.recall.upper) == (0.0, 1.0)
