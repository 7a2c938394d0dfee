"""Estimates without truth: what the model expects, corrected by what people said, with honest intervals."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from include.identity.linking.accuracy import estimate, wilson
from include.identity.records.record_schema import EDGES
from include.identity.scoring.pair_decisions import review


@pytest.fixture
def estimated(lake, write):
    """`estimated(links, reviews)`: of links between the tables a and b as the model alone has them, and what people
    said of some of them, by number."""

    def estimated(links, reviews=None):
        reviews = reviews or {}
        links = [
            {"left_id": f"a{n}", "right_id": f"b{n}", "pass": "model", "decision": "link", **link}
            for n, link in enumerate(links)
        ]
        edges = [{name: value for name, value in link.items() if name != "holds"} for link in links]
        today = [reviews.get(n) == "same" or (link["holds"] and reviews.get(n) != "different")
                 for n, link in enumerate(links)]  # fmt: skip
        said = [{"left_id": f"a{n}", "right_id": f"b{n}", "decision": decision} for n, decision in reviews.items()]
        reviews_uri = write("reviews", said)
        ones = {f"a{n}" for n, is_one in enumerate(today) if is_one}
        return estimate(
            lake,
            links_uri=write("links", [
                {name: value for name, value in edge.items() if name != "blind"} | {"holds": edge["left_id"] in ones}
                for edge in as_people_decided(edges, reviews_uri)
            ]),
            edges_uri=write("edges", edges),
            clusters_uri=write("clusters", [
                {"record_id": record, "cluster": one} for record, one in persons(link["holds"] for link in links)
            ]),
            index_uri=write("index", [
                {"record_id": record, "person_id": one, "table": record[0], "registry": "r"}
                for record, one in persons(today)
            ]),
            reviews_uri=reviews_uri,
            link_at=0.97,
        )  # fmt: skip

    return estimated


def persons(holds):
    return [(f"{t}{n}", f"p{n}" if is_one else f"{t}{n}") for n, is_one in enumerate(holds) for t in "ab"]


def as_people_decided(edges, reviews_uri):
    with duckdb.connect() as connection:
        connection.register("given", pa.Table.from_pylist(edges, EDGES))
        connection.execute("CREATE TABLE edges AS FROM given")
        connection.execute(
            "CREATE TABLE prepared AS SELECT left_id AS record_id FROM edges UNION ALL SELECT right_id FROM edges"
        )
        review(connection, reviews_uri)
        return connection.execute("FROM edges ORDER BY left_id").to_arrow_table().to_pylist()


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
    (band,) = estimated(linked(50, 9.0, 0.99), dict(enumerate(said))).bands
    assert (band.pairs, band.reviewed, band.same, band.basis, band.rate.value) == (50, 25, 15, "reviews", 0.6)


STRONG, GREY = 400, 600


def reviewed(estimated, reviews, *, wrong):
    """The estimate, and the true precision if `wrong` strong links are of two persons and all grey pairs of one."""
    found = estimated(linked(STRONG, 22.0, 0.98) + grey(GREY, 6.0, 0.6), reviews)
    links = (set(range(STRONG)) - {n for n, said in reviews.items() if said == "different"}) | {
        n for n, said in reviews.items() if said == "same"
    }
    return found, 1 - len(links & set(range(wrong))) / len(links)


def test_what_people_said_of_grey_pairs_vouches_for_no_link_that_nobody_looked_at(estimated):
    alone, truth = reviewed(estimated, {}, wrong=8)
    assert alone.precision.lower <= truth <= alone.precision.upper
    found, truth = reviewed(estimated, dict.fromkeys(range(STRONG, STRONG + GREY), "same"), wrong=8)
    assert (found.precision.lower, found.precision.upper) == (pytest.approx((600 + 400 * 0.97) / 1000), 1.0)
    assert found.precision.lower <= truth <= found.precision.upper
    strong = [band for band in found.bands if band.is_linked]
    assert [(band.pairs, band.reviewed, band.basis) for band in strong] == [(STRONG, 0, "model")]
    assert strong == [band for band in alone.bands if band.is_linked]
    assert found.settled == GREY


def test_a_wrong_link_that_people_part_tells_of_those_that_nobody_looked_at(estimated):
    said = dict.fromkeys(range(10), "different") | dict.fromkeys(range(40, 130), "same")
    found, truth = reviewed(estimated, said, wrong=40)
    (strong,) = [band for band in found.bands if band.is_linked]
    assert (strong.pairs, strong.reviewed, strong.same, strong.basis) == (STRONG, 100, 90, "reviews")
    assert found.precision.value == pytest.approx(truth) == pytest.approx(360 / 390)
    assert found.precision.lower < truth < found.precision.upper < 0.96


def test_a_link_that_was_cut_before_people_looked_is_no_sample_of_those_that_held(estimated):
    cut = [{**link, "holds": False} for link in linked(30, 22.0, 0.98)]
    found = estimated(linked(400, 22.0, 0.98) + cut, dict.fromkeys(range(400, 430), "same"))
    bands = {band.is_linked: band for band in found.bands}
    assert (bands[True].pairs, bands[True].reviewed, bands[True].basis) == (400, 0, "model")
    assert (bands[False].pairs, bands[False].reviewed, bands[False].same) == (30, 30, 30)


def test_what_people_say_of_a_pair_moves_it_from_no_list_to_the_other(estimated):
    numbers = by_number(400, blind=0.99) + by_number(100, blind=0.8)
    pairs = numbers + linked(400, 10.0, 1.0) + grey(75, 4.0, 0.8)
    alone = estimated(pairs)
    confirmed = estimated(pairs, dict.fromkeys(range(350, 450), "same"))
    assert (confirmed.recall, confirmed.missed) == (alone.recall, alone.missed)
    joined = estimated(pairs, dict.fromkeys(range(900, 975), "same"))
    assert joined.missed.value == pytest.approx(alone.missed.value - 75)
    assert joined.missed.lower <= 25 <= joined.missed.upper
    assert joined.pairs == 975


def test_two_persons_with_one_number_are_not_missed_once_people_said_so(estimated):
    shared = {"pass": "personal_id", "holds": False, "weight": 30.0, "probability": 0.9, "decision": "finding"}
    pairs = by_number(100, blind=0.99) + linked(100, 10.0, 1.0)
    said = dict.fromkeys(range(200, 220), "different")
    assert estimated(pairs + [shared] * 20, said).missed == estimated(pairs).missed


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
