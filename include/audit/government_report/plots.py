"""Plots of the report: shares quarter by quarter, provinces ranked, services without dossiers."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import nan

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from include.audit.government_report.content import GovernmentReport
from include.audit.government_report.inputs import ReportInputs
from include.audit.report_pages import SERIES, draw, with_mark
from include.indicators.values import ShownIndicator

_INKS = ("#a5121f", "#0b5394", "#0a6b45")  # on paper
_MOST_RANKED = 15
_PARTS = (("ministry", "Bộ, ngành trung ương"), ("province", "Tỉnh, thành phố"))


@dataclass(frozen=True, slots=True)
class DrawnPlot:
    """A plot with its caption: for the page as SVG, for the document as PNG."""

    title: str
    svg: str
    png: bytes


def plots_of(report: GovernmentReport, inputs: ReportInputs) -> list[DrawnPlot]:
    """The plots of the indicators that the heading names, of the values that the report prints and could compare."""
    found = []
    for name in [name for name in report.heading.plots if name in inputs.now]:
        label, course = inputs.definitions[name].name.vietnamese, inputs.course(name, report.period)
        values = {part: [_value(one, member) for one in course.values()] for member, part in _PARTS}
        if any(value is not None for points in values.values() for value in points):
            title = f"{label}, qua các kỳ so sánh được với kỳ này"
            found.append(_drawn(f"{name}-course", title, 2.6, _course(list(course), values)))
        agencies = [
            (one.member, one.value)
            for one in inputs.now[name].stored.of("agency")
            if one.value is not None and one.member.startswith("H")
        ]
        if agencies:
            ranked = sorted(agencies, key=lambda pair: (-pair[1], pair[0]))[:_MOST_RANKED]
            title = f"{label}: {len(ranked)} tỉnh, thành phố có giá trị lớn nhất, {report.period_text}"
            found.append(_drawn(f"{name}-rank", title, 0.6 + 0.22 * len(ranked), _ranking(ranked)))
    return found


def _value(edition: ShownIndicator | None, member: str) -> Decimal | None:
    of_scope = edition.stored.of("scope") if edition else ()
    return next((one.value for one in of_scope if one.member == member), None)


def _course(
    quarters: Sequence[str], values: Mapping[str, Sequence[Decimal | None]]
) -> Callable[[Axes, Sequence[str]], None]:
    def onto(axes: Axes, inks: Sequence[str]) -> None:
        places = range(len(quarters))
        for (label, points), ink in zip(values.items(), inks, strict=False):
            heights = [nan if value is None else float(value) for value in points]  # a line breaks at nan
            axes.plot(places, heights, marker="o", markersize=4, label=label, color=ink)
        axes.set_xticks(places, quarters)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(with_mark(","))
        axes.legend(frameon=False)

    return onto


def _ranking(ranked: Sequence[tuple[str, Decimal]]) -> Callable[[Axes, Sequence[str]], None]:
    def onto(axes: Axes, inks: Sequence[str]) -> None:
        names = [name for name, _ in ranked][::-1]
        axes.barh(names, [float(value) for _, value in ranked][::-1], color=inks[1])
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(with_mark(","))

    return onto


def _drawn(name: str, title: str, height: float, onto: Callable[[Axes, Sequence[str]], None]) -> DrawnPlot:
    with draw(name, title, title, height=height) as plot:
        onto(plot.figure.subplots(), SERIES)
    paper = Figure(figsize=(7.2, height), layout="constrained")
    onto(paper.subplots(), _INKS)
    png = io.BytesIO()
    paper.savefig(png, format="png", dpi=150, metadata={"Software": None})
    return DrawnPlot(title, plot.svg, png.getvalue())
