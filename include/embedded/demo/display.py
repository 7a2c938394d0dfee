"""Progress display of the demo: a live table on a terminal, plain lines without one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table as Grid
from rich.text import Text

from include.console_words import STAGES, local, number, word
from include.embedded.demo.watch import DONE, HELD, Snapshot
from include.embedded.servers import console, say

_NAME, _BAR, _COUNT = 26, 16, 5  # characters


class Display(Protocol):
    """Protocol of a progress display."""

    def phase(self, what: str) -> None:
        """Show the start of a phase."""

    def show(self, seen: Snapshot) -> None:
        """Show a snapshot of Airflow."""


@contextmanager
def display() -> Iterator[Display]:
    """The display for a terminal or for plain output, for the block."""
    if not console.is_terminal:
        yield _Lines()
        return
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        yield _Screen(live)


class _Lines:
    """Display of one line per change, with the seconds since the start."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.known: dict[str, str] = {}

    def phase(self, what: str) -> None:
        say(f"{time.monotonic() - self.began:6.1f} s  {what}")

    def show(self, seen: Snapshot) -> None:
        now = {**seen.tables, **{dag_id: state for dag_id, state in seen.runs if not dag_id.startswith("sync_")}}
        for name, stage in now.items():
            if stage != self.known.get(name, "waiting"):
                self.phase(f"{name}: {word(STAGES, stage)}")
        self.known = now


class _Screen:
    """Live display of the phases so far, and a line per registry with its tables that move or need somebody."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.began = self.phase_began = time.monotonic()
        self.what = ""
        self.since: dict[str, tuple[str, float]] = {}

    def phase(self, what: str) -> None:
        if self.what:
            seconds = number(time.monotonic() - self.phase_began, 1)
            self.live.console.print(Text.assemble(("✓", "green"), f" {self.what} ", (f"({seconds} s)", "dim")))
        self.what, self.phase_began = what, time.monotonic()
        self.live.update(Spinner("dots", Text(what)))

    def show(self, seen: Snapshot) -> None:
        done = sum(stage in DONE for stage in seen.tables.values())
        tables_word = local("bảng", "tables")
        title = f"{self.what}  {done}/{len(seen.tables)} {tables_word}, {time.monotonic() - self.began:.0f} s"
        stages: dict[str, dict[str, str]] = {}
        for name, stage in seen.tables.items():
            if self.since.get(name, ("", 0.0))[0] != stage:
                self.since[name] = (stage, time.monotonic())
            stages.setdefault(name.partition(".")[0], {})[name] = stage
        consumers = {dag_id: state for dag_id, state in seen.runs if not dag_id.startswith("sync_")}  # the last counts
        names = min(_NAME, max(map(len, [*stages, *consumers]), default=0))
        grid = Grid(box=None, padding=(0, 2, 0, 0), show_header=False, expand=True)
        for width in (names, _BAR, _COUNT):
            grid.add_column(width=width, no_wrap=True)
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for registry, of_tables in stages.items():
            there = sum(stage in DONE for stage in of_tables.values())
            bar = ProgressBar(len(of_tables), there, width=_BAR, complete_style="green", finished_style="green")
            grid.add_row(registry, bar, f"{there}/{len(of_tables)}", self._moving(of_tables))
        for dag_id, state in consumers.items():
            grid.add_row(Text(dag_id, style="dim"), "", "", Text(word(STAGES, state), style="dim"))
        self.live.update(Group(title, grid))

    def _moving(self, stages: Mapping[str, str]) -> Text:
        """The tables that are neither done nor waiting for their turn; first those that need somebody."""
        moving = [(name, stage) for name, stage in stages.items() if stage not in DONE and stage != "waiting"]
        moving.sort(key=lambda one: one[1] != HELD and not one[1].startswith("failed"))
        told = Text()
        for name, stage in moving:
            colour = "red" if stage.startswith("failed") else "yellow" if stage == HELD else "blue"
            seconds = f" {time.monotonic() - self.since[name][1]:.0f} s"
            told.append(", " if told else "").append(name.partition(".")[2] + " ")
            told.append(word(STAGES, stage), style=colour).append(seconds, style="dim")
        return told
