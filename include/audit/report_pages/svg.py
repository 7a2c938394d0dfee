"""SVG style of all plots: text stays text, colours come from the page, no script."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from include.contracts.words import HANOI

INK, FAINT = "#010203", "#010204"
SERIES = ("#010211", "#010212", "#010213", "#010214", "#010215", "#010216")
"""Placeholder colours, replaced by the page's, so that a plot follows light, dark and print styles."""

_VARIABLES = {INK: "var(--ink)", FAINT: "var(--line)"} | {
    colour: f"var(--series-{number})" for number, colour in enumerate(SERIES, 1)
}
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.titlesize": 10,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@dataclass(slots=True)
class Plot:
    """A plot being drawn; `svg` is set when it is finished."""

    figure: Figure
    svg: str = ""


@contextmanager
def draw(name: str, title: str, desc: str, *, height: float) -> Iterator[Plot]:
    """Draw a plot as wide as the page, `height` in inches. Its ids begin with `name`.

    Afterwards `svg` is an `<svg>` for inlining, with `title` and `desc` for those who cannot see it.
    """
    with mpl.rc_context({**_SETTINGS, "svg.hashsalt": name}):
        plot = Plot(Figure(figsize=(9.6, height), layout="constrained"))
        yield plot
        text = io.StringIO()
        plot.figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    plot.svg = _for_inlining(text.getvalue(), name, title, desc)


def along_time(axes: Axes, times: list[datetime]) -> None:
    """Label the horizontal axis with these instants, in Hà Nội time."""
    span = max(times) - min(times)
    if span < timedelta(hours=1):
        around: Any = (min(times) - timedelta(hours=12), max(times) + timedelta(hours=12))
        axes.set_xlim(*around)
    pattern = "%d/%m %H:%M" if span < timedelta(days=3) else "%d/%m/%Y"
    locator: Any = AutoDateLocator
    formatter: Any = DateFormatter
    axes.xaxis.set_major_locator(locator(tz=HANOI, minticks=2, maxticks=5))
    axes.xaxis.set_major_formatter(formatter(pattern, tz=HANOI))


def with_mark(mark: str) -> FuncFormatter:
    """Axis number format with this decimal separator and the other one between thousands."""
    return FuncFormatter(
        lambda figure, _: _grouped(figure).translate(str.maketrans(",.", ".," if mark == "," else ",."))
    )


def _grouped(figure: float) -> str:
    return f"{figure:,.0f}" if abs(figure) >= 1000 else f"{figure:g}"


def _for_inlining(svg: str, prefix: str, title: str, desc: str) -> str:
    """The `<svg>` element alone, its ids made unique, its colours the page's, a title and description in front."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, count=1, flags=re.DOTALL)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, count=1, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{prefix}-', body)
    body = re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}-", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, variable)
    size = re.search(r'viewBox="([^"]+)"', body)
    box = size[1] if size else "0 0 691 209"
    head = (
        f'<svg class="plot" viewBox="{box}" role="img" aria-labelledby="{prefix}-title {prefix}-desc" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink"><title id="{prefix}-title">{_plain(title)}</title>'
        f'<desc id="{prefix}-desc">{_plain(desc)}</desc>'
    )
    return head + body[body.index(">") + 1 :]


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
