"""The quality pages of a registry on several servers: what is missing, each server's tables, rows and runs."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.provincial import LIVE, NEVER, OPEN, SERVERS, SPENT, At, make_provinces

pytestmark = pytest.mark.slow
MISSING = "1 of 3 servers, missing: land-38 (late, 2 days old), land-48 (failed, never delivered)"
RUN = "20260301T200000Z-00000001"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> At:
    return make_provinces(tmp_path_factory.mktemp("provinces"))


@pytest.fixture
def client(browse: Callable[..., TestClient], context: At) -> TestClient:
    return browse("viewer", context=context, registries=("land",))


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", (MISSING, "1/3 servers in time", "1 failed", "1 unchanged", "3 published")),
        ("/servers/land", (MISSING, "Hà Nội", "ended 2026-03-02", "no longer in the contract", *SERVERS)),
        ("/tables/land/parcel", ("1/3 servers in time", f"Total {sum(LIVE.values())} {sum(OPEN.values())}", *SERVERS)),
        ("/tables/land/parcel@land-38", ("missed 1", "parcel · land-38", "1 runs, newest first")),
        (f"/tables/land/parcel@{NEVER}", ("no good run yet", "failed")),
        ("/tables/land/parcel@land-66", ("parcel · land-66", "published")),
        (f"/tables/land/parcel@land-38/runs/{RUN}", (RUN, "published")),
        ("/rejected", ("land.parcel", f"{sum(OPEN.values())} 36.36")),
        (
            "/rejected/land/parcel",
            (f"{sum(OPEN.values())} rejected rows are open", "land-01 : 2 rows", "land-51 : 1 rows"),
        ),
        ("/rejected/land/parcel@land-51", ("1 rejected rows are open", "land. parcel. server")),
    ],
)
def test_each_page(client: TestClient, path: str, words: tuple[str, ...]) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    shown = text_of(answer.text)
    assert [word for word in words if word not in shown] == []
    assert not any(key in shown for key in SPENT)
    assert "style=" not in answer.text.replace("<style>", ""), "the pages' policy lets no style in"


@pytest.mark.parametrize("path", ["/", "/servers/land", "/tables/land/parcel", "/rejected/land/parcel"])
def test_pages_are_in_vietnamese_too(client: TestClient, path: str) -> None:
    page = client.get(path, headers={"accept-language": "vi"})
    assert page.status_code == 200
    assert "máy chủ nguồn" in page.text.lower()


@pytest.mark.parametrize(
    "path",
    [
        "/servers/nothing",
        "/tables/land/parcel@land-99",
        "/rejected/land/parcel@land-99",
        f"/tables/land/parcel/runs/{RUN}",
    ],
)
def test_what_is_not_there_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_who_may_not_see_the_registry_sees_no_server(browse: Callable[..., TestClient], context: At) -> None:
    client = browse("viewer", context=context, registries=())
    assert client.get("/servers/land").status_code == 404
    assert "land-01" not in client.get("/").text


def test_a_registry_on_one_server_has_no_page_of_servers(browse: Callable[..., TestClient]) -> None:
    assert browse("viewer").get("/servers/business").status_code == 404
