"""Whether a page fits the screen in each of its layouts, without opening it again for each; layouts taken in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import pytest
from playwright.sync_api import Page

from tests.repeats import held_by

T = TypeVar("T")

WIDTHS = (390, 768, 1280)  # the style sheets change between 560 and 1000 pixels: one for each layout


def assert_fits(page: Page) -> None:
    """Nothing reaches beyond the window at any of WIDTHS; it has its own size afterwards."""
    own = page.viewport_size
    assert own
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": own["height"]})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (page.url, width)
    page.set_viewport_size(own)


def in_turns(layouts: Sequence[T], test: str) -> pytest.MarkDecorator:
    """For a test of many pages: `layouts` begun with each of them, as the parameter of the same name.

    The test takes the next layout for each page. In the first turn every page is seen once, no two that follow each
    other in one layout; the other turns, held by that one, come to every page in every layout.
    """
    turns = [[*layouts[n:], *layouts[:n]] for n in range(len(layouts))]
    first, *others = turns
    cases = [
        pytest.param(first, id="first"),
        *(pytest.param(t, id=f"turn {n}", marks=held_by(test)) for n, t in enumerate(others, 2)),
    ]
    return pytest.mark.parametrize("layouts", cases)
