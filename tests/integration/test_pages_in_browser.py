"""The quality pages of a synced country as people meet them: three widths, two languages, light, dark, by keyboard."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, Page

from include.embedded.site import free_port
from include.pipelines.pages import QualityPages
from tests.integration.conftest import SyncedCountry

pytestmark = pytest.mark.slow
REJECTED = "/rejected/population/citizen"
HEADINGS = {
    "/": ("Các cơ sở dữ liệu có đáng tin không?", "What are the registries worth?"),
    "/tables/population/citizen": ("Công dân population.citizen", "citizen population.citizen"),
    "/rejected": ("Bản ghi bị loại", "Rejected rows"),
    REJECTED: ("Bị loại: Công dân population.citizen", "Rejected: citizen population.citizen"),
    "/agreements": ("Ai được đọc gì, trên căn cứ nào", "Who may read what, on which ground"),
    "/ledger": ("Sổ kiểm toán", "The ledger"),
}


class Role:
    """A visitor who may see every figure; `op` may read values too."""

    def __init__(self, name: str) -> None:
        self.name = name

    def may_see(self, registry: str) -> bool:
        return True

    def may_read_values(self, contract: object) -> bool:
        return self.name == "op"

    def may_see_ledger(self) -> bool:
        return True

    def may_see_report(self) -> bool:
        return True

    def may_verify(self) -> bool:
        return self.name == "op"


@pytest.fixture(scope="module")
def sites(country: SyncedCountry) -> Iterator[dict[str, str]]:
    """The addresses of the pages, signed in as `op` and as `viewer`; mounted below a prefix, as Airflow does."""
    from plugins.pages.access import signed_in
    from plugins.pages.app import pages_app

    def visitor(name: str) -> Any:
        return lambda: Role(name)

    root, port = FastAPI(), free_port()
    for name in ("op", "viewer"):
        app = pages_app(QualityPages(country.place))
        app.dependency_overrides[signed_in] = visitor(name)
        root.mount(f"/{name}", app)
    server = uvicorn.Server(uvicorn.Config(root, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield {name: f"http://127.0.0.1:{port}/{name}" for name in ("op", "viewer")}
    server.should_exit = True
    thread.join()


def opened(browser: Browser, address: str, *, width: int = 1280, language: str = "vi", scheme: Any = "light") -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900}, locale=language, color_scheme=scheme)
    page.goto(address)
    return page


@pytest.mark.parametrize("width", [375, 768, 1280])
@pytest.mark.parametrize(("place", "language"), [(0, "vi"), (1, "en")])
def test_every_page_fits_the_screen_and_asks_for_nothing_else(
    browser: Browser, sites: dict[str, str], width: int, place: int, language: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, locale=language)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path, headings in HEADINGS.items():
        page.goto(sites["op"] + path)
        assert " ".join(page.locator("h1").inner_text().split()) == headings[place]
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert asked == [sites["op"] + path for path in HEADINGS]
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_axe_finds_no_fault(browser: Browser, sites: dict[str, str], scheme: str, width: int) -> None:
    page = opened(browser, sites["op"], width=width, scheme=scheme)
    paper = "rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 23, 27)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper
    run = page.locator("a[href*='/tables/population/citizen']").first.get_attribute("href")
    assert run is not None
    page.goto(sites["op"] + "/tables/population/citizen")
    first_run = page.locator("a[href*='/runs/']").first.get_attribute("href")
    for path in [*(sites["op"] + path for path in HEADINGS), sites["op"].removesuffix("/op") + str(first_run)]:
        page.goto(path)
        faults = Axe().run(page).response["violations"]
        assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in faults] == [], path
    page.close()


def test_the_keyboard_reaches_everything_in_the_order_it_is_read(browser: Browser, sites: dict[str, str]) -> None:
    page = opened(browser, sites["op"] + "/", language="en")
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText"))
        style = page.evaluate(
            "(s => [s.outlineStyle, parseFloat(s.outlineWidth)])(getComputedStyle(document.activeElement))"
        )
        assert style[0] != "none"
        assert style[1] >= 2
    assert reached[:8] == [
        "Skip to the content", "LIÊN THÔNG Data quality", "Tiếng Việt", "Registries", "Rejected rows", "Persons",
        "Agreements", "Ledger",
    ]  # fmt: skip
    page.goto(sites["op"] + "/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.close()


def test_from_the_first_page_to_a_check_by_links_alone(browser: Browser, sites: dict[str, str]) -> None:
    page = opened(browser, sites["viewer"] + "/")
    page.get_by_role("link", name="Công dân").click()
    page.locator("a[href*='/runs/']").first.click()
    checks = page.locator("#t-broken ~ tbody tr, table:has(#t-broken) tbody tr")
    assert checks.count() > 3
    page.locator("summary").press("Enter")
    assert page.locator("details table").is_visible()
    page.get_by_role("link", name="English").click()
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("link", name="Rejected rows").click()
    assert page.locator("html").get_attribute("lang") == "en"
    page.close()


def test_no_name_on_a_page_for_a_role_that_may_not(
    browser: Browser, sites: dict[str, str], country: SyncedCountry
) -> None:
    names = _rejected_names(country)
    assert len(names) > 5
    page = opened(browser, sites["viewer"] + REJECTED)
    for path in HEADINGS:
        page.goto(sites["viewer"] + path)
        text = page.content()
        assert not [name for name in names if name in text], path
    page.goto(sites["viewer"] + REJECTED)
    assert page.locator("form").count() == 0
    refused = page.request.post(sites["viewer"] + REJECTED, form={"purpose": "curious"})
    assert refused.status == 403
    assert not [name for name in names if name in refused.text()]
    page.close()


def test_a_role_that_may_says_what_for_and_it_is_in_the_ledger(
    browser: Browser, sites: dict[str, str], country: SyncedCountry
) -> None:
    page = opened(browser, sites["op"] + REJECTED)
    page.locator("#purpose").fill("đối chiếu với nguồn")
    page.locator("#purpose").press("Enter")
    assert page.locator(".row").count() > 5
    assert any(name in page.content() for name in _rejected_names(country))
    page.goto(sites["op"] + "/ledger")
    newest = page.locator("table tbody tr").first.inner_text()
    assert "rejected/population/citizen" in newest
    assert "op" in newest
    page.get_by_role("button").click()
    assert page.locator("#verification + .box").get_attribute("class") == "box ok"
    page.close()


def _rejected_names(country: SyncedCountry) -> list[str]:
    files = Path(country.place.lake.rejected_table("population", "citizen")).rglob("*.parquet")
    rows = duckdb.read_parquet([str(file) for file in files]).select("ho_ten").fetchall()
    return [name for (name,) in rows if name and len(name) > 8]
