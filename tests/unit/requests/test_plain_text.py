"""What people write into requests: it says something, is read as it stands, and names nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from include.contracts.words import MAX_NOTE, holds_a_long_number
from include.pipelines.decisions import Look
from include.pipelines.errors import Misuse
from include.pipelines.requests import (
    Choice,
    RequestRefused,
    all_requests,
    ask_for,
    grant,
    refuse,
    request_of,
    withdraw,
)
from include.sharing.requests import Refusal, Request
from tests.small_population import STEWARD, At

from .conftest import an_ask

UNSEEN = ["\u200b", "\u2800", "\u3164", "\u00ad", " \t ", "..."]
ODD = ["a\u202eb", "a\u2066b", "a\u200bb", "a\u0085b", "a\u2028b", "a\ue000b", "a\ufeffb"]


@pytest.mark.parametrize("text", [*UNSEEN, *ODD])
@pytest.mark.parametrize("name", ["purpose", "legal_basis", "recipient_name"])
def test_a_text_that_is_not_read_as_it_stands_is_sent_back(context: At, name: str, text: str) -> None:
    with pytest.raises(RequestRefused):
        ask_for(context, "nso", "population.citizen", an_ask(**{name: (text,) if name == "legal_basis" else text}))
    assert not all_requests(context)


@pytest.mark.parametrize("text", [*UNSEEN, *ODD])
def test_nor_may_an_answer_hold_it(context: At, asked: Request, text: str) -> None:
    acts: tuple[Callable[[], object], ...] = (
        lambda: refuse(context, asked.request_id, STEWARD, Refusal("state_secret", text, "vì vậy")),
        lambda: refuse(context, asked.request_id, STEWARD, Refusal("state_secret", "Điều 7", text)),
        lambda: grant(context, asked.request_id, STEWARD, Choice(valid_until=date(2026, 6, 30), reason=text)),
    )
    for act in acts:
        with pytest.raises(RequestRefused):
            act()
    assert request_of(context, asked.request_id).state == "open"


@pytest.mark.parametrize("text", [*UNSEEN, "a\u202eb", "a\u200bb", "a\ue000b"])
def test_nor_the_purpose_of_a_look(text: str) -> None:
    with pytest.raises(Misuse):
        Look.of("cuc-c06", text)


def test_the_purpose_of_a_look_is_kept_whole_or_refused() -> None:
    # No test gave one longer than its place: it was cut without a word, a person's number in its midst too.
    longest = "x" * MAX_NOTE
    assert Look.of("cuc-c06", longest).purpose == longest
    for longer in (longest + "y", "x" * (MAX_NOTE - 7) + " 001199000001"):
        with pytest.raises(Misuse, match="at most 300 characters, this one has 30"):
            Look.of("cuc-c06", longer)


@pytest.mark.parametrize("text", ODD)
def test_nor_a_withdrawal(context: At, asked: Request, text: str) -> None:
    with pytest.raises(RequestRefused, match="not seen"):
        withdraw(context, "nso", asked.request_id, text)


@pytest.mark.parametrize(
    "text",
    [
        "CV 001199000001", "về 001/199/000/001", "về ٠٠١١٩٩٠٠٠٠٠١", "001 199 000 001", "001_199_000_001",
        "001–199–000–001", "00/11/9900 0001", "001199000001, 2 con",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["purpose", "legal_basis", "recipient_name"])
def test_a_number_of_a_person_is_sent_back_wherever_it_stands(context: At, name: str, text: str) -> None:
    with pytest.raises(RequestRefused, match="no number of a person"):
        ask_for(context, "nso", "population.citizen", an_ask(**{name: (text,) if name == "legal_basis" else text}))


@pytest.mark.parametrize(
    "text",
    [
        "Nghị định 194/2025/NĐ-CP ngày 03/07/2025", "từ 01/01/2026-31/12/2026", "giai đoạn 2021 - 2025",
        "2026-01-01/2026-12-31", "khoản 3 Điều 40, 41, 42, 43, 44", "Luật 89/2015/QH13, Luật 59/2020/QH14",
    ],
)  # fmt: skip
def test_a_day_or_an_instrument_is_no_number_of_a_person(text: str) -> None:
    assert not holds_a_long_number(text)


@pytest.mark.parametrize(
    "rows",
    [
        "personal_id LIKE '00119900%' AND personal_id LIKE '%0001'",
        "substr(personal_id, 1, 6) = '001199' AND right(personal_id, 6) = '000001'",
        "\"personal_id\" > '0011' OR status_code = '1'",
        "coalesce(personal_id, '') = 'x'",
        "status_code = '001199000001'",
    ],
)
def test_a_condition_that_picks_a_person_is_sent_back_from_who_asks_and_who_grants(context: At, rows: str) -> None:
    with pytest.raises(RequestRefused, match="no number and no name of a person"):
        ask_for(context, "nso", "population.citizen", an_ask(rows=rows))
    asked = ask_for(context, "nso", "population.citizen", an_ask())
    with pytest.raises(RequestRefused, match="no number and no name of a person"):
        grant(context, asked.request_id, STEWARD, Choice(rows=rows, reason="chỉ người này"))
    assert request_of(context, asked.request_id).state == "open"


def test_whether_an_identifier_is_there_may_be_asked(context: At) -> None:
    asked = ask_for(context, "nso", "population.citizen", an_ask(rows="personal_id IS NOT NULL"))
    assert grant(context, asked.request_id, STEWARD, Choice()).state == "granted"


def test_a_column_that_stands_twice_is_sent_back(context: At) -> None:
    with pytest.raises(RequestRefused, match="`full_name` stands twice"):
        ask_for(context, "nso", "population.citizen", an_ask(columns=("full_name", "full_name")))
