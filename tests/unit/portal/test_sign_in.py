"""Who is let in to the portal, how a session ends, and that no form comes from elsewhere."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from include.pipelines.errors import Misuse
from include.pipelines.serving import all_tokens, issue_token, make_app, revoke_tokens, rotate_token
from include.portal import serve, session
from tests.small_population import MONDAY, OFFICER, STEWARD

from .conftest import Site, profile_of


def name_shown(text: str) -> str | None:
    return text.partition('<form class="who"')[2].partition("<strong>")[2].partition("</strong>")[0] or None


@pytest.mark.parametrize(("name", "to"), [("nso", "/"), (STEWARD, "/requests"), (OFFICER, "/")])
def test_recipients_and_officials_sign_in_with_their_token_and_out(site: Site, name: str, to: str):
    browser = site.browser()
    answer = browser.sign_in(f"  {site.tokens[name]}\n")
    assert (answer.status_code, answer.headers["location"]) == (303, to), "who answers requests sees them first"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie, "people reach this one by http"
    assert name_shown(browser.get("/").text) == name
    hidden = browser.client.cookies["lienthong_form"]
    browser.client.post("/sign-out", data={"lienthong_form": hidden}, headers={"sec-fetch-site": "same-origin"})
    assert name_shown(browser.get("/").text) is None


def test_a_copied_cookie_opens_nothing_after_signing_out(site: Site, monkeypatch: pytest.MonkeyPatch):
    browser, other = site.browser("nso"), site.browser("nso")
    copied = browser.client.cookies["lienthong_session"]
    hidden = browser.client.cookies["lienthong_form"]
    browser.client.post("/sign-out", data={"lienthong_form": hidden}, headers={"sec-fetch-site": "same-origin"})
    thief = site.browser()
    thief.client.cookies.set("lienthong_session", copied)
    assert name_shown(thief.get("/").text) is None
    assert thief.get("/products", follow_redirects=False).status_code == 303
    assert name_shown(other.get("/").text) == "nso", "the other session of the same token goes on"
    ended, began = site.app.state.portal.ended, time.time()
    assert len(ended) == 1
    monkeypatch.setattr("time.time", lambda: began + session.SESSION_SECONDS + 2)
    session.end(site.app.state.portal, other.client.cookies["lienthong_session"], Response())
    assert len(ended) == 0, "what has ended by itself is forgotten"


def test_a_profile_file_is_as_good_pasted_or_uploaded(site: Site):
    profile = profile_of(site.tokens["nso"])
    pasted, uploaded = site.browser(), site.browser()
    assert pasted.sign_in(profile).status_code == 303
    files = {"profile": ("nso.share", profile.encode(), "application/json")}
    assert uploaded.submit("/sign-in", {}, files=files).status_code == 303
    assert name_shown(uploaded.get("/").text) == "nso"


@pytest.mark.parametrize(
    "token", ["", "lienthong_", "lienthong_" + "A" * 43, "{", "[" * 30_000, '{"bearerToken": 5}', "\x00", "Ấ" * 500]
)
def test_what_is_no_token_opens_nothing(site: Site, token: str):
    browser = site.browser()
    answer = browser.sign_in(token)
    assert answer.status_code == 403
    assert "lienthong_session" not in answer.headers.get("set-cookie", "")
    assert 'role="alert"' in answer.text


def test_200_forged_tokens_and_sessions_open_nothing(site: Site):
    right = site.tokens["nso"]
    real = site.browser("nso").client.cookies["lienthong_session"]
    browser = site.browser()
    for place in range(100):
        spot = place % len(right)
        forged = right[:spot] + ("x" if right[spot] != "x" else "y") + right[spot + 1 :]
        assert browser.sign_in(forged).status_code == 403
        spot = place % (len(real) - 1)  # the last character carries bits that base64 ignores
        altered = real[:spot] + ("x" if real[spot] != "x" else "y") + real[spot + 1 :]
        shown = TestClient(site.app, cookies={"lienthong_session": altered}).get("/")
        assert name_shown(shown.text) is None


def test_a_session_ends_with_its_token(site: Site):
    browser, other = site.browser("nso"), site.browser("moh")
    revoke_tokens(site.context, "nso", None)
    assert name_shown(browser.get("/").text) is None
    assert browser.sign_in(site.tokens["nso"]).status_code == 403
    assert name_shown(other.get("/").text) == "moh"
    site.context.clock[0] = MONDAY + timedelta(days=91)
    assert name_shown(other.get("/").text) is None
    assert other.sign_in(site.tokens["moh"]).status_code == 403


def test_a_rotated_token_stays_valid_for_the_overlap(site: Site):
    browser = site.browser(STEWARD)
    newer = rotate_token(site.context, STEWARD, days=30, overlap=timedelta(hours=1), kind="officials").text
    assert name_shown(browser.get("/").text) == STEWARD
    site.context.clock[0] = MONDAY + timedelta(hours=2)
    assert name_shown(browser.get("/").text) is None
    assert site.browser().sign_in(newer).status_code == 303


def test_a_session_has_an_end_of_its_own(site: Site, monkeypatch: pytest.MonkeyPatch):
    browser = site.browser("nso")
    began = time.time()
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: began + session.SESSION_SECONDS + 2)
    assert name_shown(browser.get("/").text) is None


def test_an_official_who_left_office_is_let_in_no_more(site: Site):
    browser = site.browser(STEWARD)
    path = site.context.schemas / "registries" / "population.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('role: data steward, dateIn: "2020-01-01"}', 'role: data steward, dateIn: "2020-01-01", dateOut: "2026-03-01"}', 1), encoding="utf-8")  # fmt: skip # noqa: E501
    assert name_shown(browser.get("/").text) is None
    assert browser.sign_in(site.tokens[STEWARD]).status_code == 403


@pytest.mark.parametrize("name", ["nobody", "can-bo-cu", "nso", "../nso"])
def test_only_officials_in_office_get_a_token(site: Site, name: str):
    with pytest.raises(Misuse, match="known: bao-ve-du-lieu, bo-cong-an, cuc-c06"):
        issue_token(site.context, name, days=1, kind="officials")


def test_an_official_s_token_opens_no_shared_table(site: Site):
    with TestClient(make_app(site.context, every_seconds=3600)) as sharing:
        for name, status in ((STEWARD, 401), ("nso", 200)):
            headers = {"authorization": f"Bearer {site.tokens[name]}"}
            assert sharing.get("/delta-sharing/shares", headers=headers).status_code == status
    assert {token.holder for token in all_tokens(site.context.lake).by_digest.values()} == {"nso", "moh"}


@pytest.mark.parametrize(
    "following",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/%0d%0aSet-Cookie:x",
        "javascript:alert(1)",
        "\\",
        "",
    ],
)
def test_signing_in_leads_nowhere_else(site: Site, following: str):
    answer = site.browser().submit("/sign-in", {"token": site.tokens["nso"], "next": following})
    location = answer.headers["location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert "evil" not in location
    assert "x" not in answer.cookies


def test_signing_in_leads_back_to_the_page_that_wanted_it(site: Site):
    browser = site.browser()
    answer = browser.get("/products?lang=en", follow_redirects=False)
    assert answer.status_code == 303
    assert browser.submit(answer.headers["location"], {"token": site.tokens["nso"]}).headers["location"] == (
        "/products?lang=en"
    )


def test_a_wrong_token_does_not_lose_the_page_that_wanted_it(site: Site):
    browser = site.browser()
    refused = browser.submit("/sign-in?next=/products?lang=en", {"token": "wrong"})
    assert refused.status_code == 403
    assert 'name="next" value="/products?lang=en"' in refused.text


def test_the_page_that_one_reads_is_the_one_one_comes_back_to(site: Site):
    browser = site.browser()
    shown = browser.get("/tables/population/citizen?lang=en").text
    link = shown.partition('<a href="/sign-in')[2].partition('"')[0]
    assert "citizen" in link
    answer = browser.submit(f"/sign-in{link}", {"token": site.tokens["nso"]})
    assert answer.headers["location"] == "/tables/population/citizen?lang=en"


def test_who_comes_from_a_mail_keeps_the_forms_of_other_tabs(site: Site):
    """The session's cookie does not go along with such a link, the forms' does."""
    answer = site.browser().get("/sign-in")
    assert "samesite=lax" in answer.headers["set-cookie"].lower()
    shown = site.browser().get("/sign-in?next=/requests/x")
    assert '<a href="/requests/x">' in shown.text


def forms(site: Site) -> list[str]:
    return [
        route.path.replace("{", "").replace("}", "")
        for route in site.app.routes
        if isinstance(route, Route) and not (route.methods or set()) <= {"GET", "HEAD"}
    ]


def test_no_form_is_taken_from_elsewhere(site: Site):
    """Every route that is no GET, whoever adds one: without the token, with another's, from another site."""
    assert {"/sign-in", "/sign-out"} <= {*forms(site)}
    for path in forms(site):
        client = site.browser(STEWARD).client
        token = client.cookies["lienthong_form"]
        ours = {"sec-fetch-site": "same-origin"}
        for fields, headers in (
            ({}, ours),
            ({"lienthong_form": "guessed"}, ours),
            ({"lienthong_form": ""}, ours),
            ({"lienthong_form": token}, {"sec-fetch-site": "cross-site"}),
            ({"lienthong_form": token}, {"sec-fetch-site": "same-site"}),
            ({"lienthong_form": token}, {"sec-fetch-site": "none"}),
            ({"lienthong_form": token}, {"origin": "https://evil.example"}),
            ({"lienthong_form": token}, {"origin": "null"}),
            ({"lienthong_form": token}, {"origin": "http://["}),
            ({"lienthong_form": token}, {"origin": "http://001199000001\u2100.vn".encode()}),
        ):
            for method in ("POST", "PUT", "DELETE"):
                answer = client.request(method, path, data=fields, headers=headers, follow_redirects=False)
                assert answer.status_code == 403, (path, method, fields, headers)
        assert name_shown(client.get("/").text) == STEWARD, "nothing was done"


@pytest.mark.parametrize("kind", [ValueError, RecursionError])
def test_the_text_of_a_fault_that_nobody_foresaw_is_in_no_log(
    site: Site, caplog: pytest.LogCaptureFixture, kind: type[Exception]
):
    """Whatever leaves the application, its server would log with all its text, which may quote a person."""

    def broken(request: Request) -> Response:
        raise kind("Nguyễn Văn A 001199000001")

    site.app.router.routes.insert(0, Route("/broken", broken))
    answer = TestClient(site.app, raise_server_exceptions=True).get("/broken")
    assert answer.status_code == 500
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert kind.__name__ in answer.text
    assert kind.__name__ in caplog.text
    assert "001199000001" not in caplog.text + answer.text


def test_a_form_too_large_or_none_is_refused(site: Site):
    client = site.browser("nso").client
    ours = {"sec-fetch-site": "same-origin"}
    fields = {"lienthong_form": client.cookies["lienthong_form"], "token": "x" * 2**20}
    assert client.post("/sign-in", data=fields, headers=ours).status_code == 413
    broken = {**ours, "content-type": "multipart/form-data; boundary=x"}
    assert client.post("/sign-in", content=b"--x\r\nno", headers=broken).status_code in (400, 403)
    assert client.post("/sign-in", json=fields, headers=ours).status_code in (403, 413)


def test_cookies_go_by_https_alone_where_people_come_by_it(make_site):
    site = make_site(url="https://data.example")
    client = TestClient(site.app, base_url="https://data.example")
    token = client.get("/sign-in").cookies["lienthong_form"]
    answer = client.post(
        "/sign-in", data={"lienthong_form": token, "token": site.tokens["nso"]}, follow_redirects=False
    )
    assert "Secure" in answer.headers["set-cookie"]


def test_every_answer_forbids_scripts_from_elsewhere(site: Site):
    browser = site.browser()
    for path in ("/", "/sign-in", "/nowhere", "/static/portal.css", "/products", "/health"):
        policy = browser.get(path, follow_redirects=False).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "://" not in policy


def test_the_portal_needs_an_address(site: Site):
    environ = {"LIENTHONG_PORTAL_URL": "ftp://data.example"}
    with pytest.raises(Misuse, match="LIENTHONG_PORTAL_URL"):
        serve(replace(site.context, environ=environ), host="127.0.0.1", port=1, started=print)
