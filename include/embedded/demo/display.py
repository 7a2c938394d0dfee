"""Progress display of the demo: a live table on a terminal, plain lines without one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table as Grid
from rich.text import Text

from include.console_words import STAGES, local, number, word
from include.embedded.demo.watch import DONE, HELD, Snapshot
from include.embedded.servers import console, say

_COLOURS = {"published": "green", "unchanged": "cyan", HELD: "yellow", "waiting": "dim"}


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
    """Live display of the phases so far, and a line per table."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.began = self.phase_began = time.monotonic()
        self.what = ""
        self.since: dict[str, tuple[str, float]] = {}

    def phase(self, what: str) -> None:
        if self.what:
            seconds = number(time.monotonic() - self.phase_began, 1)
            self.live.console.print(f"[green]✓[/] {self.what} [dim]({seconds} s)")
        self.what, self.phase_began = what, time.monotonic()
        self.live.update(Spinner("dots", what))

    def show(self, seen: Snapshot) -> None:
        grid = Grid(box=None, padding=(0, 2, 0, 0), show_header=False)
        done = sum(stage in DONE for stage in seen.tables.values())
        tables_word = local("bảng", "tables")
        title = f"{self.what}  {done}/{len(seen.tables)} {tables_word}, {time.monotonic() - self.began:.0f} s"
        for name, stage in seen.tables.items():
            if self.since.get(name, ("", 0.0))[0] != stage:
                self.since[name] = (stage, time.monotonic())
            colour = "red" if stage.startswith("failed") else _COLOURS.get(stage, "blue")
            moving = "" if stage in DONE or stage == "waiting" else f"{time.monotonic() - self.since[name][1]:.0f} s"
            grid.add_row(name, Text(word(STAGES, stage), style=colour), Text(moving, style="dim"))
        for dag_id, state in dict(seen.runs).items():  # a DAG may have run several times: the last counts
            if not dag_id.startswith("sync_"):
                grid.add_row(Text(dag_id, style="dim"), Text(word(STAGES, state), style="dim"))
        self.live.update(Group(title, grid))
