"""A form of another site's page is refused, whatever the visitor's cookies say."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from plugins.pages.csrf import FIELD, from_our_own_pages, with_our_own_token
from plugins.pages.rendering import TEMPLATES


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI(dependencies=[Depends(from_our_own_pages)])
    app.add_api_route("/form", lambda: "done", methods=["GET", "POST"])
    return TestClient(app, base_url="http://pages.example")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin", "origin": "http://pages.example"}, 200),
        ({"sec-fetch-site": "same-origin", "origin": "https://behind-a-proxy.example"}, 200),
        ({"sec-fetch-site": "cross-site", "origin": "http://pages.example"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://pages.example"}, 200),
        ({"origin": "http://other.example"}, 403),
        ({"origin": "http://pages.example.other.example"}, 403),
        ({"origin": "http://pages.example:8080"}, 403),
        ({"origin": "null"}, 403),
        ({}, 200),
    ],
)
def test_only_our_own_pages_send_forms(client: TestClient, headers: dict[str, str], status: int) -> None:
    assert client.post("/form", headers=headers).status_code == status


def test_a_link_from_elsewhere_opens_a_page(client: TestClient) -> None:
    assert client.get("/form", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_the_pages_ask_for_it() -> None:
    from plugins.pages.app import pages_app

    app = pages_app(None)  # type: ignore[arg-type] - no page is opened
    assert [d.dependency for d in app.router.dependencies] == [from_our_own_pages, with_our_own_token]


FORM = re.compile(r'<form\b[^>]*method="post"[^>]*>(.{0,40})', re.DOTALL)


def test_every_form_of_every_page_carries_the_token() -> None:
    forms = [(path.name, after) for path in TEMPLATES.rglob("*.j2") for after in FORM.findall(path.read_text())]
    assert len(forms) >= 7
    assert [name for name, after in forms if not after.lstrip().startswith("{{ form_token }}")] == []


def test_a_form_is_taken_with_the_token_of_the_page_and_with_no_other(browse: Callable[..., TestClient]) -> None:
    client = browse("op")
    client.cookies.set("_token", "what the browser sends by itself")
    shown = client.get("/ledger")
    (token,) = re.findall(rf'name="{FIELD}" value="([^"]+)"', shown.text)
    assert client.cookies[FIELD] == token
    assert "httponly" in shown.headers["set-cookie"].lower()
    assert "samesite=lax" in shown.headers["set-cookie"].lower()
    for given in ({}, {FIELD: ""}, {FIELD: "x" * len(token)}, {FIELD: token + "x"}):
        assert client.post("/ledger", data=given, follow_redirects=False).status_code == 403
    assert client.post("/ledger", data={FIELD: token}, follow_redirects=False).status_code == 303
    purpose = {"purpose": "call the ministry"}
    assert client.post("/rejected/business/enterprise", data=purpose).status_code == 403
    assert client.post("/rejected/business/enterprise", data={**purpose, FIELD: token}).status_code == 200
    assert re.findall(rf'name="{FIELD}" value="([^"]+)"', client.get("/ledger").text) == [token], "other tabs go on"


def test_without_the_cookie_of_the_token_no_form_is_taken(browse: Callable[..., TestClient]) -> None:
    client = browse("op")
    client.cookies.set("_token", "what the browser sends by itself")
    assert client.post("/ledger", data={FIELD: ""}, follow_redirects=False).status_code == 403
    assert client.post("/ledger", data={FIELD: "guessed"}, follow_redirects=False).status_code == 403


def test_a_client_that_is_no_browser_needs_none(browse: Callable[..., TestClient]) -> None:
    assert browse("op").post("/ledger", follow_redirects=False).status_code == 303


def test_a_page_that_was_open_while_the_browser_was_restarted_is_to_be_loaded_again(
    browse: Callable[..., TestClient],
) -> None:
    client = browse("op")
    client.cookies.set("_token", "what the browser sends by itself")
    answer = client.post("/ledger", data={FIELD: "of the page that was open"})
    assert (answer.status_code, "Load the page again" in answer.text) == (403, True)
    assert "Your role may not see" not in answer.text
    answer = client.post("/ledger", data={FIELD: "of the page"}, headers={"accept-language": "vi"})
    assert "Hãy tải lại trang" in answer.text


def test_a_reason_is_measured_as_the_browser_measures_it_and_one_too_long_is_told_as_such(
    browse: Callable[..., TestClient],
) -> None:
    client = browse("op")
    lines = "\r\n".join(["x" * 29] * 10)
    assert len(lines.replace("\r\n", "\n")) == 299
    assert client.post("/rejected/business/enterprise", data={"purpose": lines}).status_code == 200
    for language, words in (("en", "The form is not right"), ("vi", "Biểu mẫu chưa đúng")):
        answer = client.post(
            "/rejected/business/enterprise", data={"purpose": "x" * 301}, headers={"accept-language": language}
        )
        assert (answer.status_code, words in answer.text) == (422, True)
