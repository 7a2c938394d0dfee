"""SVG plots of the linking section: trend over runs, and weights of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from include.audit.report_data import LinkRun, ModelFacts, PrecisionTarget, Share
from include.audit.report_pages.svg import FAINT, SERIES, along_time, draw, with_mark
from include.audit.report_words import LinkingWords, Locale
from include.contracts.words import HANOI

_FOR, _AGAINST = SERIES[1], SERIES[0]
_LINE = 0.2
"""Inches from one level to the next."""


def course(runs: Sequence[LinkRun], locale: Locale) -> str:
    """Two plots side by side: persons and links, and the estimated precision and recall with their intervals."""
    if not runs:
        return ""
    words, first, last = LinkingWords(locale), runs[0], runs[-1]
    persons, links = locale.pick("Người", "Persons"), locale.pick("Cặp đối khớp", "Links")
    precision, recall = locale.pick("Độ chuẩn xác", "Precision"), locale.pick("Độ đầy đủ", "Recall")
    estimates: dict[str, list[Share | None]] = {
        precision: [run.precision for run in runs], recall: [run.recall for run in runs]
    }  # fmt: skip
    shares = [f"{name}: {words.share(found[0])} → {words.share(found[-1])}" for name, found in estimates.items()]
    counts = [
        f"{name}: {locale.number(before)} → {locale.number(now)}"
        for name, before, now in ((persons, first.persons, last.persons), (links, first.links, last.links))
    ]
    title = locale.pick("Diễn biến qua các lần đối khớp", "The course over runs of linking")
    desc = locale.pick("Lần đầu → lần cuối: ", "First → last run: ") + "; ".join(counts + shares)
    with draw("trend-persons", title, f"{desc} ({len(runs)})", height=2.9) as plot:
        left, right = plot.figure.subplots(1, 2)
        times = [run.at.astimezone(HANOI) for run in runs]
        for number, (name, counted) in enumerate(
            ((persons, [run.persons for run in runs]), (links, [run.links for run in runs]))
        ):
            _line(left, times, [float(count) for count in counted], name, number)
        for number, (name, estimated) in enumerate(estimates.items(), 2):
            _estimates(right, times, estimated, name, number)
        # Honest scales: counts start at 0, shares end at 100.
        left.set_ylim(0, left.get_ylim()[1] * 1.05)
        right.set_ylim(max(0.0, min(99.0, right.get_ylim()[0])), 100.05)
        titles = locale.pick("Số lượng", "Counts"), locale.pick("Ước tính, khoảng 95 % (%)", "Estimates, 95 % (%)")
        for axes, head in zip((left, right), titles, strict=True):
            along_time(axes, [run.at for run in runs])
            axes.yaxis.set_major_formatter(with_mark(locale.pick(",", ".")))
            axes.set_title(head, loc="left")
            axes.grid(axis="y")
        plot.figure.legend(loc="outside upper left", ncols=4, frameon=False)
    return plot.svg


def costs(found: Sequence[PrecisionTarget], locale: Locale) -> str:
    """Two plots side by side: recall and number of review pairs, by target precision."""
    if not found:
        return ""
    words = LinkingWords(locale)
    recall, reviews = locale.pick("Độ đầy đủ", "Recall"), locale.pick("Cặp cần xem xét", "Pairs left to people")
    title = locale.pick("Cái giá của độ chuẩn xác mong muốn", "What a wanted precision costs")
    desc = "; ".join(
        f"{words.wanted(one)}: {recall} {words.share(one.recall)}, {reviews} {locale.number(one.reviews)}"
        for one in found
    )
    with draw("threshold-costs", title, desc, height=2.6) as plot:
        left, right = plot.figure.subplots(1, 2)
        places = range(len(found))
        if found[0].recall:
            _estimates(left, places, [one.recall for one in found], recall, 3)
            left.set_ylim(max(0.0, left.get_ylim()[0]), 100.05)
        else:
            left.text(0.5, 0.5, words.share(None), transform=left.transAxes, ha="center", va="center")
            left.set_yticks([])
        _line(right, places, [float(one.reviews) for one in found], reviews, 1)
        right.set_ylim(0, right.get_ylim()[1] * 1.05)
        for axes, head in ((left, f"{recall} (%)"), (right, reviews)):
            axes.set_xticks(places, [words.wanted(one).removesuffix("\u00a0%") for one in found])
            axes.set_xlabel(locale.pick("Độ chuẩn xác mong muốn (%)", "Wanted precision (%)"))
            axes.yaxis.set_major_formatter(with_mark(locale.pick(",", ".")))
            axes.set_title(head, loc="left")
            axes.grid(axis="y")
    return plot.svg


def weights(model: ModelFacts, locale: Locale) -> str:
    """A bar per level: its match weight in bits, for a match to the right, against to the left."""
    levels = _Levels(model, locale)
    title = locale.pick("Trọng số khớp của từng mức (bit)", "Match weight of each level (bits)")
    known = [(name, level.weight) for name, level in levels.named if level.weight is not None]
    desc = "; ".join(f"{name}: {locale.number(weight, 1)}" for name, weight in known)
    with draw("match-weights", title, desc, height=levels.height) as plot:
        axes = plot.figure.subplots()
        for place, (_, level) in zip(levels.places, levels.named, strict=True):
            if level.weight is not None:
                axes.barh(place, level.weight, height=0.72, color=_FOR if level.weight > 0 else _AGAINST)
                _beside(axes, level.weight, place, locale.number(level.weight, 1))
        axes.axvline(0, color=FAINT, linewidth=1)
        axes.margins(x=0.09)
        axes.xaxis.set_major_formatter(with_mark(locale.pick(",", ".")))
        levels.along(axes, title)
    return plot.svg


def probabilities(model: ModelFacts, locale: Locale) -> str:
    """Two points per level, m and u, on a logarithmic scale."""
    levels = _Levels(model, locale)
    words = LinkingWords(locale)
    title = locale.pick("m và u của từng mức", "m and u of each level")
    desc = "; ".join(
        f"{name}: m {words.probability(level.m)}, u {words.probability(level.u)}" for name, level in levels.named
    )
    marks = (("m", "o", _FOR), ("u", "s", _AGAINST))
    with draw("m-and-u", title, desc, height=levels.height + 0.25) as plot:
        axes = plot.figure.subplots()
        axes.set_xscale("log")
        for place, (_, level) in zip(levels.places, levels.named, strict=True):
            if level.m and level.u:
                axes.plot([level.m, level.u], [place, place], color=FAINT, linewidth=2.5, zorder=1)
            for value, (_, mark, colour) in zip((level.m, level.u), marks, strict=True):
                if value:
                    axes.plot([value], [place], marker=mark, color=colour, markersize=5, linestyle="none")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _power(value, locale)))
        levels.along(axes, title)
        keys = [Line2D([], [], marker=mark, color=colour, linestyle="none", label=name) for name, mark, colour in marks]
        plot.figure.legend(handles=keys, loc="outside upper right", ncols=2, frameon=False)
    return plot.svg


class _Levels:
    """The levels of a model from the top down, a gap between two comparisons, with their names."""

    def __init__(self, model: ModelFacts, locale: Locale) -> None:
        words = LinkingWords(locale)
        self.named = [
            (f"{words.comparison(comparison)}: {words.level(level)}", level)
            for comparison in model.comparisons
            for level in comparison.levels
        ]
        gaps = [gap for gap, comparison in enumerate(model.comparisons) for _ in comparison.levels]
        self.places = [-(number + 0.7 * gap) for number, gap in enumerate(gaps)]
        self.height = max(1.5, 0.8 - _LINE * min(self.places, default=0))

    def along(self, axes: Axes, title: str) -> None:
        """Label the vertical axis with the levels."""
        axes.set_yticks(self.places, [name for name, _ in self.named])
        axes.set_ylim(min(self.places, default=0) - 0.8, 0.8)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_title(title, loc="left")
        axes.grid(axis="x")
        axes.set_axisbelow(True)


def _line(axes: Axes, times: Sequence[Any], values: list[float], name: str, number: int) -> None:
    axes.plot(
        list(times), values, label=name, color=SERIES[number], linestyle=("-", "--")[number % 2],
        marker=("o", "s")[number % 2], markersize=4, linewidth=1.6,
    )  # fmt: skip


def _estimates(axes: Axes, places: Sequence[Any], shares: Sequence[Share | None], name: str, number: int) -> None:
    """A line of percentages with their intervals, where there are any."""
    known = [(place, share) for place, share in zip(places, shares, strict=True) if share]
    along = [place for place, _ in known]
    _line(axes, along, [100 * share.value for _, share in known], name, number)
    lower, upper = ([100 * getattr(share, end) for _, share in known] for end in ("lower", "upper"))
    axes.vlines(along, lower, upper, color=SERIES[number], linewidth=1, alpha=0.7)
    axes.fill_between(along, lower, upper, color=SERIES[number], alpha=0.15, linewidth=0)


def _beside(axes: Axes, weight: float, place: float, text: str) -> None:
    side, offset = ("left", 3) if weight > 0 else ("right", -3)
    axes.annotate(text, (weight, place), (offset, 0), textcoords="offset points", ha=side, va="center", fontsize=8)


def _power(value: float, locale: Locale) -> str:
    """1, 0.1, 0.01, then powers of ten."""
    if value >= 0.01:
        return locale.number(value, 0 if value >= 1 else 1 if value >= 0.1 else 2)
    exponent = f"{value:.0e}".partition("e")[2]
    return f"10{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
