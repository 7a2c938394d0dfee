"""Answering a request: who may, what a grant drafts, what a refusal must say, and two who answer at once."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest

from include.audit import ledger
from include.pipelines.decisions import NotASteward
from include.pipelines.requests import (
    Choice,
    RequestOvertaken,
    RequestRefused,
    accept,
    ask_for,
    follow_requests,
    grant,
    notices,
    refuse,
    request_of,
)
from include.pipelines.requests.recording import act_on
from include.sharing.agreements import SharedColumn, load_agreement
from include.sharing.requests import Note, Refusal, Request, summaries
from tests.small_population import MONDAY, OWNER, STEWARD, At, write_agreement

from .conftest import DAY, an_ask

REFUSAL = Refusal("state_secret", "Điều 7 Luật 29/2018/QH14", "Thuộc danh mục bí mật nhà nước")


@pytest.mark.parametrize("who", ["nso", "bao-ve-du-lieu", "can-bo-cu", "", "anybody"])
def test_who_is_no_steward_or_owner_in_office_answers_nothing(context: At, asked: Request, who: str) -> None:
    for act in (
        lambda: grant(context, asked.request_id, who, Choice()),
        lambda: refuse(context, asked.request_id, who, REFUSAL),
        lambda: accept(context, asked.request_id, who),
    ):
        with pytest.raises(NotASteward, match="Who may: bo-cong-an, cuc-c06"):
            act()
    assert request_of(context, asked.request_id).state == "open"


def test_a_grant_drafts_an_agreement_with_protections_by_classification(context: At) -> None:
    columns = ("personal_id", "full_name", "birth_date", "status_code", "updated_on")
    asked = ask_for(context, "nso", "population.citizen", an_ask(columns=columns))
    done = grant(context, asked.request_id, STEWARD, Choice())
    assert (done.state, done.answered_by) == ("granted", STEWARD)
    assert done.grant is not None
    assert [str(column) for column in done.grant.columns] == [
        "personal_id pseudonym", "full_name none", "birth_date year", "status_code none", "updated_on none",
    ]  # fmt: skip
    path = context.schemas / "agreements" / f"{done.grant.agreement_id}.yaml"
    path.write_text(done.grant.text, encoding="utf-8")
    agreement = load_agreement(path)
    assert (agreement.recipient, agreement.provider_contact) == ("nso", "a@bca.example")
    assert agreement.products[0].name == "citizen_2"  # the recipient has a product `citizen`
    assert agreement.products[0].rows == "status_code = '1'"
    assert (agreement.valid_from, agreement.valid_until) == (date(2026, 3, 2), date(2026, 12, 31))


def test_less_is_granted_with_a_reason_and_what_is_left_out_is_dropped(context: At, asked: Request) -> None:
    less = Choice(columns=(SharedColumn("birth_date", "year"),), valid_until=date(2026, 6, 30))
    with pytest.raises(RequestRefused, match="less than was asked for: say why"):
        grant(context, asked.request_id, STEWARD, less)
    done = grant(context, asked.request_id, OWNER, replace(less, reason="Không cần họ tên"))
    assert done.grant is not None
    assert done.grant.is_less
    assert [str(column) for column in done.grant.columns] == ["full_name drop", "birth_date year"]
    assert done.grant.given == ("birth_date",)
    assert done.reason == "Không cần họ tên"


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (Choice(columns=(SharedColumn("status_code"),)), "`status_code` was not asked for"),
        (Choice(columns=(), reason="x"), "nothing would be given"),
        (Choice(columns=(SharedColumn("full_name", "year"), SharedColumn("birth_date"))), "only a date has a year"),
        (Choice(rows="nonsense(", reason="x"), "row filter"),
        (Choice(contact="nobody"), "mailbox"),
        (Choice(rows="true) OR (true", reason="x"), "row filter"),
        (Choice(valid_until=date(2027, 1, 1), reason="x"), "grant until 2026-12-31 at most"),
    ],
)
def test_a_draft_that_check_would_refuse_is_not_granted(context: At, asked: Request, choice: Choice, told: str) -> None:
    with pytest.raises(RequestRefused, match=told):
        grant(context, asked.request_id, STEWARD, choice)
    assert request_of(context, asked.request_id).state == "open"


# Older tests chose rows for their mistakes alone, and a last day only before the asked one.
@pytest.mark.parametrize(
    ("chosen", "given", "is_less"),
    [
        ("", "status_code = '1'", False),
        (" status_code='1' ", "status_code = '1'", False),
        ("birth_date IS NOT NULL", "(status_code = '1') AND (birth_date IS NOT NULL)", True),
        ("status_code = '1' OR true", "(status_code = '1') AND (status_code = '1' OR true)", True),
    ],
)
def test_no_choice_of_rows_gives_more_than_was_asked(
    context: At, asked: Request, chosen: str, given: str, is_less: bool
) -> None:
    done = grant(context, asked.request_id, STEWARD, Choice(rows=chosen, reason="thu hẹp"))
    assert done.grant is not None
    assert (done.grant.rows, done.grant.is_less) == (given, is_less)
    path = context.schemas / "agreements" / "drafted.yaml"
    path.write_text(done.grant.text, encoding="utf-8")
    assert load_agreement(path).products[0].rows == given


def test_of_all_rows_a_part_is_granted_by_its_own_condition(context: At) -> None:
    asked = ask_for(context, "nso", "population.citizen", an_ask(rows=""))
    done = grant(context, asked.request_id, STEWARD, Choice(rows="status_code = '1'", reason="đủ cho mục đích"))
    assert done.grant is not None
    assert (done.grant.rows, done.grant.is_less) == ("status_code = '1'", True)


def test_without_any_agreement_the_provider_says_its_mailbox(context: At, asked: Request) -> None:
    for path in (context.schemas / "agreements").glob("*.yaml"):
        path.unlink()
    with pytest.raises(RequestRefused, match="give one"):
        grant(context, asked.request_id, STEWARD, Choice())
    assert grant(context, asked.request_id, STEWARD, Choice(contact="c06@bca.example")).state == "granted"


@pytest.mark.parametrize(
    "text",
    [
        "a: b\nwithdrawn: {from: 2000-01-01, reason: x}",
        "'\"}]\n- products: []",
        "&a [*a, *a]",
        "!!python/object/apply:os.system ['true']",
        "# no comment",
        "--- a\n...",
        "{{ 1 + 1 }} <script>",
    ],
)
def test_what_an_asker_writes_is_text_in_the_draft(context: At, text: str) -> None:
    asked = ask_for(context, "nso", "population.citizen", an_ask(purpose=text, legal_basis=(text,)))
    done = grant(context, asked.request_id, STEWARD, Choice())
    assert done.grant is not None
    path = context.schemas / "agreements" / "drafted.yaml"
    path.write_text(done.grant.text, encoding="utf-8")
    agreement = load_agreement(path)
    assert agreement.purpose == text.strip()
    assert agreement.legal_basis == (" ".join(text.split()),)
    assert agreement.withdrawal is None


def test_a_column_that_the_contract_lost_meanwhile_is_left_out(context: At, asked: Request) -> None:
    path = context.schemas / "registries" / "population.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("name: full_name", "name: whole_name"), encoding="utf-8")
    with pytest.raises(RequestRefused, match="less than was asked for"):
        grant(context, asked.request_id, STEWARD, Choice())
    done = grant(context, asked.request_id, STEWARD, Choice(reason="cột không còn"))
    assert done.grant is not None
    assert [str(column) for column in done.grant.columns] == ["birth_date year"]


def test_a_restricted_column_is_not_granted_bare(context: At) -> None:
    asked = ask_for(context, "nso", "population.citizen", an_ask(columns=("personal_id",)))
    with pytest.raises(RequestRefused, match="is restricted and would be given bare"):
        grant(context, asked.request_id, STEWARD, Choice(columns=(SharedColumn("personal_id"),)))


def test_a_refusal_names_its_ground_and_article(context: At, asked: Request) -> None:
    for wrong, told in (
        (replace(REFUSAL, ground="because"), "choose one of state_secret"),
        (replace(REFUSAL, article=" "), "cite the article"),
        (replace(REFUSAL, reason=""), "cite the article"),
    ):
        with pytest.raises(RequestRefused, match=told):
            refuse(context, asked.request_id, STEWARD, wrong)
    done = refuse(context, asked.request_id, STEWARD, REFUSAL)
    assert (done.state, done.refusal) == ("refused", REFUSAL)
    with pytest.raises(RequestOvertaken, match="is refused, by cuc-c06"):
        grant(context, asked.request_id, OWNER, Choice())


def test_of_two_who_answer_at_once_one_wins_and_the_other_is_told(context: At, asked: Request) -> None:
    begin, told = threading.Barrier(2), []

    def answer(by: str, act: object) -> None:
        begin.wait()
        try:
            act()  # type: ignore[operator]
            told.append("done")
        except RequestOvertaken as overtaken:
            told.append(str(overtaken))

    both = (
        threading.Thread(target=answer, args=(STEWARD, lambda: refuse(context, asked.request_id, STEWARD, REFUSAL))),
        threading.Thread(target=answer, args=(OWNER, lambda: grant(context, asked.request_id, OWNER, Choice()))),
    )
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(told)[1] == "done"
    assert "nothing was changed" in sorted(told)[0]
    state = request_of(context, asked.request_id)
    assert state.number == 2
    assert f"is {state.state}, by {state.answered_by}" in sorted(told)[0]
    assert ledger.read_kind(context.lake, "request")[1].num_rows == 2


def test_who_is_overtaken_between_looking_and_writing_is_told(context: At, asked: Request) -> None:
    def decide(request: Request) -> Note:
        if request_of(context, asked.request_id).state == "open":
            refuse(context, asked.request_id, OWNER, REFUSAL)  # while the other was thinking
        return Note()

    with pytest.raises(RequestOvertaken, match="is refused, by bo-cong-an"):
        act_on(context, asked.request_id, "withdrawn", "nso", decide)
    assert request_of(context, asked.request_id).number == 2


def test_a_grant_takes_force_when_its_file_is_in_place_and_its_days_have_come(context: At, asked: Request) -> None:
    done = grant(context, asked.request_id, STEWARD, Choice())
    assert not follow_requests(context)
    assert done.grant is not None
    text = done.grant.text.replace("from: 2026-03-02", "from: 2026-03-10")
    (context.schemas / "agreements" / "any_name.yaml").write_text(text, encoding="utf-8")
    assert not follow_requests(context)
    context.clock[0] = MONDAY + 8 * DAY
    assert follow_requests(context) == (asked.request_id,)
    assert request_of(context, asked.request_id).state == "in force"
    assert not follow_requests(context)


def test_the_steward_is_reminded_on_the_last_day_and_then_it_goes_to_the_owner(context: At, asked: Request) -> None:
    assert not follow_requests(context)
    context.clock[0] = MONDAY + 3 * DAY
    assert follow_requests(context) == (asked.request_id,)
    assert not follow_requests(context)
    assert request_of(context, asked.request_id).reminded
    context.clock[0] = MONDAY + 4 * DAY
    assert follow_requests(context) == (asked.request_id,)
    assert not follow_requests(context)
    assert request_of(context, asked.request_id).escalated
    assert refuse(context, asked.request_id, OWNER, REFUSAL).state == "refused"
    (counted,) = summaries([request_of(context, asked.request_id)], at=context.now())
    assert (counted.asked, counted.in_time, counted.late, counted.refused) == (1, 0, 1, (("state_secret", 1),))


def test_answers_are_counted_by_provider(context: At, asked: Request) -> None:
    other = ask_for(context, "moh", "population.citizen", an_ask(recipient_name="Bộ Y tế"))
    grant(context, other.request_id, STEWARD, Choice())
    requests = [request_of(context, asked.request_id), request_of(context, other.request_id)]
    (counted,) = summaries(requests, at=MONDAY + timedelta(days=3))
    assert (counted.registry, counted.asked, counted.in_time, counted.open, counted.overdue) == (
        "population",
        2,
        1,
        1,
        0,
    )
    (counted,) = summaries(requests, at=MONDAY + timedelta(days=4))
    assert (counted.granted, counted.granted_less, counted.overdue) == (1, 0, 1)


def test_each_event_has_one_notice_to_an_office_without_a_word_of_the_request(context: At, asked: Request) -> None:
    context.environ["LIENTHONG_PORTAL_URL"] = "https://data.example/"  # type: ignore[index]
    refuse(context, asked.request_id, STEWARD, REFUSAL)
    first, second = notices(context)
    assert (first.act, first.to) == ("asked", ("a@bca.example",))
    assert (second.act, second.to) == ("refused", ("b@nso.example",))
    assert "https://data.example/requests/nso-population-citizen-1" in first.text
    for notice in (first, second):
        assert not any(word in str(notice) for word in ("Lập mẫu", "bí mật", "Điều 7", "full_name"))
    context.clock[0] = MONDAY + 30 * DAY
    assert not notices(context)  # too old for anybody


def test_a_broken_agreement_stops_no_answer(context: At, asked: Request) -> None:
    write_agreement(context.schemas, "broken", ("version: 1.0.0", "versjon: 1"))
    assert grant(context, asked.request_id, STEWARD, Choice()).state == "granted"
