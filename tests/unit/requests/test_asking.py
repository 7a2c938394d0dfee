"""Asking for data: what is taken in, what is sent back at once, and what stands where afterwards."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from deltalake import write_deltalake

from include.audit import ledger
from include.audit.verification import verify
from include.pipelines.errors import Misuse
from include.pipelines.requests import (
    Choice,
    RequestOvertaken,
    RequestRefused,
    RequestUnknown,
    all_requests,
    ask_for,
    grant,
    recording,
    request_of,
    withdraw,
)
from include.sharing.agreements import SharedColumn
from include.sharing.requests import DAYS_TO_ANSWER, Request
from include.vietnam import WorkingDays
from tests.small_population import MONDAY, STEWARD, At, write_agreement

from .conftest import an_ask


def test_what_is_asked_for_is_open_until_two_working_days_are_over(context: At, asked: Request) -> None:
    assert (asked.request_id, asked.state) == ("nso-population-citizen-1", "open")
    assert asked.due_on == date(2026, 3, 5)  # Wednesday is off
    assert request_of(context, asked.request_id) == asked
    assert asked.ask == an_ask()


@pytest.mark.parametrize(
    ("asked_at", "due_on"),
    [
        ("2026-04-24T03:00+00:00", "2026-04-29"),  # Friday; 26 April (Hùng Vương) is a Sunday, 27 April off instead
        ("2026-04-24T17:30+00:00", "2026-04-29"),  # Saturday in Hà Nội
        ("2026-04-29T03:00+00:00", "2026-05-05"),  # 30 April and 1 May are off, and the week-end
        ("2026-02-13T03:00+00:00", "2026-02-24"),  # Tết
    ],
)
def test_days_are_counted_by_the_holidays_of_the_code_list(asked_at: str, due_on: str) -> None:
    days = WorkingDays.load(Path(__file__).parents[3] / "schemas")
    assert days.due_on(datetime.fromisoformat(asked_at), DAYS_TO_ANSWER) == date.fromisoformat(due_on)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"purpose": "  "}, "say what the data is needed for"),
        ({"legal_basis": ()}, "name the law or decree"),
        ({"columns": ("full_name", "wage")}, "has no column `wage`"),
        ({"columns": ()}, "at least one column"),
        ({"rows": "1 = 1; DROP TABLE x"}, "the row filter"),
        ({"rows": "status_code IN (SELECT 1)"}, "the row filter"),
        ({"rows": "birth_date = 'x' OR wage > 1"}, "not a column"),
        ({"rows": "personal_id = '001199000001'"}, "no number and no name of a person"),
        ({"purpose": "Tra cứu 0011 9900 0001"}, "no number of a person"),
        ({"valid_until": date(2026, 3, 1)}, "before it begins"),
        ({"contact": "nobody"}, "mailbox"),
        ({"purpose": "a" * 4001}, "more than 4000"),
        ({"purpose": "a\x00b"}, "is not seen"),
        ({"columns": ("status_code",)}, "the agreement `census` gives this already"),
    ],
)
def test_it_is_sent_back_at_once(context: At, changed: dict[str, object], told: str) -> None:
    with pytest.raises(RequestRefused, match=told) as refused:
        ask_for(context, "nso", "population.citizen", an_ask(**changed))
    assert refused.value.text.vietnamese
    assert not all_requests(context)
    assert not ledger.read_kind(context.lake, "request")[1].num_rows


def test_a_condition_on_days_names_no_person(context: At) -> None:
    rows = "birth_date BETWEEN DATE '2000-01-01' AND DATE '2009-12-31'"
    assert ask_for(context, "nso", "population.citizen", an_ask(rows=rows)).state == "open"


@pytest.mark.parametrize(("table", "told"), [("population.x", "no table `x`"), ("tax.x", "no registry `tax`")])
def test_an_unknown_table_is_told(context: At, table: str, told: str) -> None:
    with pytest.raises(Misuse, match=told):
        ask_for(context, "nso", table, an_ask())


def test_a_recipient_id_that_is_none_is_told(context: At) -> None:
    with pytest.raises(RequestRefused, match="cannot be a recipient's id"):
        ask_for(context, "../x", "population.citizen", an_ask())


def test_what_was_asked_for_is_not_asked_for_twice_until_it_is_closed(context: At, asked: Request) -> None:
    with pytest.raises(RequestRefused, match="asked for before, in `nso-population-citizen-1`"):
        ask_for(context, "nso", "population.citizen", an_ask(columns=("full_name",)))
    withdraw(context, "nso", asked.request_id, "Không còn cần")
    again = ask_for(context, "nso", "population.citizen", an_ask())
    assert again.request_id == "nso-population-citizen-2"
    assert request_of(context, asked.request_id).state == "withdrawn"


@pytest.mark.parametrize(("purposes", "told"), [(("a", "a"), 0), (("a", "b"), 1)])
def test_what_is_asked_for_twice_at_once_is_one_request(context: At, purposes: tuple[str, str], told: int) -> None:
    begin, refused = threading.Barrier(2), []

    def send(purpose: str) -> None:
        begin.wait()
        try:
            ask_for(context, "nso", "population.citizen", an_ask(purpose=purpose))
        except RequestRefused as error:
            refused.append(str(error))

    both = [threading.Thread(target=send, args=(purpose,)) for purpose in purposes]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert [*all_requests(context)] == ["nso-population-citizen-1"]
    assert told <= len(refused) <= 1
    assert ledger.read_kind(context.lake, "request")[1].num_rows == 1


def test_another_recipient_may_ask_for_the_same_and_a_longer_period_is_no_repetition(
    context: At, asked: Request
) -> None:
    other = an_ask(recipient_name="Bộ Y tế", contact="c@moh.example")
    assert ask_for(context, "moh", "population.citizen", other).request_id == "moh-population-citizen-1"
    longer = an_ask(columns=("birth_date",), valid_until=date(2027, 12, 31), purpose="Gia hạn")
    withdraw(context, "nso", asked.request_id)
    assert ask_for(context, "nso", "population.citizen", longer).state == "open"


@pytest.mark.parametrize(
    ("agreed", "is_there"),
    [
        (("until: 2026-12-31\n", "until: 2026-12-31\n"), True),
        (("until: 2026-12-31\n", "until: 2026-12-31\nwithdrawn: {from: 2027-01-01, reason: Luật mới}\n"), True),
        (("until: 2026-12-31\n", "until: 2026-12-31\nwithdrawn: {from: 2026-03-09, reason: Luật mới}\n"), False),
        (("from: 2026-01-01", "from: 2026-12-01"), False),
        (("rows: status_code = '1'", "rows: status_code   =  '1'"), True),
        (("rows: status_code = '1'", "rows: status_code = '1 '"), False),
        (("rows: status_code = '1'", "rows: status_code = ' 1'"), False),
    ],
)
def test_what_an_agreement_gives_on_all_those_days_and_rows_is_there_already(
    context: At, agreed: tuple[str, str], is_there: bool
) -> None:
    """Older tests had agreements that ended by their last day alone, and filters without a blank in a text."""
    bare = ("{name: full_name, protection: drop}", "{name: full_name, protection: none}")
    write_agreement(context.schemas, "census", bare, agreed)
    ask = an_ask(columns=("full_name",))
    if is_there:
        with pytest.raises(RequestRefused, match="gives this already, until 2026-12-31"):
            ask_for(context, "nso", "population.citizen", ask)
    else:
        assert ask_for(context, "nso", "population.citizen", ask).state == "open"


def test_what_was_left_out_of_a_grant_that_waits_may_be_asked_for_again(context: At, asked: Request) -> None:
    """Older tests repeated an ask while it was open."""
    grant(context, asked.request_id, STEWARD, Choice((SharedColumn("full_name"),), reason="Chỉ cần họ tên"))
    with pytest.raises(RequestRefused, match="asked for before"):
        ask_for(context, "nso", "population.citizen", an_ask(columns=("full_name",)))
    again = ask_for(context, "nso", "population.citizen", an_ask(columns=("birth_date",)))
    assert again.request_id == "nso-population-citizen-2"


def test_only_who_asked_takes_it_back_and_only_once(context: At, asked: Request) -> None:
    with pytest.raises(RequestUnknown, match="no request"):
        withdraw(context, "moh", asked.request_id)
    with pytest.raises(RequestUnknown, match="no request"):
        withdraw(context, "moh", "nso-population-citizen-9")
    withdraw(context, "nso", asked.request_id)
    with pytest.raises(RequestOvertaken, match="is withdrawn"):
        withdraw(context, "nso", asked.request_id)


def test_the_ledger_has_ids_and_digests_and_no_word_of_the_request(context: At, asked: Request) -> None:
    _, entries = ledger.read_kind(context.lake, "request")
    (entry,) = entries.to_pylist()
    payload = json.loads(entry["payload"])
    assert (entry["subject"], entry["actor"], entry["at"]) == (f"requests/{asked.request_id}", "nso", MONDAY)
    assert set(payload) == {"act", "number", "after", "kind", "table", "recipient", "digest"}
    assert "Lập mẫu" not in entry["payload"]
    assert not _found(context)


def _found(context: At) -> list[str]:
    """What verification finds wrong with the table of requests, or the ledger."""
    found = verify(context.lake, now=context.now()).discrepancies
    return [str(one) for one in found if "registry/population" not in str(one)]


def test_a_request_altered_in_its_table_is_found(context: At, asked: Request) -> None:
    table = context.lake.table("audit/requests")
    write_deltalake(table, table.to_pyarrow_table(), mode="overwrite")
    assert _found(context)


def test_what_a_killed_process_left_is_completed_by_the_same_act(context: At, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(recording, "append_event", killed)
        with pytest.raises(KeyboardInterrupt):
            ask_for(context, "nso", "population.citizen", an_ask())
    assert not all_requests(context)
    done = ask_for(context, "nso", "population.citizen", an_ask())
    assert done.request_id == "nso-population-citizen-1"
    assert ledger.read_kind(context.lake, "request")[1].num_rows == 1


def test_what_was_begun_and_never_said_does_not_stand_in_the_way(context: At, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(recording, "append_event", killed)
        with pytest.raises(KeyboardInterrupt):
            ask_for(context, "nso", "population.citizen", an_ask())
    monkeypatch.setattr("include.pipelines.requests.asking._PAUSE_SECONDS", 0.0)
    with pytest.raises(RequestOvertaken):  # it may be under way
        ask_for(context, "nso", "population.citizen", replace(an_ask(), purpose="Khác"))
    context.clock[0] = MONDAY + recording.GIVEN_UP * 2
    done = ask_for(context, "nso", "population.citizen", replace(an_ask(), purpose="Khác"))
    assert done.ask is not None
    assert (done.request_id, done.number, done.ask.purpose) == ("nso-population-citizen-1", 2, "Khác")
