"""The report of a synced country as people meet it: in a browser at three widths, on paper, read aloud."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from include.pipelines.relationships import relationships_step
from include.pipelines.report import report_step
from tests.integration.conftest import SyncedCountry
from tests.machine import needed

pytestmark = pytest.mark.slow
LANGUAGES = ("vi", "en")
HEADINGS = {
    "vi": (
        "Báo cáo chất lượng dữ liệu",
        "Tóm tắt",
        "Cổng kiểm soát",
        "Nguồn gốc dữ liệu",
        "Quy tắc",
        "Cách tính chỉ số",
    ),
    "en": ("Data quality report", "Summary", "The gate", "Lineage", "Rules", "How the index is computed"),
}


@pytest.fixture(scope="session")
def poppler() -> Path:
    """The folder of its programs."""
    return Path(needed("Poppler")).parent


@pytest.fixture(scope="module")
def made(country: SyncedCountry, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    for registry, run in country.runs.items():
        relationships_step(registry, run["run_id"], workplace=country.place)
    return report_step(workplace=country.place, folder=tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def folder(made: dict[str, Any]) -> Path:
    return Path(made["paths"][0]).parent


def opened(browser: Browser, folder: Path, language: str, width: int, scheme: Any = "light") -> tuple[Page, list[str]]:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((folder / f"report.{language}.html").as_uri())
    return page, asked


def test_the_step_tells_what_it_made(made: dict[str, Any], country: SyncedCountry) -> None:
    assert made["published_tables"] == made["tables"] == len(country.tables)
    assert 50 < made["index"] < 100
    assert made["rules"] > 300
    json.dumps(made)
    lake = country.place.lake
    assert lake.exists(lake.path("audit", "reports", "latest", "report.vi.html"))


@pytest.mark.parametrize("width", [375, 768, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_fits_the_screen_and_asks_nothing_of_the_network(
    browser: Browser, folder: Path, language: str, width: int
) -> None:
    page, asked = opened(browser, folder, language, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert asked == [page.url]
    assert page.locator("h1").inner_text() == HEADINGS[language][0]
    for heading in page.locator("h2").all():
        assert heading.bounding_box()["width"] <= width  # type: ignore[index]
    page.close()


def test_a_reader_sees_every_table_with_its_figures(browser: Browser, folder: Path, country: SyncedCountry) -> None:
    page, _ = opened(browser, folder, "en", 1280)
    for facts in country.tables:
        row = page.locator(f"#{facts['registry']} table").first.locator("tbody tr", has_text=facts["table"]).first
        shown = row.inner_text().replace(",", "").split()
        assert [str(facts[name]) for name in ("accepted", "rejected")] == shown[-11:-9], facts["table"]
    page.close()


@pytest.mark.parametrize(("language", "width", "scheme"), [("vi", 1280, "light"), ("en", 375, "dark")])
def test_axe_finds_no_fault(browser: Browser, folder: Path, language: str, width: int, scheme: str) -> None:
    page, _ = opened(browser, folder, language, width, scheme)
    # Tables of one kind are alike: one registry's are looked at, the others would take axe minutes.
    page.evaluate("for (const id of ['finance', 'insurance', 'land']) document.getElementById(id).remove()")
    page.evaluate(
        "for (const it of document.querySelectorAll('#rules table, #lineage table')) "
        "[...it.tBodies[0].rows].slice(2).forEach(row => row.remove())"
    )
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]})
    faults = [(fault["id"], fault["impact"], fault["nodes"][0]["target"]) for fault in found.response["violations"]]
    assert not faults
    page.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_prints_on_a4(browser: Browser, poppler: Path, folder: Path, language: str) -> None:
    page, _ = opened(browser, folder, language, 1280)
    paper = folder / f"{language}.pdf"
    page.pdf(path=paper, prefer_css_page_size=True)
    page.close()
    text = subprocess.run(
        [poppler / "pdftotext", "-layout", paper, "-"], capture_output=True, text=True, check=True
    ).stdout
    for heading in HEADINGS[language]:
        assert heading in text
    size = subprocess.run([poppler / "pdfinfo", paper], capture_output=True, text=True, check=True).stdout
    assert "A4" in size


def test_no_planted_name_or_number_in_any_file(folder: Path, country: SyncedCountry) -> None:
    staged = country.root / "staging"
    source = pq.read_table(staged / "population" / "citizen.parquet", columns=["ho_ten", "so_dinh_danh"])
    planted = {value for row in source.to_pylist() for value in row.values() if value and len(value) > 8}
    assert len(planted) > 1000
    for path in folder.iterdir():
        if path.suffix in (".html", ".csv"):
            text = path.read_text(encoding="utf-8")
            assert not [value for value in planted if value in text], path.name
