"""Following by the clock: one request that fails stops no other, and a grant takes force by what was granted alone."""

from __future__ import annotations

import pytest

from include.pipelines.errors import StepFailed
from include.pipelines.requests import (
    Choice,
    accept,
    ask_for,
    dispute,
    follow_requests,
    following,
    grant,
    request_of,
)
from include.sharing.agreements import SharedColumn
from include.sharing.products import MasterKey, check_agreements
from tests.small_population import MONDAY, STEWARD, At, write_agreement

from .conftest import DAY, KEY, an_ask, share

YEAR = "      - {name: birth_date, protection: year}\n"


def test_a_dispute_of_a_column_that_is_shared_no_more_stops_no_other_request(context: At) -> None:
    share(context)
    key = (("personal_id", MasterKey(KEY).of("nso").pseudonym("001199000001")),)
    reported = dispute(context, "nso", "census", "citizen", key=key, column="birth_date", right="2000", evidence="x")
    accept(context, reported.request_id, STEWARD)
    asked = ask_for(context, "nso", "population.citizen", an_ask())
    write_agreement(context.schemas, "census", (YEAR, ""))
    context.clock[0] = MONDAY + 5 * DAY
    share(context, run_id="s2")
    assert follow_requests(context) == (asked.request_id,)
    assert request_of(context, reported.request_id).state == "accepted"


def test_one_request_that_fails_is_named_and_stops_no_other(context: At, monkeypatch: pytest.MonkeyPatch) -> None:
    share(context)
    key = (("personal_id", MasterKey(KEY).of("nso").pseudonym("001199000001")),)
    reported = dispute(context, "nso", "census", "citizen", key=key, column="birth_date", right="2000", evidence="x")
    accept(context, reported.request_id, STEWARD)
    asked = ask_for(context, "nso", "population.citizen", an_ask())
    context.clock[0] = MONDAY + 5 * DAY

    def broken(*_: object) -> bool:
        raise ValueError("001199000001")

    monkeypatch.setattr(following, "is_mended", broken)
    with pytest.raises(StepFailed, match="1 requests could not be followed") as failed:
        follow_requests(context)
    assert reported.request_id in str(failed.value)
    assert "001199000001" not in str(failed.value)
    assert request_of(context, asked.request_id).escalated


BARE = Choice((SharedColumn("birth_date"),))


@pytest.mark.parametrize(
    ("replaced", "state"),
    [
        ((), "in force"),
        ((("protection: none", "protection: year"),), "granted"),
        ((("name: birth_date", "name: status_code"),), "granted"),
        ((("status_code = '1'", "status_code = '2'"),), "granted"),
        ((("until: 2026-12-31", "until: 2026-12-30"),), "granted"),
        ((("id: nso", "id: moh"),), "granted"),
        ((("until: 2026-12-31", "until: 2027-12-31"), ("  rows: status_code = '1'\n", "")), "in force"),
    ],
)
def test_a_grant_takes_force_by_no_less_than_what_was_granted(
    context: At, replaced: tuple[tuple[str, str], ...], state: str
) -> None:
    """The agreement `census`, for another purpose, has the year of birth."""
    share(context)
    asked = ask_for(context, "nso", "population.citizen", an_ask(columns=("birth_date",)))
    done = grant(context, asked.request_id, STEWARD, BARE)
    assert not follow_requests(context)
    assert done.grant is not None
    text = done.grant.text
    for old, new in replaced:
        assert old in text, old
        text = text.replace(old, new)
    (context.schemas / "agreements" / f"{done.grant.agreement_id}.yaml").write_text(text, encoding="utf-8")
    follow_requests(context)
    assert request_of(context, asked.request_id).state == state


def test_an_older_agreement_for_another_purpose_is_not_what_was_granted(context: At) -> None:
    asked = ask_for(context, "nso", "population.citizen", an_ask(columns=("birth_date",)))
    grant(context, asked.request_id, STEWARD, Choice((SharedColumn("birth_date", "year"),)))
    assert not follow_requests(context)  # `census` gives the year, for statistics of the population
    assert request_of(context, asked.request_id).state == "granted"


def test_two_grants_that_wait_have_names_of_their_own(context: At) -> None:
    texts = {}
    for columns in (("full_name",), ("full_name", "birth_date")):
        asked = ask_for(context, "nso", "population.citizen", an_ask(columns=columns))
        done = grant(context, asked.request_id, STEWARD, Choice())
        assert done.grant is not None
        texts[done.grant.agreement_id] = done.grant.text
    assert [*texts] == ["citizen_for_nso", "citizen_for_nso_2"]
    for name, text in texts.items():
        (context.schemas / "agreements" / f"{name}.yaml").write_text(text, encoding="utf-8")
    assert not check_agreements(context.schemas, context.contracts)
    assert len(follow_requests(context)) == 2
