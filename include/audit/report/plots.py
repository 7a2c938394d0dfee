"""How a registry's tables move over their runs, as SVG: text stays text, colours come from the page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from include.audit.report.freshness import SCHEDULE_ZONE as ZONE
from include.audit.report.model import TableReport, TrendPoint

_INK, _FAINT = "#010203", "#010204"
_SERIES = ("#010211", "#010212", "#010213", "#010214", "#010215", "#010216")
"""Colours that stand for the page's own, so that a plot follows light, dark and paper."""

_VARIABLES = {_INK: "var(--ink)", _FAINT: "var(--line)"} | {
    colour: f"var(--series-{number})" for number, colour in enumerate(_SERIES, 1)
}
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
_MARKERS = ("o", "s", "^", "D", "v", "P")
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "font.size": 9,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _FAINT,
    "axes.titlesize": 10,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _FAINT,
    "grid.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@dataclass(frozen=True, slots=True)
class Captions:
    """The words of a plot in one language, and the mark between a number's whole and its fraction."""

    title: str
    desc: str
    rejected: str
    index: str
    point: str


def trend(name: str, tables: Sequence[TableReport], captions: Captions) -> str:
    """Two plots side by side for one registry: the share of rejected rows and the index, over runs.

    Returns:
        An `<svg>` for inlining, with `title` and `desc` for those who cannot see it; empty if nothing is published.
    """
    drawn = [table for table in tables if table.trend]
    if not drawn:
        return ""
    with mpl.rc_context({**_SETTINGS, "svg.hashsalt": name}):
        figure = Figure(figsize=(9.6, 2.9), layout="constrained")
        left, right = figure.subplots(1, 2)
        _panel(left, drawn, captions.rejected, captions.point, lambda point: point.run.rejected_percent)
        _panel(right, drawn, captions.index, captions.point, lambda point: point.index)
        # Honest scales: no rejected rows is the floor of one, 100 the ceiling of the other.
        left.set_ylim(0, max(1.0, left.get_ylim()[1]) * 1.1)
        right.set_ylim(min(90.0, right.get_ylim()[0]), 100.5)
        figure.legend(
            *left.get_legend_handles_labels(), loc="outside upper left", ncols=min(4, len(drawn)), frameon=False
        )
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return _for_inlining(text.getvalue(), f"trend-{name}", captions.title, captions.desc)


def _panel(
    axes: Axes, tables: Sequence[TableReport], title: str, mark: str, value: Callable[[TrendPoint], float | None]
) -> None:
    for number, table in enumerate(tables):
        points = [(point.run.at, value(point)) for point in table.trend]
        known: list[tuple[Any, float]] = [(at.astimezone(ZONE), figure) for at, figure in points if figure is not None]
        axes.plot(
            [at for at, _ in known],
            [figure for _, figure in known],
            label=table.table.name,
            color=_SERIES[number % len(_SERIES)],
            linestyle=_DASHES[number % len(_DASHES)],
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=4,
            linewidth=1.6,
        )
    times = [point.run.at for table in tables for point in table.trend]
    span = max(times) - min(times)
    if span < timedelta(hours=1):
        around: Any = (min(times) - timedelta(hours=12), max(times) + timedelta(hours=12))
        axes.set_xlim(*around)
    pattern = "%d/%m %H:%M" if span < timedelta(days=3) else "%d/%m/%Y"
    locator: Any = AutoDateLocator
    formatter: Any = DateFormatter
    axes.xaxis.set_major_locator(locator(tz=ZONE, minticks=2, maxticks=5))
    axes.xaxis.set_major_formatter(formatter(pattern, tz=ZONE))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda figure, _: f"{figure:g}".replace(".", mark)))
    axes.set_title(title, loc="left")
    axes.grid(axis="y")


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
