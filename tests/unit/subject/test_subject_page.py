"""The page on which the data protection officer answers a person: for that office alone, each showing on record."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from include.audit import ledger
from include.pipelines.serving import issue_token
from include.portal import portal_app
from tests.unit.portal.conftest import URL, Browser
from tests.unit.subject.country import Country, new_country

OFFICER, STEWARD, RECIPIENT = "bao-ve-du-lieu", "c06", "nso"


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Country:
    country = new_country(tmp_path_factory.mktemp("country"), humans=12)
    country.publish()
    return country


@pytest.fixture(scope="module")
def browser(country: Country) -> Callable[[str], Browser]:
    """Browsers, signed in under a name each."""
    tokens = {
        name: issue_token(
            country.context, name, days=9, kind="recipients" if name == RECIPIENT else "officials"
        ).text
        for name in (OFFICER, STEWARD, RECIPIENT)
    }  # fmt: skip
    app = portal_app(country.context, URL)

    def signed_in(name: str) -> Browser:
        browser = Browser(TestClient(app, base_url=URL, raise_server_exceptions=False))
        assert browser.sign_in(tokens[name]).status_code == 303
        return browser

    return signed_in


def questions(country: Country) -> int:
    return sum(row["subject"] == "people/subject" for row in ledger.read(country.lake).to_pylist())


def test_the_officer_is_answered_and_the_question_is_on_record(
    country: Country, browser: Callable[[str], Browser]
) -> None:
    human, others = country.humans[0], country.humans[1:]
    before = questions(country)
    officer = browser(OFFICER)
    assert 'href="/subject"' in officer.get("/").text
    answer = officer.submit("/subject", {"person": f" {human.person_id} ", "purpose": "đơn số 12"}, action="/subject")
    assert answer.status_code == 200, answer.text
    for text in (human.ids[0], "Cục Thống kê", "Thống kê dân số", "đơn số 12", "Luật Bảo vệ dữ liệu cá nhân"):
        assert text in answer.text
    assert not [other for other in others if any(one in answer.text for one in [*other.ids, *other.numbers])]
    assert questions(country) == before + 1


@pytest.mark.parametrize(("kind", "begins"), [("pdf", b"%PDF"), ("html", b"<!doctype html>")])
def test_the_letter_is_a_download_and_a_question_of_its_own(
    country: Country, browser: Callable[[str], Browser], kind: str, begins: bytes
) -> None:
    before = questions(country)
    fields = {"person": country.humans[0].person_id, "purpose": "đơn số 12", "letter": kind}
    letter = browser(OFFICER).submit("/subject", fields, action="/subject")
    assert letter.content.startswith(begins)
    assert letter.headers["content-disposition"].startswith("attachment;")
    assert letter.headers["cache-control"] == "no-store"
    assert questions(country) == before + 1


@pytest.mark.parametrize(
    ("person", "purpose"),
    [("f" * 32, "đơn"), ("", "đơn"), ("<script>alert(1)</script>", "đơn"), ("0" * 31 + "1", ""),
     ("0" * 31 + "1", "công dân 001199000005")],
)  # fmt: skip
def test_what_cannot_be_answered_comes_back_with_what_was_written(
    browser: Callable[[str], Browser], person: str, purpose: str
) -> None:
    answer = browser(OFFICER).submit("/subject", {"person": person, "purpose": purpose}, action="/subject")
    assert answer.status_code == 400
    assert ("đối khớp" if len(purpose) == 3 else "không kèm số định danh") in answer.text.partition('role="alert"')[2]
    assert f'value="{html.escape(person, quote=True)}"' in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize("name", [STEWARD, RECIPIENT])
def test_it_is_for_no_other_office(country: Country, browser: Callable[[str], Browser], name: str) -> None:
    other, before = browser(name), questions(country)
    assert 'href="/subject"' not in other.get("/").text
    assert other.get("/subject").status_code == 403
    token = re.search(r'name="lienthong_form" value="([^"]+)"', other.get("/").text)
    assert token is not None
    fields = {"lienthong_form": token[1], "person": country.humans[0].person_id, "purpose": "x"}
    assert other.client.post("/subject", data=fields, headers={"sec-fetch-site": "same-origin"}).status_code == 403
    assert questions(country) == before


def test_without_signing_in_or_from_another_site_nothing_is_answered(
    country: Country, browser: Callable[[str], Browser]
) -> None:
    before, officer = questions(country), browser(OFFICER)
    stranger = TestClient(officer.client.app, base_url=URL)
    assert stranger.get("/subject", follow_redirects=False).headers["location"].startswith("/sign-in")
    fields = {"person": country.humans[0].person_id, "purpose": "x"}
    assert officer.client.post("/subject", data=fields).status_code == 403
    other_site = {"sec-fetch-site": "cross-site"}
    assert officer.submit("/subject", fields, action="/subject", headers=other_site).status_code == 403
    assert questions(country) == before


def test_the_pages_are_in_both_languages(browser: Callable[[str], Browser], tmp_path: Path) -> None:
    officer = browser(OFFICER)
    assert "Trả lời công dân" in officer.get("/subject?lang=vi").text
    assert "Answer a citizen" in officer.get("/subject?lang=en").text
