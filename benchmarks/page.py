"""From results to what people read: a table and a plot for each part, in Markdown and SVG."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.parts import FLOOR, OURS, Cases

Part = dict[str, Any]
_OURS_COLOUR, _FLOOR_COLOUR, _PEER_COLOUR, _INK = "#0b5cad", "#5b6875", "#b9c4ce", "#1d2733"
_SETTINGS: Any = {
    "svg.fonttype": "none", "svg.hashsalt": "benchmarks", "font.size": 9, "text.color": _INK,
    "axes.edgecolor": "#d9e0e7", "axes.labelcolor": _INK, "xtick.color": _INK, "ytick.color": _INK,
    "axes.spines.top": False, "axes.spines.right": False, "grid.color": "#d9e0e7",
}  # fmt: skip
_INTRO = """<!-- Written by `make bench`. Do not edit. -->

# Benchmarks

The same rows, read and published by Liên Thông and by what you would pick instead, on one machine in one run. Seconds
differ from machine to machine; the ratios are what to compare. Every way runs in a process of its own and in turn with
the others; its memory is the peak of the whole process, its clock starts when its libraries are loaded (ours loads
Great Expectations when it comes to it, inside its time). The server runs on the same machine and shares its cores.

`make bench` does it all again: it starts its own servers, fills them, installs the peers, pinned, into an environment
of their own, and writes this page. `.venv/bin/python -m benchmarks --help` says how to run one part, with fewer rows.
"""
_TITLES = {
    "extraction": "Extraction",
    "sync": "Whole sync",
    "growth": "Growth",
    "incremental": "Every day after the first",
    "change_log": "Every day after the first, by the change log",
    "many_days": "The hundredth day",
    "sources": "Other sources",
}
_ABOUT = {
    "extraction": """{rows:,} rows x 9 columns from PostgreSQL to Parquet (zstd). The floor is the server's own fastest
way to say all rows, to a client that throws them away. Ours includes a digest of the rows and the record of the
extract.""",
    "sync": """{rows:,} rows x 9 columns x 10 rules from PostgreSQL to a published table. Ours: every row held to every
rule twice (DuckDB, then Great Expectations), the newest row of each key, the gate, one Delta commit, the evidence. The
usual stack: `read_sql`, Great Expectations on the data frame, `drop_duplicates`, Parquet. dlt writes Delta and checks
nothing.""",
    "growth": "The whole sync of tables of several sizes.",
    "incremental": """A table of {many:,} rows, of which a share, spread at random, was changed. Rows deleted at the
source are looked for in every run (`deletes: reconcile`): the source computes a checksum of all other rows, on one
core, and all keys are compared on a day on which it differs. The last line is what such a day takes without increments:
all rows read, judged and compared again. Rows spread at random lie in every file and row group of the published table:
of each, only the columns that change are written anew, the others are copied byte by byte.""",
    "change_log": """The same days on the same table, where the source's owner allows `changes: log`
([how](../how-to/follow-a-change-log.md)): the source is asked for its log and for the changed rows, never for a figure
of all rows. With more than 200,000 changed keys, and 3 % of the rows, the whole table is read.""",
    "many_days": """A table of 2,000 rows, synced on 100 days, on each of which a hundredth of its rows changed: what
a small sync costs must not grow with the days behind it. Medians of ten days, one process for ten.""",
    "sources": "{few:,} of the same rows from each, to Parquet (zstd).",
}


def summary(name: str, part: Part) -> str:
    """A part as plain text, for the terminal."""
    lines = [f"{_TITLES[name]}: {part['rows']:,} rows, medians of {part['rounds']}"]
    for case, ways in part["cases"].items():
        for way, figures in ways.items():
            label = " ".join(filter(None, (case, "" if len(ways) == 1 else way)))
            lines.append(f"  {label:44}{figures['seconds']:>9,.1f} s{_memory(figures):>9} MiB")
    if name == "sync":
        lines += _against_pandas(part)
    return "\n".join(lines)


def _against_pandas(part: Part) -> list[str]:
    mine, theirs = part["cases"][""][OURS], part["cases"][""]["pandas + Great Expectations"]
    lines = [
        f"{part['rows']:,} rows x 9 columns, 10 rules, PostgreSQL on this machine, medians of {part['rounds']}",
        f"{'':22}{OURS:>12}{'pandas':>12}{'ratio':>9}",
    ]
    for name, label in (
        ("extract", "extract, seconds"), ("seconds", "whole sync, seconds"), ("peak_mib", "peak memory, MiB"),
    ):  # fmt: skip
        lines.append(f"{label:22}{mine[name]:>12,.1f}{theirs[name]:>12,.1f}{theirs[name] / mine[name]:>8.1f}x")
    return lines


def write(folder: Path, results: dict[str, Any]) -> None:
    """benchmarks.md and its plots, of the parts that have figures."""
    text = [_INTRO, _environment(results)]
    for name, title in _TITLES.items():
        if name not in results["parts"]:
            continue
        part = results["parts"][name]
        rows, plot = part["rows"], f"benchmarks-{name}.svg"
        (folder / plot).write_text(_plot(name, part), encoding="utf-8")
        words = _ABOUT[name].format(rows=rows, many=rows * 4, few=rows // 5)
        taken = (
            f"Taken on {part['at']}, medians of {part['rounds']}." if part["rounds"] > 1 else f"Taken on {part['at']}."
        )
        text += [f"## {title}\n\n{words} {taken}\n", _table(name, part["cases"]), f"![{title}]({plot})\n"]
    (folder / "benchmarks.md").write_text("\n".join(text), encoding="utf-8")


def _environment(results: dict[str, Any]) -> str:
    lines = ["| | |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in results.get("machine", {}).items()]
    for whose, listed in results.get("versions", {}).items():
        of = "versions" if whose == "both" else f"versions, {whose}"
        lines.append(f"| {of} | {', '.join(f'{name} {number}' for name, number in listed.items())} |")
    return "\n".join(lines) + "\n"


def _table(name: str, cases: Cases) -> str:
    heads, line = _LINES[name]
    first = next(iter(cases.values()))
    rows = [
        [*([case] if case else []), *([way] if len(ways) > 1 else []), *line(figures, ways, first)]
        for case, ways in cases.items()
        for way, figures in ways.items()
    ]
    kinds = [*(["case"] if "" not in cases else []), *(["way"] if len(first) > 1 else [])]
    marks = [" --- "] * len(kinds) + [" ---: "] * len(heads)
    table = [[*kinds, *heads], *rows]
    listed = [f"| {' | '.join(cells)} |" for cells in table]
    return "\n".join([listed[0], f"|{'|'.join(marks)}|", *listed[1:]]) + "\n"


Line = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], list[str]]


def _measured(figures: dict[str, Any]) -> list[str]:
    return [f"{figures['seconds']:,.1f}", _memory(figures)]


def _memory(figures: dict[str, Any]) -> str:
    return f"{figures['peak_mib']:,.0f}" if "rows" in figures else "-"  # the floor keeps no row


def _to_floor(figures: dict[str, Any], ways: dict[str, Any], _: dict[str, Any]) -> list[str]:
    floor, ours = ways[FLOOR]["seconds"], ways[OURS]["seconds"]
    return [*_measured(figures), f"{figures['seconds'] / floor:.2f}", f"{figures['seconds'] / ours:.2f}"]


def _to_smallest(figures: dict[str, Any], ways: dict[str, Any], _: dict[str, Any]) -> list[str]:
    return [*_measured(figures), f"{figures['seconds'] / ways[FLOOR]['seconds']:.2f}"]


def _to_full(figures: dict[str, Any], _: dict[str, Any], first: dict[str, Any]) -> list[str]:
    changed = [figures.get("mode", ""), f"{figures['rows']:,.0f}", f"{figures['changed']:,.0f}"]
    return [*changed, *_measured(figures), f"{100 * figures['seconds'] / first[OURS]['seconds']:.0f} %"]


def _to_ours(figures: dict[str, Any], ways: dict[str, Any], _: dict[str, Any]) -> list[str]:
    return [*_measured(figures), f"{figures['seconds'] / ways[OURS]['seconds']:.2f}"]


def _to_first(figures: dict[str, Any], _: dict[str, Any], first: dict[str, Any]) -> list[str]:
    return [f"{figures['seconds']:.2f}", _memory(figures), f"{figures['seconds'] / first[OURS]['seconds']:.2f}"]


_SECONDS = ["seconds", "peak memory, MiB"]
_LINES: dict[str, tuple[list[str], Line]] = {
    "extraction": ([*_SECONDS, "times the floor", "times Liên Thông"], _to_floor),
    "sync": ([*_SECONDS, "times the floor", "times Liên Thông"], _to_floor),
    "growth": ([*_SECONDS, "times the floor"], _to_smallest),
    "incremental": (["mode", "rows read", "rows changed", *_SECONDS, "of the first sync"], _to_full),
    "change_log": (["mode", "rows read", "rows changed", *_SECONDS, "of the first sync"], _to_full),
    "many_days": ([*_SECONDS, "times the first days"], _to_first),
    "sources": ([*_SECONDS, "times Liên Thông"], _to_ours),
}


def _plot(name: str, part: Part) -> str:
    with mpl.rc_context(_SETTINGS):
        figure = _growth(part["cases"]) if name == "growth" else _bars(part["cases"])
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def _bars(cases: Cases) -> Figure:
    """A bar for each way of each case, the first on top."""
    bars = [
        (" ".join(filter(None, (case, "" if len(ways) == 1 else way))), way, figures["seconds"])
        for case, ways in cases.items()
        for way, figures in ways.items()
    ][::-1]
    figure = Figure(figsize=(8, 0.6 + 0.32 * len(bars)), layout="constrained")
    axes = figure.subplots()
    colours = [{OURS: _OURS_COLOUR, FLOOR: _FLOOR_COLOUR}.get(way, _PEER_COLOUR) for _, way, _ in bars]
    drawn = axes.barh([label for label, _, _ in bars], [seconds for *_, seconds in bars], color=colours)
    axes.bar_label(drawn, fmt="{:,.1f}", padding=3)
    axes.set_xlabel("seconds")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def _growth(cases: Cases) -> Figure:
    """Time and peak memory over rows."""
    millions = [int(case.split()[0].replace(",", "")) / 1e6 for case in cases]
    figure = Figure(figsize=(8, 2.8), layout="constrained")
    left, right = figure.subplots(1, 2)

    def line(axes: Any, way: str, value: str, colour: str) -> None:
        figures: Sequence[float] = [ways[way][value] for ways in cases.values()]
        axes.plot(millions, figures, color=colour, marker="o", markersize=4, label=way)

    line(left, OURS, "seconds", _OURS_COLOUR)
    line(left, FLOOR, "seconds", _FLOOR_COLOUR)
    line(right, OURS, "peak_mib", _OURS_COLOUR)
    for axes, title in ((left, "seconds"), (right, "peak memory, MiB")):
        axes.set_title(title, loc="left", fontsize=9)
        axes.set_xlabel("million rows")
        axes.set_ylim(0, axes.get_ylim()[1] * 1.05)
        axes.grid(axis="y")
    left.legend(frameon=False)
    return figure
