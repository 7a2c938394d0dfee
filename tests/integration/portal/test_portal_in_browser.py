"""The portal as a process, met in a real browser: found, understood, signed in to, and read by the copied lines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from include.embedded.site import free_port
from include.sharing.agreements import load_agreements
from include.sharing.products import MasterKey, share_agreement
from tests.integration.following import follow
from tests.integration.layouts import assert_fits, in_turns
from tests.integration.sharing.serving import RECIPIENT, ROOT, Serving, serving
from tests.repeats import held_by
from tests.scripts import run_script
from tests.small_population import OFFICER, write_agreement
from tests.unit.portal.conftest import context_of, prepared

__all__ = ["prepared"]
pytestmark = pytest.mark.slow
TABLE = "/tables/population/citizen"
PUBLIC = ["/", "/?q=dan+toc", "/registers/population", TABLE, "/lists/ethnicities", "/indicators/dossiers-late",
          "/sign-in", "/nowhere"]  # fmt: skip
STRANGER = (
    "integration/portal/test_portal_in_browser.py::"
    "test_a_stranger_finds_a_table_signs_in_and_reads_it_by_the_copied_lines"
)
SIGNED_IN = ["/products", "/products/census/citizen", TABLE]


@dataclass(frozen=True)
class Portal:
    """A running portal beside a running Delta Sharing server; `url` is its address."""

    url: str
    sharing: Serving
    folder: Path

    def signed_in(self, browser: Browser, name: str) -> BrowserContext:
        """A browser that is signed in under that name, by a token of the command line."""
        command = "official" if name == OFFICER else "recipient"
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="vi")
        page = context.new_page()
        page.goto(f"{self.url}/sign-in")
        secret = self.sharing.run(command, "token", name)
        file = self.folder / f"{name}.share"
        file.write_text(secret, encoding="utf-8")
        if command == "recipient":
            page.locator("#profile").set_input_files(file)
        else:
            page.locator("#token").fill(secret)
        page.locator("main button[type=submit]").click()
        page.wait_for_url(f"{self.url}/")
        return context


@pytest.fixture(scope="module")
def portal(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("running") / "site"
    shutil.copytree(prepared, folder, symlinks=True)
    context, now = context_of(folder), datetime.now(UTC)
    schemas = ROOT / "schemas"
    for part, file in (("reference", "ethnicities.csv"), ("indicators", "dossiers-late.yaml")):
        (folder / "schemas" / part).mkdir()
        shutil.copy(schemas / part / file, folder / "schemas" / part)
    write_agreement(folder / "schemas", "census", ("until: 2026-12-31", "until: 2099-12-31"))
    key = MasterKey(bytes(range(32)))
    for agreement in load_agreements(folder / "schemas").values():
        share_agreement(agreement, context.contracts, lake=context.lake, at=now, run_id="r2", key=key)
    environ = {"LAKE_URI": context.lake.uri, "SCHEMAS_DIR": str(context.schemas)}
    with serving(environ, folder) as sharing:
        port = free_port()
        log = folder / "portal.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "include.cli", "portal", "--port", str(port)], cwd=ROOT,
                env={**sharing.environ}, stdout=output, stderr=output,
            )  # fmt: skip
        try:
            _await(f"http://127.0.0.1:{port}/health", process, log)
            yield Portal(f"http://127.0.0.1:{port}", sharing, folder)
        finally:
            process.terminate()
            assert process.wait(timeout=20) in (0, -15), log.read_text()


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)


def check(page: Page, address: str, width: int, scheme: Any) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(address)
    assert_fits(page)
    faults = Axe().run(page).response["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in faults] == [], (address, width, scheme)


@in_turns(
    [(390, "dark"), (768, "light"), (1280, "light"), (390, "light")],
    "integration/portal/test_portal_in_browser.py::test_axe_finds_no_fault_and_nothing_is_loaded_from_elsewhere",
)
def test_axe_finds_no_fault_and_nothing_is_loaded_from_elsewhere(
    browser: Browser, portal: Portal, layouts: list[tuple[int, str]]
) -> None:
    page, layout = browser.new_page(locale="vi"), cycle(layouts)
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    for path in PUBLIC:
        check(page, portal.url + path, *next(layout))
    assert not [address for address in asked if not address.startswith(portal.url)]
    assert not [text for text in wrong if "404" not in text], "no page breaks its own policy"
    page.close()
    signed_in = portal.signed_in(browser, "nso")
    page = signed_in.new_page()
    for path in SIGNED_IN:
        check(page, portal.url + path, *next(layout))
    signed_in.close()


def test_the_keyboard_reaches_the_search_first(browser: Browser, portal: Portal) -> None:
    page = browser.new_page(locale="en")
    page.goto(portal.url)
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText || document.activeElement.id"))
    assert reached[:3] == ["Skip to the content", "LIÊN THÔNG Data portal", "Tiếng Việt"]
    assert "q" in reached
    page.close()


@pytest.mark.parametrize(
    ("tool", "python"),
    [
        ("pandas", RECIPIENT),
        pytest.param("polars", Path(sys.executable), marks=held_by(STRANGER)),
        pytest.param("DuckDB", Path(sys.executable), marks=held_by(STRANGER)),
    ],
)
def test_a_stranger_finds_a_table_signs_in_and_reads_it_by_the_copied_lines(
    browser: Browser, portal: Portal, tool: str, python: Path
) -> None:
    signed_in = portal.signed_in(browser, "nso")
    signed_in.grant_permissions(["clipboard-read", "clipboard-write"])
    page = signed_in.new_page()
    page.goto(portal.url)
    page.locator("#q").fill("cong dan")
    with page.expect_navigation():
        page.locator("#q").press("Enter")
    follow(page.locator(".found a").first)
    assert "Công dân" in page.locator("h1").inner_text()
    shutil.copy(portal.folder / "nso.share", portal.folder / "recipient.share")
    wanted = "print(sorted(rows['status_code'].to_list()), sorted(rows.columns))"
    details = page.locator("details.tool", has=page.locator("summary", has_text=tool))
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    details.get_by_role("button").click()
    lines = page.evaluate("navigator.clipboard.readText()")
    assert "census" in lines
    lines = "from duckdb_extensions import import_extension\nimport_extension('httpfs')\n" * (tool == "DuckDB") + lines
    lines += "rows = rows.df()\n" * (tool == "DuckDB")
    attempts = portal.folder / f"by-{tool}"
    attempts.mkdir()
    program = f"import os\nos.chdir({str(portal.folder)!r})\n{lines}{wanted}"
    environ = {**portal.sharing.environ, "HOME": os.environ.get("HOME", "/root")}
    done = run_script(lambda _, run=(str(python), "-c", program): [*run], attempts, environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['1', '1', '1', '1'] ['birth_date', 'personal_id', 'status_code']\n", tool
    signed_in.close()


def test_without_scripts_everything_but_the_copy_button_is_there(browser: Browser, portal: Portal) -> None:
    context = browser.new_context(java_script_enabled=False, locale="vi")
    page = context.new_page()
    page.goto(f"{portal.url}/?q=công+dân")
    follow(page.locator(".found a").first)
    assert page.locator("pre").first.is_visible()
    assert not page.locator("button[data-copy]").first.is_visible()
    follow(page.get_by_role("link", name="English"))
    assert page.locator("html").get_attribute("lang") == "en"
    context.close()


@held_by("unit/portal/test_sign_in.py::test_a_session_ends_with_its_token")
def test_a_revoked_token_ends_the_session_of_an_open_browser(browser: Browser, portal: Portal) -> None:
    signed_in = portal.signed_in(browser, OFFICER)
    page = signed_in.new_page()
    page.goto(portal.url)
    assert OFFICER in page.locator(".who").inner_text()
    assert OFFICER in portal.sharing.run("official", "list")
    portal.sharing.run("official", "revoke", OFFICER)
    page.reload()
    assert page.locator(".who").count() == 0
    signed_in.close()
