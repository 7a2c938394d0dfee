"""A record that leaves the index is kept with the person it belonged to, once, whatever is killed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from include.pipelines.people import linking
from include.pipelines.people.linking import commit_link_step, link_persons, link_step
from tests.integration.identity.registers import Country
from tests.integration.identity.test_link_pipeline import Killed, is_whole, rows, run, who
from tests.repeats import held_by

KEPT = "integration/identity/test_former_records.py::test_a_record_that_left_is_kept_with_its_person"


@pytest.mark.parametrize("is_killed", [pytest.param(False, marks=held_by(KEPT)), True])
def test_a_record_that_left_is_kept_with_its_person(
    nation: Country, monkeypatch: pytest.MonkeyPatch, is_killed: bool
) -> None:
    number, before = sorted(nation.members)[-1], who(nation)
    record = f'insurance.member:["{number}"]'
    del nation.members[number]
    nation.publish()
    planned = link_step(run(2), context=nation.context)
    if is_killed:

        def stop(*_: object, **__: object) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            stopped: Callable[..., None] = stop
            patch.setattr(linking, "upsert_people", stopped)
            with pytest.raises(Killed):
                commit_link_step(planned, context=nation.context)
    commit_link_step(planned, context=nation.context)
    assert link_persons(run(3), context=nation.context).verdict == "unchanged"
    (former,) = rows(nation, "former")
    assert (former["record_id"], former["person_id"]) == (record, before[record])
    assert record not in who(nation)
    assert is_whole(nation)
