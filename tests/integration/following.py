"""How tests in a browser go from page to page."""

from __future__ import annotations

from playwright.sync_api import Locator


def follow(target: Locator) -> None:
    """Click what leads to another page, and wait until that page has loaded.

    A click alone may return while the browser still shows the page before, or has half of the next one.
    """
    with target.page.expect_navigation():
        target.click()
