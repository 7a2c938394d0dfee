"""The portal's pages of requests: a stranger asks, a steward answers; what others send, or forge, opens nothing."""

from __future__ import annotations

import html
from typing import Any

import pytest

from include.audit import ledger
from include.pipelines.requests import all_requests, ask_for, follow_requests, request_of
from include.pipelines.serving import issue_token
from include.portal import portal_app
from include.sharing.agreements import load_agreement
from tests.small_population import OFFICER, OWNER, STEWARD, At
from tests.unit.portal.conftest import URL, Site

from .conftest import an_ask, share
from .test_disputes import ANH, pseudonym

ASK = {
    "column": ["full_name", "birth_date"], "rows": "status_code = '1'", "purpose": "Lập mẫu điều tra",
    "legal_basis": "Luật Thống kê 89/2015/QH13\r\n\r\nLuật Dữ liệu 60/2024/QH15", "from": "2026-03-02",
    "until": "2026-12-31",
}  # fmt: skip
NEW = "/requests/new?table=population.citizen"
FIRST = "nso-population-citizen-1"
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def site(context: At) -> Site:
    context.environ["LIENTHONG_SHARING_URL"] = "http://sharing.example"  # type: ignore[index]
    share(context)
    tokens = {}
    for name in ("nso", "moh", OWNER, STEWARD, OFFICER):
        kind = "recipients" if name in ("nso", "moh") else "officials"
        tokens[name] = issue_token(context, name, days=90, kind=kind).text  # type: ignore[arg-type]
    return Site(context, portal_app(context, URL), tokens)


def test_a_recipient_asks_and_a_steward_grants(site: Site) -> None:
    recipient, steward = site.browser("nso"), site.browser(STEWARD)
    assert recipient.submit(NEW, ASK, action="/requests/new").headers["location"] == f"/requests/{FIRST}"
    assert "05/03/2026" in recipient.get(f"/requests/{FIRST}?lang=vi").text
    assert FIRST in steward.get("/requests").text
    form = {"protection:birth_date": "year", "protection:full_name": "drop", "reason": "Không cần họ tên", "rows": ""}
    answer = steward.submit(f"/requests/{FIRST}", form, action=f"/requests/{FIRST}/grant")
    assert answer.headers["location"] == f"/requests/{FIRST}"
    done = request_of(site.context, FIRST)
    assert (done.state, done.answered_by, done.reason) == ("granted", STEWARD, "Không cần họ tên")
    assert done.ask is not None
    assert done.grant is not None
    assert (done.grant.rows, done.grant.valid_until) == (done.ask.rows, done.ask.valid_until)
    assert done.ask.legal_basis == ("Luật Thống kê 89/2015/QH13", "Luật Dữ liệu 60/2024/QH15")
    file = recipient.get(f"/requests/{FIRST}/agreement.yaml")
    path = site.context.schemas / "agreements" / "granted.yaml"
    path.write_text(file.text, encoding="utf-8")
    assert [str(column) for column in load_agreement(path).products[0].columns] == ["full_name drop", "birth_date year"]
    assert "Được chấp thuận một phần." in recipient.get(f"/requests/{FIRST}?lang=vi").text
    assert follow_requests(site.context) == (FIRST,)
    shown = recipient.get(f"/requests/{FIRST}?lang=vi").text
    assert "Được chấp thuận một phần; thỏa thuận đang có hiệu lực." in shown, "in force is the whole agreement"
    assert '<a href="/products">' in shown.partition("<h1>")[2]


@pytest.mark.parametrize(
    ("until", "told"),
    [
        ("30/06/2026", "dạng năm-tháng-ngày"),
        ("", "dạng năm-tháng-ngày"),
        ("2036-12-31", "chậm nhất đến hết ngày 31/12/2026"),
    ],
)
def test_a_last_day_that_is_none_or_too_late_grants_nothing(site: Site, until: str, told: str) -> None:
    # Older tests sent forms without the field, which stood for the asked day as an unreadable one did.
    ask_for(site.context, "nso", "population.citizen", an_ask())
    steward = site.browser(STEWARD)
    steward.get("/requests?lang=vi")
    form = {"protection:birth_date": "year", "protection:full_name": "none", "reason": "đến giữa năm", "until": until}
    answer = steward.submit(f"/requests/{FIRST}", form, action=f"/requests/{FIRST}/grant")
    assert answer.status_code == 400
    assert told in html.unescape(answer.text).partition('role="alert"')[2].partition("</div>")[0]
    assert request_of(site.context, FIRST).state == "open"


def test_a_field_of_the_form_of_grants_begins_with_no_condition_of_its_own(site: Site) -> None:
    # Older tests filled the field in; it began with the asked condition, which could be cleared or widened.
    ask_for(site.context, "nso", "population.citizen", an_ask())
    shown = site.browser(STEWARD).get(f"/requests/{FIRST}?lang=vi").text
    assert 'name="rows" value=""' in shown
    assert 'value="2026-12-31" max="2026-12-31" required' in shown


def test_an_ask_with_a_day_that_is_none_is_told_so(site: Site) -> None:
    # Older tests asked with days alone.
    answer = site.browser("nso").submit(NEW, {**ASK, "until": "31/12/2026"}, action="/requests/new")
    assert answer.status_code == 400
    assert "dạng năm-tháng-ngày" in answer.text
    assert not all_requests(site.context)


def test_who_grants_is_told_which_columns_are_the_key(site: Site) -> None:
    whole = {**ASK, "column": ["personal_id", "birth_date"]}
    site.browser("nso").submit(NEW, whole, action="/requests/new")
    shown = site.browser(STEWARD).get(f"/requests/{FIRST}?lang=vi").text
    label = shown.partition('<label for="p-personal_id">')[2].partition("</label>")[0]
    assert '<span class="tag plain">khóa</span>' in label
    assert "không phân biệt được các bản ghi" in shown
    assert "khóa</span>" not in shown.partition('<label for="p-birth_date">')[2].partition("</label>")[0]


def test_what_is_missing_is_told_in_the_form_which_keeps_what_was_written(site: Site) -> None:
    recipient = site.browser("nso")
    answer = recipient.submit(NEW, {**ASK, "purpose": " "}, action="/requests/new")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "Luật Thống kê 89/2015/QH13" in answer.text
    assert not all_requests(site.context)
    recipient.submit(NEW, ASK, action="/requests/new")
    answer = recipient.submit(NEW, ASK, action="/requests/new")  # asked twice
    assert answer.status_code == 400
    assert FIRST in answer.text


@pytest.mark.parametrize("rows", ["ward = 1", "length(full_name)", "now() > updated_on", "x.status_code = '1'", "(("])
def test_a_wrong_condition_is_told_in_vietnamese_with_one_that_is_right(site: Site, rows: str) -> None:
    recipient = site.browser("nso")
    answer = recipient.submit(NEW, {**ASK, "rows": rows}, action="/requests/new")
    told = html.unescape(answer.text.partition('role="alert"')[2].partition("</div>")[0])
    assert answer.status_code == 400
    assert "Điều kiện chọn bản ghi không hợp lệ (" in told
    assert not any(word in told for word in (" the ", " which ", " not a ", " is "))
    right = told.partition("ví dụ ")[2].partition(".</p>")[0]
    assert recipient.submit(NEW, {**ASK, "rows": right}, action="/requests/new").status_code == 303


@pytest.mark.parametrize("field", ["purpose", "legal_basis", "rows"])
def test_a_script_in_a_text_is_shown_as_text(site: Site, field: str) -> None:
    recipient = site.browser("nso")
    text = f"status_code = '{SCRIPT}'" if field == "rows" else SCRIPT
    recipient.submit(NEW, {**ASK, field: text}, action="/requests/new")
    for browser in (recipient, site.browser(STEWARD)):
        shown = browser.get(f"/requests/{FIRST}").text
        assert "&lt;script&gt;" in shown
        assert "<script>alert" not in shown
        assert "<img" not in shown


def test_a_script_in_a_refusal_is_shown_as_text(site: Site) -> None:
    ask_for(site.context, "nso", "population.citizen", an_ask())
    said = {"ground": "state_secret", "article": SCRIPT, "why": SCRIPT}
    answer = site.browser(STEWARD).submit(f"/requests/{FIRST}", said, action=f"/requests/{FIRST}/refuse")
    assert answer.status_code == 303
    assert "<script>alert" not in site.browser("nso").get(f"/requests/{FIRST}").text


@pytest.mark.parametrize(
    ("name", "path"),
    [("moh", ""), (OFFICER, ""), ("moh", "/agreement.yaml"), (OFFICER, "/agreement.yaml")],
)
def test_somebody_else_finds_no_such_request(site: Site, name: str, path: str) -> None:
    ask_for(site.context, "nso", "population.citizen", an_ask())
    browser = site.browser(name)
    there, none = (browser.get(f"/requests/{one}{path}") for one in (FIRST, "nso-population-citizen-7"))
    assert (there.status_code, none.status_code) == (404, 404)
    assert there.text.replace(FIRST, "") == none.text.replace("nso-population-citizen-7", "")
    assert FIRST not in browser.get("/requests").text


POSTS = [f"/requests/{FIRST}/{act}" for act in ("grant", "refuse", "accept", "reject", "look", "withdraw")]


def test_no_form_is_carried_out_for_another_site_or_without_its_token(site: Site) -> None:
    ask_for(site.context, "nso", "population.citizen", an_ask())
    before = ledger.head(site.context.lake)
    for name in ("nso", STEWARD):
        browser = site.browser(name)
        browser.get("/requests")
        fields = {"reason": "x", "ground": "state_secret", "article": "x", "why": "x", "purpose": "x"}
        for path in ("/requests/new", "/requests/dispute", *POSTS):
            for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {}):
                answer = browser.client.post(path, data=fields, headers=headers, follow_redirects=False)
                assert answer.status_code == 403, path
    assert ledger.head(site.context.lake) == before


def test_who_may_not_act_does_not(site: Site) -> None:
    ask_for(site.context, "nso", "population.citizen", an_ask())
    fields = {"ground": "state_secret", "article": "x", "why": "x", "reason": "x"}
    every = ("grant", "refuse", "withdraw")
    for name, acts in {"moh": every, OFFICER: every, "nso": ("grant", "refuse"), STEWARD: ("withdraw",)}.items():
        browser = site.browser(name)
        browser.get("/requests")
        token = browser.client.cookies["lienthong_form"]
        for act in acts:
            answer = browser.client.post(
                f"/requests/{FIRST}/{act}", data={**fields, "lienthong_form": token},
                headers={"sec-fetch-site": "same-origin"}, follow_redirects=False,
            )  # fmt: skip
            assert answer.status_code in (403, 404), (name, act)
            assert request_of(site.context, FIRST).state == "open"


def test_nobody_sees_requests_without_signing_in_and_everybody_the_counts(site: Site) -> None:
    ask_for(site.context, "nso", "population.citizen", an_ask())
    anybody = site.browser()
    for path in ("/requests", NEW, f"/requests/{FIRST}", "/requests/dispute"):
        assert anybody.get(path, follow_redirects=False).headers["location"].startswith("/sign-in?next=")
    counts = anybody.get("/requests/summary")
    assert counts.status_code == 200
    assert "population" in counts.text
    assert "nso" not in counts.text


def test_a_second_answer_is_told_that_the_first_holds(site: Site) -> None:
    ask_for(site.context, "nso", "population.citizen", an_ask())
    steward, owner = site.browser(STEWARD), site.browser(OWNER)
    page = owner.get(f"/requests/{FIRST}").text
    assert f'action="/requests/{FIRST}/refuse"' in page
    steward.submit(f"/requests/{FIRST}", {"protection:full_name": "none", "protection:birth_date": "year",
                   "rows": "status_code = '1'"}, action=f"/requests/{FIRST}/grant")  # fmt: skip
    token = owner.client.cookies["lienthong_form"]
    late = {"ground": "state_secret", "article": "x", "why": "x", "lienthong_form": token}
    answer = owner.client.post(f"/requests/{FIRST}/refuse", data=late, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 400
    assert "cuc-c06" in answer.text
    assert request_of(site.context, FIRST).state == "granted"


DISPUTE: dict[str, Any] = {
    "key:personal_id": pseudonym(ANH), "column": "birth_date", "right": "1998", "evidence": "Phiếu điều tra",
}  # fmt: skip


def test_a_wrong_row_is_reported_looked_at_on_record_and_answered(site: Site) -> None:
    recipient, steward = site.browser("nso"), site.browser(STEWARD)
    form = "/requests/dispute?product=census.citizen"
    answer = recipient.submit(form, DISPUTE, action="/requests/dispute")
    assert answer.headers["location"] == f"/requests/{FIRST}"
    shown = recipient.get(f"/requests/{FIRST}").text
    assert pseudonym(ANH) in shown
    assert load_agreement(site.context.schemas / "agreements" / "census.yaml").recipient_name in shown
    assert pseudonym(ANH) not in steward.get(f"/requests/{FIRST}").text
    before = ledger.head(site.context.lake).sequence
    look = f"/requests/{FIRST}/look"
    assert steward.submit(f"/requests/{FIRST}", {"purpose": " "}, action=look).status_code == 400
    assert ledger.head(site.context.lake).sequence == before
    assert pseudonym(ANH) in steward.submit(f"/requests/{FIRST}", {"purpose": "đối chiếu"}, action=look).text
    assert ledger.head(site.context.lake).sequence == before + 1
    steward.submit(f"/requests/{FIRST}", {"reason": "Đúng theo hồ sơ"}, action=f"/requests/{FIRST}/reject")
    assert request_of(site.context, FIRST).state == "rejected"
    assert "Đúng theo hồ sơ" in recipient.get(f"/requests/{FIRST}").text


def test_a_product_of_another_recipient_cannot_be_named(site: Site) -> None:
    assert site.browser("moh").get("/requests/dispute?product=census.citizen").status_code == 404
    assert site.browser("nso").get("/requests/dispute?product=../x").status_code == 404
    assert site.browser("nso").get("/requests/new?table=population.x").status_code == 404
