"""Whether a page fits the screen in each of its layouts, without opening it again for each."""

from __future__ import annotations

from playwright.sync_api import Page

WIDTHS = (390, 768, 1280)  # the style sheets change between 560 and 1000 pixels: one for each layout


def assert_fits(page: Page) -> None:
    """Nothing reaches beyond the window at any of WIDTHS; it has its own size afterwards."""
    own = page.viewport_size
    assert own
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": own["height"]})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (page.url, width)
    page.set_viewport_size(own)
