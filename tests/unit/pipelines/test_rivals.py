"""The steps of a pair's weighing end at its probability, also where other persons weigh in."""

from __future__ import annotations

import pytest

from include.identity.scoring.explanations import Step
from include.pipelines.people.explanations import with_rivals

STEPS = (Step("name", "same name", -1.7, -1.7),)


@pytest.mark.parametrize(
    ("probability", "bits", "found"),
    [(0.907, 4.99, "no other fits as well"), (0.1, -1.47, "others fit too")],
)
def test_the_others_who_might_be_meant_are_the_last_step(probability: float, bits: float, found: str) -> None:
    *_, last = with_rivals(STEPS, probability)
    assert (last.comparison, last.found, round(last.bits, 2)) == ("rivals", found, bits)
    assert round(1 / (1 + 2**-last.sum), 6) == probability


@pytest.mark.parametrize("probability", [None, 0.0, 1.0, 1 / (1 + 2**1.7)])
def test_no_step_where_they_weigh_nothing_or_nothing_is_known(probability: float | None) -> None:
    assert with_rivals(STEPS, probability) == STEPS
    assert with_rivals((), 0.5) == ()
