"""Take the pictures of README.md: `python -m docs.pictures`. Needs Chromium; runs the demo and stops what it started.

Four pictures of one synced country, which is simulated: the end of the demo in a terminal, the quality page, the
report, and a sync in Airflow. They are looked at and committed by hand; nothing is taken in CI.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from rich.console import Console
from rich.text import Text

from include.embedded.demo import down, up
from include.embedded.servers import USER, AirflowApi, url
from include.embedded.site import REPOSITORY, Site

PICTURES = Path(__file__).parent / "pictures"
WINDOW, COLOURS, COLUMNS = ViewportSize(width=1280, height=800), 128, 130
TERMINAL = {"FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "LC_ALL": "C.UTF-8"}
SETTLED = 4_000  # milliseconds; Airflow's pages ask again and again, so the network is never idle
GRAPH = "localStorage.setItem('default_dag_view', '\"graph\"')"


def main() -> int:
    """Run everything once and write the four pictures; returns the exit status."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        print("No Chromium on the search path: apt-get install chromium", file=sys.stderr)
        return 1
    if status := up():
        return status
    try:
        demo = [sys.executable, "-m", "include.cli", "demo"]
        done = subprocess.run(demo, env=os.environ | TERMINAL, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            print(done.stdout, file=sys.stderr)
            return done.returncode
        _terminal(done.stdout)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            _pages(Site.at(REPOSITORY), browser)
            browser.close()
    finally:
        down()
    return 0


def _terminal(printed: str) -> None:
    """The summary that ends the demo, in its colours."""
    before, title, after = printed.rpartition("What happened")
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    summary = after.rpartition("\nNext")[0]  # the next steps hold a password
    console.print(Text.from_ansi(before.rpartition("\n")[2] + title + summary))
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title="make demo"), flags=re.DOTALL)  # from the web
    (PICTURES / "demo.svg").write_text(drawn, encoding="utf-8")


def _pages(site: Site, browser: Browser) -> None:
    """The pages that Airflow serves, signed in as its administrator."""
    address, password = url(site), site.secret("airflow_password")
    api = AirflowApi(address, USER, password)
    run_id = next(run["dag_run_id"] for run in api.runs("2000-01-01T00:00:00Z") if run["dag_id"] == "sync_population")
    api.close()
    page = browser.new_context(viewport=WINDOW, locale="en-GB").new_page()
    page.add_init_script(GRAPH)
    page.goto(f"{address}/auth/login")
    page.locator("input[name=username]").fill(USER)
    page.locator("input[type=password]").fill(password)
    page.locator("button[type=submit]").click()
    page.wait_for_url(lambda reached: "/login" not in reached)

    page.goto(f"{address}/quality/?lang=en")
    _save(page, "quality.png")
    page.goto(f"{address}/quality/reports/latest/report.en.html")
    _save(page, "report.png")
    page.goto(f"{address}/dags/sync_population/runs/{run_id}")
    page.locator(".react-flow__node").first.wait_for()
    for label in ("Collapse Details Panel", "Expand all task groups", "Fit View"):
        page.get_by_label(label).first.click()
        page.wait_for_timeout(SETTLED)
    _save(page, "airflow.png")


def _save(page: Page, name: str) -> None:
    """What the window shows, in few colours, so that the repository stays small."""
    page.wait_for_timeout(SETTLED)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(PICTURES / name, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
