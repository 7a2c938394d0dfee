"""The report of a synced country as people meet it: in a browser at three widths, on paper, read aloud."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import cycle
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from include.pipelines.reporting.report import ReportMade
from tests.integration.conftest import SyncedCountry
from tests.integration.layouts import WIDTHS, assert_fits, in_turns
from tests.integration.reported import with_report
from tests.machine import needed
from tests.repeats import held_by

pytestmark = pytest.mark.slow
LANGUAGES = ("vi", "en")
FILES = ("report", "rules", "columns", "model")
HEADINGS = {
    "vi": (
        "Báo cáo chất lượng dữ liệu", "Tóm tắt", "Phụ lục I. Các cơ sở dữ liệu", "Phụ lục II. Đối khớp danh tính",
        "Phụ lục III. Thỏa thuận chia sẻ", "Phụ lục IV. Kiểm soát trước công bố",
        "Phụ lục V. Nhật ký kiểm tra, giám sát", "Phụ lục VI. Cách tính chỉ số",
    ),
    "en": (
        "Data quality report", "Summary", "Annex I. Registries", "Annex II. Persons across registries",
        "Annex III. Agreements", "Annex IV. The gate", "Annex V. The ledger", "Annex VI. How the index is computed",
    ),
}  # fmt: skip
MOST_PAGES, MOST_PAGES_OF_SUMMARY = 14, 2
PRINTS = "integration/test_report_in_browser.py::test_it_prints_on_few_pages_of_a4_with_their_numbers"


@pytest.fixture(scope="session")
def poppler() -> Path:
    """The folder of its programs."""
    return Path(needed("Poppler")).parent


@pytest.fixture(scope="module")
def reported(country: SyncedCountry) -> tuple[SyncedCountry, ReportMade]:
    return with_report(country)


@pytest.fixture(scope="module")
def made(reported: tuple[SyncedCountry, ReportMade]) -> ReportMade:
    return reported[1]


@pytest.fixture(scope="module")
def folder(made: ReportMade) -> Path:
    return Path(made.paths[0]).parent


def opened(
    browser: Browser, folder: Path, language: str, width: int, scheme: Any = "light", name: str = "report"
) -> tuple[Page, list[str]]:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((folder / f"{name}.{language}.html").as_uri())
    return page, asked


def test_the_step_tells_what_it_made(reported: tuple[SyncedCountry, ReportMade]) -> None:
    country, made = reported
    assert made.published_tables == made.tables == len(country.tables)
    assert 50 < made.index < 100
    assert made.rules > 300
    json.dumps(made.to_dict())
    lake = country.context.lake
    assert lake.exists(lake.path("audit", "reports", "latest", "report.vi.html"))


@in_turns(LANGUAGES, "integration/test_report_in_browser.py::test_it_fits_the_screen_and_asks_nothing_of_the_network")
def test_it_fits_the_screen_and_asks_nothing_of_the_network(browser: Browser, folder: Path, layouts: list[str]) -> None:
    for name, language in zip(FILES, cycle(layouts)):
        page, asked = opened(browser, folder, language, WIDTHS[0], name=name)
        assert asked == [page.url]
        widths = page.locator("h1, h2").evaluate_all("all => all.map(one => one.getBoundingClientRect().width)")
        assert 0 < max(widths) <= WIDTHS[0], name
        assert_fits(page)
        page.close()


def test_a_reader_sees_every_table_with_its_figures(browser: Browser, folder: Path, country: SyncedCountry) -> None:
    page, _ = opened(browser, folder, "en", 1280)
    for facts in country.tables:
        registry, table = facts["registry"], facts["table"]
        row = page.locator(f"table:has(#t-{registry}-run) tbody tr", has_text=table).first
        figures = row.inner_text().replace(",", "").split()
        assert [str(facts[name]) for name in ("extracted", "accepted", "rejected", "superseded")] == figures[2:6], table
    page.close()


@in_turns(
    [("vi", 390, "dark"), ("en", 1280, "light"), ("en", 768, "dark")],
    "integration/test_report_in_browser.py::test_axe_finds_no_fault",
)
def test_axe_finds_no_fault(browser: Browser, folder: Path, layouts: list[tuple[str, int, str]]) -> None:
    for name, (language, width, scheme) in zip(FILES, cycle(layouts)):
        page, _ = opened(browser, folder, language, width, scheme, name)
        # Tables of one kind are alike: of the longest two rows are looked at, the others would take axe minutes.
        page.evaluate(
            "for (const table of document.querySelectorAll('table')) "
            "[...table.tBodies[0].rows].slice(2).forEach(row => row.remove())"
        )
        found = Axe().run(
            page,
            options={
                "resultTypes": ["violations"],
                "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
            },
        )
        faults = [(fault["id"], fault["impact"], fault["nodes"][0]["target"]) for fault in found.response["violations"]]
        assert not faults, name
        page.close()


@pytest.mark.parametrize("language", ["vi", pytest.param("en", marks=held_by(PRINTS))])
def test_it_prints_on_few_pages_of_a4_with_their_numbers(
    browser: Browser, poppler: Path, folder: Path, language: str
) -> None:
    page, _ = opened(browser, folder, language, 1280)
    paper = folder / f"{language}.pdf"
    page.pdf(path=paper, prefer_css_page_size=True)
    page.close()

    def text(*options: str) -> str:
        command = [poppler / "pdftotext", "-layout", *options, paper, "-"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    whole = text()
    for heading in HEADINGS[language]:
        assert heading in whole
    about = subprocess.run([poppler / "pdfinfo", paper], capture_output=True, text=True, check=True).stdout
    assert "A4" in about
    pages = int(about.partition("Pages:")[2].split()[0])
    assert pages <= MOST_PAGES
    each = [text("-f", str(number), "-l", str(number)) for number in range(1, pages + 1)]
    assert all(re.search(rf"\b{number} ?/ ?{pages}\b", shown) for number, shown in enumerate(each, 1))
    summary = next(number for number, shown in enumerate(each) if HEADINGS[language][2] in shown)
    assert summary <= MOST_PAGES_OF_SUMMARY


def test_no_planted_name_or_number_in_any_file(folder: Path, country: SyncedCountry) -> None:
    staged = country.root / "staging"
    source = pq.read_table(staged / "population" / "citizen.parquet", columns=["ho_ten", "so_dinh_danh"])
    planted = {value for row in source.to_pylist() for value in row.values() if value and len(value) > 8}
    assert len(planted) > 1000
    for path in folder.iterdir():
        if path.suffix in (".html", ".csv"):
            text = path.read_text(encoding="utf-8")
            assert not [value for value in planted if value in text], path.name
