"""The quality pages of a synced country as people meet them: three widths, two languages, light, dark, by keyboard."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import duckdb
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, Page

from include.embedded.site import free_port
from include.pipelines.context import PipelineContext
from include.pipelines.decisions.ledger_entries import Answer
from include.pipelines.decisions.table_gate import note_gate, refuse_step
from include.pipelines.reporting.pages import QualityPages
from include.pipelines.step_results import Assessed
from include.pipelines.sync.assess_and_publish_steps import Approval
from include.pipelines.sync.registry_sync import sync_registry
from tests.integration.conftest import SyncedCountry
from tests.integration.following import follow
from tests.integration.layouts import assert_fits, in_turns
from tests.integration.reported import with_report
from tests.repeats import held_by
from tests.unit.plugins.conftest import make_place
from tests.unit.plugins.test_decision_pages import ROWS, TEAM

pytestmark = pytest.mark.slow
REJECTED = "/rejected/population/citizen"
HEADINGS = {
    "/": ("Chất lượng các cơ sở dữ liệu", "What are the registries worth?"),
    "/tables/population/citizen": ("Công dân population.citizen", "citizen population.citizen"),
    "/rejected": ("Bản ghi bị loại", "Rejected rows"),
    REJECTED: ("Bị loại: Công dân population.citizen", "Rejected: citizen population.citizen"),
    "/agreements": ("Thỏa thuận chia sẻ: phạm vi và căn cứ", "Who may read what, on which ground"),
    "/ledger": ("Nhật ký kiểm tra, giám sát", "The ledger"),
    "/reports": ("Báo cáo chất lượng dữ liệu", "Data quality report"),
    "/indicators": ("Chỉ tiêu báo cáo Chính phủ", "Figures for the Government"),
    "/indicators/dead-land-owners": (
        "Quyền sử dụng đất đang đứng tên người đã chết",
        "Land rights in the name of a dead person",
    ),
    "/persons": ("Cặp bản ghi chờ xem xét", "Pairs that wait for a person"),
    "/persons/contradictions": (
        "Thông tin không thống nhất giữa các cơ sở dữ liệu",
        "Registers that contradict each other",
    ),
}


DECIDED = (
    "integration/test_pages_in_browser.py::test_pages_of_runs_that_were_decided_about_fit_the_screen_and_have_no_fault"
)


class Role:
    """A visitor who may see every figure; `op` may read values too."""

    def __init__(self, name: str) -> None:
        self.name = name

    def may_see(self, registry: str) -> bool:
        return True

    def may_read_values(self, contract: object, server: str = "") -> bool:
        return self.name == "op"

    def may_see_ledger(self) -> bool:
        return True

    def may_see_report(self) -> bool:
        return True

    def may_verify(self) -> bool:
        return self.name == "op"


RUNS = {
    verdict: f"20260102T01000{number}Z-0000000b" for number, verdict in enumerate(("declined", "held", "published"))
}


def decided_runs(folder: Path) -> PipelineContext:
    """A lake with a run that a steward declined, one that waits for the second of two, and one that two approved."""
    context = make_place(folder)
    path = context.contract_path("business")
    strict = "    customProperties:\n      - {property: approval, value: {fourEyes: true}}\n"
    text = path.read_text().replace("rejectedPercent: 80", "rejectedPercent: 10")
    path.write_text(text.replace("    customProperties:\n", strict) + TEAM, encoding="utf-8")
    with sqlite3.connect(folder / "source.db") as source:
        source.execute("CREATE TABLE doanh_nghiep (ma_dn, chu, von)")
        source.executemany("INSERT INTO doanh_nghiep VALUES (?, ?, ?)", ROWS)

    def sync(verdict: str, by: str) -> dict[str, Any]:
        run = sync_registry("business", run_id=RUNS[verdict], approval=Approval(by), is_full=True, context=context)
        return run.tables[0].to_dict()

    refuse_step(
        Assessed.from_dict(sync("declined", "lan")),
        Answer("declined", "an", "hỏi lại cơ quan chủ quản", "1"),
        context=context,
    )
    for by in ("lan", "an"):
        sync("published", by)
    with sqlite3.connect(folder / "source.db") as source:
        source.execute("UPDATE doanh_nghiep SET von = -9 WHERE von = 1")
    note_gate(Assessed.from_dict(sync("held", "lan")), "/dags/sync_business", context=context)
    return context


@pytest.fixture(scope="module")
def country(country: SyncedCountry, tmp_path_factory: pytest.TempPathFactory) -> SyncedCountry:
    """With a report in a lake of this module's own: who looks at values is put on record."""
    return with_report(country)[0].copied_to(tmp_path_factory.mktemp("country"))


@pytest.fixture(scope="module")
def sites(country: SyncedCountry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses of the pages, signed in as `op` and as `viewer`; mounted below a prefix, as Airflow does."""
    from plugins.pages.access import signed_in
    from plugins.pages.app import pages_app

    def visitor(name: str) -> Any:
        return lambda: Role(name)

    root, port = FastAPI(), free_port()
    decided = decided_runs(tmp_path_factory.mktemp("decided"))
    for name, context in {"op": country.context, "viewer": country.context, "decided": decided}.items():
        app = pages_app(QualityPages(context))
        app.dependency_overrides[signed_in] = visitor(name)
        root.mount(f"/{name}", app)
    server = uvicorn.Server(uvicorn.Config(root, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield {name: f"http://127.0.0.1:{port}/{name}" for name in ("op", "viewer", "decided")}
    server.should_exit = True
    thread.join()


def opened(browser: Browser, address: str, *, width: int = 1280, language: str = "vi", scheme: Any = "light") -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900}, locale=language, color_scheme=scheme)
    page.goto(address)
    return page


@in_turns([0, 1], "integration/test_pages_in_browser.py::test_every_page_fits_the_screen_and_asks_for_nothing_else")
def test_every_page_fits_the_screen_and_asks_for_nothing_else(
    browser: Browser, sites: dict[str, str], layouts: list[int]
) -> None:
    pages = [browser.new_page(locale=language) for language in ("vi", "en")]
    asked: list[str] = []
    for page in pages:
        page.on("request", lambda request: asked.append(request.url))
    for (path, headings), language in zip(HEADINGS.items(), cycle(layouts)):
        page = pages[language]
        page.goto(sites["op"] + path)
        assert " ".join(page.locator("h1").inner_text().split()) == headings[language]
        assert_fits(page)
    assert asked == [sites["op"] + path for path in HEADINGS]
    for page in pages:
        page.close()


@in_turns(
    [(390, "dark"), (768, "light"), (1280, "light"), (390, "light")],
    "integration/test_pages_in_browser.py::test_axe_finds_no_fault",
)
def test_axe_finds_no_fault(browser: Browser, sites: dict[str, str], layouts: list[tuple[int, Any]]) -> None:
    page = opened(browser, sites["op"])
    run = page.locator("a[href*='/tables/population/citizen']").first.get_attribute("href")
    assert run is not None
    page.goto(sites["op"] + "/tables/population/citizen")
    first_run = page.locator("a[href*='/runs/']").first.get_attribute("href")
    paths = [*(sites["op"] + path for path in HEADINGS), sites["op"].removesuffix("/op") + str(first_run)]
    for path, (width, scheme) in zip(paths, cycle(layouts)):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.goto(path)
        paper = "rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 23, 27)"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper
        faults = Axe().run(page).response["violations"]
        assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in faults] == [], path
    page.close()


def test_the_keyboard_reaches_everything_in_the_order_it_is_read(browser: Browser, sites: dict[str, str]) -> None:
    page = opened(browser, sites["op"] + "/", language="en")
    reached = []
    for _ in range(10):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText"))
        style = page.evaluate(
            "(s => [s.outlineStyle, parseFloat(s.outlineWidth)])(getComputedStyle(document.activeElement))"
        )
        assert style[0] != "none"
        assert style[1] >= 2
    assert reached == [
        "Skip to the content", "LIÊN THÔNG Data quality", "Tiếng Việt", "Registries", "Rejected rows", "Persons",
        "Agreements", "Indicators", "Report", "Ledger",
    ]  # fmt: skip
    page.goto(sites["op"] + "/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.close()


def test_from_the_first_page_to_a_check_by_links_alone(browser: Browser, sites: dict[str, str]) -> None:
    page = opened(browser, sites["viewer"] + "/")
    follow(page.get_by_role("link", name="Công dân"))
    follow(page.locator("a[href*='/runs/']").first)
    checks = page.locator("#t-broken ~ tbody tr, table:has(#t-broken) tbody tr")
    assert checks.count() > 3
    page.locator("summary").press("Enter")
    assert page.locator("details table").is_visible()
    follow(page.get_by_role("link", name="English"))
    assert page.locator("html").get_attribute("lang") == "en"
    follow(page.get_by_role("link", name="Rejected rows", exact=True))
    assert page.locator("html").get_attribute("lang") == "en"
    page.close()


def test_the_report_is_read_from_the_pages_and_leads_back_to_them(browser: Browser, sites: dict[str, str]) -> None:
    page = opened(browser, sites["viewer"] + "/", width=390)
    follow(page.get_by_role("link", name="Báo cáo"))
    follow(page.get_by_role("link", name="Mở báo cáo mới nhất"))
    assert page.locator("h1").inner_text() == "Báo cáo chất lượng dữ liệu"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("getComputedStyle(document.querySelector('.top')).backgroundColor") == "rgb(165, 18, 31)"
    follow(page.get_by_role("link", name="Tệp riêng: mọi quy tắc"))
    assert page.locator("h1").inner_text() == "Mọi quy tắc"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    follow(page.get_by_role("link", name="English"))
    assert page.locator("h1").inner_text() == "Every rule"
    follow(page.get_by_role("link", name="The report"))
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
    with page.expect_navigation():
        page.locator("#purpose").press("Enter")
    assert page.locator(".row").count() > 5
    assert any(name in page.content() for name in _rejected_names(country))
    page.goto(sites["op"] + "/ledger")
    newest = page.locator("table tbody tr").first.inner_text()
    assert "rejected/population/citizen" in newest
    assert "op" in newest
    follow(page.get_by_role("button"))
    assert page.locator("#verification + .box").get_attribute("class") == "box ok"
    page.close()


def _rejected_names(country: SyncedCountry) -> list[str]:
    files = Path(country.context.lake.rejected_table("population", "citizen")).rglob("*.parquet")
    rows = duckdb.read_parquet([str(file) for file in files]).select("ho_ten").fetchall()
    return [name for (name,) in rows if name and len(name) > 8]


@pytest.mark.parametrize(
    ("width", "language", "scheme"), [(375, "vi", "light"), pytest.param(1280, "en", "dark", marks=held_by(DECIDED))]
)
def test_pages_of_runs_that_were_decided_about_fit_the_screen_and_have_no_fault(
    browser: Browser, sites: dict[str, str], width: int, language: str, scheme: str
) -> None:
    page = opened(browser, sites["decided"], width=width, language=language, scheme=scheme)
    said = {
        "declined": ("Bị từ chối công bố bởi an", "Declined by an"),
        "held": ("Đã duyệt: lan", "Approved: lan"),
        "published": ("Được duyệt bởi lan, an", "Approved by lan, an"),
    }
    addresses = [f"{sites['decided']}/tables/business/enterprise/runs/{RUNS[verdict]}" for verdict in said]
    for address, told in zip(addresses, said.values(), strict=True):
        page.goto(address)
        assert told[language == "en"] in " ".join(page.inner_text("main").split())
        assert page.locator("#t-rejected ~ tbody tr, table:has(#t-rejected) tbody tr").count() == 2
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        faults = Axe().run(page).response["violations"]
        assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in faults] == [], address
    follow(page.locator("a[href*='?run=']").first)
    assert page.locator("#t-rows ~ tbody tr, table:has(#t-rows) tbody tr").count() > 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [fault["id"] for fault in Axe().run(page).response["violations"]] == []
    page.close()
