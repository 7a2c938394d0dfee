"""A ministry asks, a provider answers and a wrong row is reported in a real browser, at any width."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from include.embedded.site import free_port
from include.pipelines.requests import accept, all_requests, request_of
from include.pipelines.serving import issue_token
from include.portal import portal_app
from tests.integration.following import follow
from tests.integration.layouts import assert_fits, in_turns
from tests.repeats import held_by
from tests.small_population import OWNER, STEWARD, At
from tests.unit.requests.conftest import context, share
from tests.unit.requests.test_disputes import ANH, pseudonym

__all__ = ["context"]
SHOTS = os.environ.get("LIENTHONG_SHOTS", "")
Enter = Callable[..., Page]


@pytest.fixture
def enter(context: At, browser: Browser) -> Iterator[Enter]:
    """A page of the portal in a browser of its own, signed in under a name."""
    share(context)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(portal_app(context, f"http://127.0.0.1:{port}"), port=port))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    opened = []

    def make(name: str, *, language: str = "vi", scripts: bool = True) -> Page:
        kind = "recipients" if name in ("nso", "moh") else "officials"
        environ = {"LIENTHONG_SHARING_URL": "http://sharing.example"}
        token = issue_token(At(context.lake, context.schemas, environ, context.clock), name, days=90, kind=kind).text  # type: ignore[arg-type]
        opened.append(
            browser.new_context(
                viewport={"width": 1280, "height": 900}, locale=language, base_url=f"http://127.0.0.1:{port}",
                java_script_enabled=scripts,
            )
        )  # fmt: skip
        page = opened[-1].new_page()
        page.goto("/sign-in?next=/requests")
        page.fill("#token", token)
        page.click("form.fields button")
        page.wait_for_url("**/requests")
        return page

    yield make
    for one in opened:
        one.close()
    server.should_exit = True
    thread.join()


def looked_at(page: Page, name: str, width: int) -> None:
    """The page fits at every width, and axe finds no fault at this one."""
    page.set_viewport_size({"width": width, "height": 900})
    assert_fits(page)
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"requests-{name}-{width}.png", full_page=True)
    faults = Axe().run(page).response["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in faults] == [], page.url


def asked_for(page: Page) -> str:
    """Ask for two columns of the citizens; returns the request's id."""
    page.goto("/requests")
    follow(page.locator("a[href='/requests/new']"))
    follow(page.locator("a[href='/requests/new?table=population.citizen']"))
    page.check("#column-full_name")
    page.check("#column-birth_date")
    page.fill("#rows", "status_code = '1'")
    page.fill("#purpose", "Lập mẫu điều tra dân số giữa kỳ")
    page.fill("#legal_basis", "Luật Thống kê 89/2015/QH13")
    page.fill("#until", "2026-12-31")
    page.click("main form button")
    page.wait_for_url("**/requests/nso-population-citizen-*")
    return page.url.rpartition("/")[2]


@held_by("unit/requests/test_pages.py::test_a_recipient_asks_and_a_steward_grants")
def test_a_ministry_asks_and_is_granted_less_without_scripts(enter: Enter, context: At) -> None:
    ministry, provider = enter("nso", scripts=False), enter(STEWARD, scripts=False)
    request_id = asked_for(ministry)
    provider.goto("/requests")
    follow(provider.locator(f"text={request_id}"))
    provider.select_option("[name='protection:full_name']", "drop")
    provider.fill("#reason", "Không cần họ tên để lập mẫu")
    follow(provider.locator("form[action$='/grant'] button"))
    assert request_of(context, request_id).state == "granted"
    ministry.reload()
    assert "Không cần họ tên để lập mẫu" in ministry.inner_text("main")
    with ministry.expect_download() as loading:
        ministry.click("a[href$='agreement.yaml']")
    assert loading.value.suggested_filename == "citizen_for_nso.yaml"
    assert "protection: year" in Path(loading.value.path()).read_text(encoding="utf-8")


@in_turns(
    [375, 1280, 768],
    "integration/requests/test_requests_in_browser.py::test_every_page_of_requests_fits_and_axe_finds_no_fault",
)
def test_every_page_of_requests_fits_and_axe_finds_no_fault(enter: Enter, context: At, layouts: list[int]) -> None:
    ministry, provider, widths = enter("nso"), enter(OWNER, language="en"), cycle(layouts)
    looked_at(ministry, "none", next(widths))
    ministry.goto("/requests/new")
    looked_at(ministry, "choose", next(widths))
    ministry.goto("/requests/new?table=population.citizen")
    looked_at(ministry, "ask", next(widths))
    request_id = asked_for(ministry)
    looked_at(ministry, "asked", next(widths))
    provider.goto(f"/requests/{request_id}")
    looked_at(provider, "answer", next(widths))
    provider.select_option("#ground", "state_secret")
    provider.fill("#article", "Điều 7 Luật 29/2018/QH14")
    provider.fill("#why", "Thuộc danh mục bí mật nhà nước")
    follow(provider.locator("form[action$='/refuse'] button"))
    looked_at(provider, "refused", next(widths))
    ministry.goto("/requests/dispute")
    follow(ministry.locator("main a[href*='product=']"))
    looked_at(ministry, "dispute", next(widths))
    ministry.fill("#key-personal_id", "nobody")
    ministry.fill("#right", "1998")
    ministry.fill("#evidence", "Phiếu điều tra")
    follow(ministry.locator("main form button"))
    looked_at(ministry, "dispute-wrong", next(widths))
    ministry.fill("#key-personal_id", pseudonym(ANH))
    ministry.select_option("#column", "birth_date")
    ministry.click("main form button")
    ministry.wait_for_url("**/requests/nso-*")
    looked_at(ministry, "disputed", next(widths))
    disputed = ministry.url.rpartition("/")[2]
    provider.goto(f"/requests/{disputed}")
    looked_at(provider, "dispute-answer", next(widths))
    provider.fill("#look", "compare with the file")
    follow(provider.locator("form[action$='/look'] button"))
    looked_at(provider, "dispute-looked-at", next(widths))
    accept(context, disputed, OWNER)
    for person, name in ((ministry, "list"), (provider, "list-provider")):
        person.goto("/requests")
        looked_at(person, name, next(widths))
    provider.goto("/requests/summary")
    looked_at(provider, "summary", next(widths))
    assert {one.state for one in all_requests(context).values()} == {"refused", "accepted"}
