"""The data protection officer answers a person in a real browser: at three widths, without scripts, with the letter."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from include.embedded.site import free_port
from include.pipelines.serving import issue_token
from include.portal import portal_app
from tests.integration.following import follow
from tests.integration.layouts import assert_fits, in_turns
from tests.repeats import held_by
from tests.unit.subject.country import Country, new_country

pytestmark = pytest.mark.slow
FITS = "integration/sharing/test_subject_in_browser.py::test_the_pages_fit_and_axe_finds_no_fault"
SHOTS = os.environ.get("LIENTHONG_SHOTS", "")


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Country:
    country = new_country(tmp_path_factory.mktemp("country"), humans=12)
    country.publish()
    return country


@pytest.fixture(scope="module")
def url(country: Country) -> Iterator[str]:
    """A running portal."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = uvicorn.Server(uvicorn.Config(portal_app(country.context, url), port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield url
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def token(country: Country) -> str:
    return issue_token(country.context, "bao-ve-du-lieu", days=9, kind="officials").text


def looked_at(page: Page, name: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"subject-{name}-{width}.png", full_page=True)
    assert_fits(page)
    faults = Axe().run(page).response["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in faults] == [], page.url


@pytest.mark.parametrize("language", ["vi", pytest.param("en", marks=held_by(FITS))])
@in_turns([375, 1280, 768], FITS)
def test_the_pages_fit_and_axe_finds_no_fault(
    browser: Browser, country: Country, url: str, token: str, layouts: list[int], language: str
) -> None:
    context, widths = browser.new_context(locale=language, base_url=url), iter(layouts)
    page = context.new_page()
    asked = entered(page, token)
    looked_at(asked, "ask", next(widths))
    asked.fill("#person", "f" * 32)
    asked.fill("#purpose", "đơn số 12")
    follow(asked.locator("main form button"))
    assert asked.is_visible("[role=alert]")
    looked_at(asked, "unknown", next(widths))
    asked.fill("#person", country.humans[0].person_id)
    follow(asked.locator("main form button"))
    assert country.humans[0].ids[0] in asked.inner_text("main")
    looked_at(asked, "answer", next(widths))
    context.close()


@held_by("unit/subject/test_subject_page.py::test_the_letter_is_a_download_and_a_question_of_its_own")
def test_the_letter_is_downloaded_without_scripts(browser: Browser, country: Country, url: str, token: str) -> None:
    context = browser.new_context(base_url=url, java_script_enabled=False)
    page = entered(context.new_page(), token)
    page.fill("#person", country.humans[0].person_id)
    page.fill("#purpose", "đơn số 12")
    follow(page.locator("main form button"))
    for kind, begins in (("pdf", b"%PDF"), ("html", b"<!doctype html>")):
        with page.expect_download() as loading:
            page.click(f"button[value={kind}]")
        assert Path(loading.value.path()).read_bytes().startswith(begins)
        assert loading.value.suggested_filename.endswith(f".{kind}")
    context.close()


def entered(page: Page, token: str) -> Page:
    """The form, after signing in."""
    page.goto("/sign-in?next=/subject")
    page.fill("#token", token)
    page.click("form.fields button")
    page.wait_for_url("**/subject")
    return page
