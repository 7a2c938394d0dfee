"""A form of another site's page is refused, whatever the visitor's cookies say."""

from __future__ import annotations

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from plugins.pages.origin import from_our_own_pages


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
    assert [dependency.dependency for dependency in app.router.dependencies] == [from_our_own_pages]
