"""Progress bar of a simulation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from include.simulator.build import Report
from include.terminal import Terminal


@contextmanager
def progress_bar() -> Iterator[Report]:
    """Gives what `build_country` takes as `progress`; draws on stderr."""
    columns = (SpinnerColumn(), TextColumn("{task.description:<24}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Terminal(stderr=True, highlight=True)) as bar:
        task = bar.add_task("", total=None)

        def report(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total)

        yield report
