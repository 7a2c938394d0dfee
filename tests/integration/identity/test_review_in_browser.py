"""The review of two records in a real browser: what Enter does, what is asked before anything is kept, any screen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page

from include.embedded.site import free_port
from include.identity.persons.review_queue import pair_id
from tests.integration.layouts import assert_fits
from tests.repeats import some_of

pytestmark = pytest.mark.slow
Reviews = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def site(browse: Callable[..., TestClient]) -> Iterator[str]:
    """The pages, as a role sees them that may read and decide."""
    port = free_port()
    app = browse(reads=("population", "insurance")).app
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def opened(browser: Browser, address: str, *, width: int = 1280, language: str = "en") -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900}, locale=language)
    page.goto(address)
    return page


# The older tests sent forms by HTTP, where no key is pressed: in a browser Enter pressed the first button.
def test_enter_in_a_text_keeps_nothing_and_sends_nothing(
    reviews: Reviews,
    pair: tuple[str, str],
    site: str,
    browser: Browser,
) -> None:
    page = opened(browser, f"{site}/persons/{pair_id(*pair)}")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    for field in ("#note", "#purpose"):
        page.fill(field, "same parents")
        page.press(field, "Enter")
    assert sent == []
    page.get_by_role("button", name="Same person").click()
    page.wait_for_url("**/confirm")
    page.keyboard.press("Enter")
    assert sent == ["POST"]
    assert reviews() == []
    page.close()


def test_a_pair_is_decided_by_two_buttons_and_undone_by_one(
    reviews: Reviews,
    pair: tuple[str, str],
    site: str,
    browser: Browser,
) -> None:
    page = opened(browser, f"{site}/persons/{pair_id(*pair)}")
    assert "these are two different persons" in page.locator("#decides + .box").inner_text()
    different = page.get_by_role("button", name="Different persons")
    different.click()
    assert not page.url.endswith("/confirm"), "the browser asks for the reason first"
    page.fill("#note", "two valid ids")
    different.click()
    page.wait_for_url("**/confirm")
    assert "Nothing is kept yet" in page.locator(".lead").inner_text()
    assert reviews() == []
    page.get_by_role("button", name="Save the decision").click()
    page.wait_for_url("**/persons")
    assert [(row["decision"], row["note"]) for row in reviews()] == [("different", "two valid ids")]

    page.get_by_label("Why it is taken back").fill("wrong pair")
    page.get_by_role("button", name="Take the decision back").click()
    page.wait_for_url("**/persons")
    assert page.get_by_role("link", name=pair_id(*pair)).is_visible()
    page.close()


@pytest.mark.parametrize(("width", "language"), some_of([(375, "vi"), (375, "en"), (1280, "en"), (1280, "vi")], 1))
def test_every_page_of_a_review_fits_and_axe_finds_no_fault(
    pair: tuple[str, str],
    site: str,
    browser: Browser,
    width: int,
    language: str,
) -> None:
    page = opened(browser, f"{site}/persons/{pair_id(*pair)}", width=width, language=language)

    def looked_at() -> None:
        assert_fits(page)
        faults = Axe().run(page).response["violations"]
        assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in faults] == [], page.url

    looked_at()
    page.fill("#purpose", "review")
    page.locator("form[action$='/values'] button").click()
    page.wait_for_url("**/values")
    looked_at()
    page.fill("#note", "same parents")
    page.locator("button[value=same]").click()
    page.wait_for_url("**/confirm")
    looked_at()
    page.locator("form button").click()
    page.wait_for_url("**/persons")
    looked_at()
    page.close()
