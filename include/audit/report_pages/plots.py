"""SVG plots of the trend of a registry's tables over their runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from include.audit.report_data import TableReport, TrendPoint
from include.audit.report_pages.svg import SERIES, along_time, draw, with_mark
from include.contracts.words import HANOI

_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
_MARKERS = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True, slots=True)
class Captions:
    """The texts of a plot in one language, and its decimal separator."""

    title: str
    desc: str
    rejected: str
    index: str
    point: str


def trend(name: str, tables: Sequence[TableReport], captions: Captions) -> str:
    """Two plots side by side for one registry: the share of open rejected rows and the index, after each run.

    Returns:
        An `<svg>` for inlining, with `title` and `desc` for those who cannot see it; empty if nothing is published.
    """
    drawn = [table for table in tables if table.trend]
    if not drawn:
        return ""
    with draw(f"trend-{name}", captions.title, captions.desc, height=2.9) as plot:
        left, right = plot.figure.subplots(1, 2)
        _panel(left, drawn, captions.rejected, captions.point, lambda point: point.open_percent)
        _panel(right, drawn, captions.index, captions.point, lambda point: point.index)
        # Honest scales: rejected shares start at 0, the index ends at 100.
        left.set_ylim(0, max(1.0, left.get_ylim()[1]) * 1.1)
        right.set_ylim(min(90.0, right.get_ylim()[0]), 100.5)
        plot.figure.legend(
            *left.get_legend_handles_labels(), loc="outside upper left", ncols=min(4, len(drawn)), frameon=False
        )
    return plot.svg


def _panel(
    axes: Axes, tables: Sequence[TableReport], title: str, mark: str, value: Callable[[TrendPoint], float | None]
) -> None:
    for number, table in enumerate(tables):
        points = [(point.run.at, value(point)) for point in table.trend]
        known: list[tuple[Any, float]] = [(at.astimezone(HANOI), figure) for at, figure in points if figure is not None]
        axes.plot(
            [at for at, _ in known],
            [figure for _, figure in known],
            label=table.table.name,
            color=SERIES[number % len(SERIES)],
            linestyle=_DASHES[number % len(_DASHES)],
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=4,
            linewidth=1.6,
        )
    along_time(axes, [point.run.at for table in tables for point in table.trend])
    axes.yaxis.set_major_formatter(with_mark(mark))
    axes.set_title(title, loc="left")
    axes.grid(axis="y")
