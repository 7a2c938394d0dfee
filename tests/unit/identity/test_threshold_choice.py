"""From which probability on to link, by the precision that is wanted of the links; and what it costs."""

from __future__ import annotations

import duckdb
import pytest

from include.identity.linkage_model import Model
from include.identity.linking.accuracy import Accuracy, Estimate
from include.identity.linking.threshold_choice import thresholds

MODEL = Model("person", "1", {}, link_at=0.97, review_at=0.5)
# Pass, probability, decision, how many.
LINKS = [("personal_id", 1.0, "link", 100), ("model", 0.999, "link", 50), ("model", 0.9, "review", 20),
         ("model", 0.6, "review", 30), ("model", 0.9, "finding", 7)]  # fmt: skip
SURE = Estimate(1.0, 1.0, 1.0)


def chosen(wanted, links=LINKS, accuracy=None):
    with duckdb.connect() as connection:
        connection.execute('CREATE TABLE said ("pass" VARCHAR, probability DOUBLE, decision VARCHAR)')
        for link in links:
            connection.execute("INSERT INTO said SELECT $1, $2, $3 FROM range($4)", link)
        (found,) = thresholds(connection, "said", MODEL, accuracy, (wanted,))
    return found


@pytest.mark.parametrize(
    ("wanted", "link_at", "links", "reviews"),
    [
        (0.8, 0.6, 200, 0),  # 50 at 0.999, 20 at 0.9 and 30 at 0.6 are 0.86 on average
        (0.95, 0.9, 170, 30),
        (0.99, 0.999, 150, 50),
        (0.9999, 0.999999, 100, 100),  # no pair is as sure: the model links none
    ],
)
def test_pairs_are_linked_down_to_where_their_mean_is_as_wanted(wanted, link_at, links, reviews):
    found = chosen(wanted)
    assert (found.link_at, found.links, found.reviews, found.recall) == (pytest.approx(link_at), links, reviews, None)


def test_recall_grows_by_the_matches_among_the_pairs_that_are_linked_too():
    accuracy = Accuracy((), SURE, Estimate(0.75, 0.6, 0.9), Estimate(50.0, 100.0 / 3, 200.0), 150.0)
    assert chosen(0.99, accuracy=accuracy).recall.value == pytest.approx(0.75)
    found = chosen(0.95, accuracy=accuracy).recall
    assert (found.value, found.lower) == pytest.approx((168 / 200, 168 / 350))
    assert found.upper == pytest.approx(168 / (150 + 100 / 3))


def test_where_the_model_linked_nothing_the_wanted_precision_itself_is_the_threshold():
    assert chosen(0.99, links=LINKS[:1]).link_at == 0.99
