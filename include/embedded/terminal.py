"""What the embedded commands say, on a terminal or without one."""

from __future__ import annotations

from rich.console import Console

console = Console(highlight=False)
if not console.is_terminal:
    console.width = 140  # a log or a pipe has no width; the tables need this much


def say(line: str) -> None:
    """One line for the person who waits, at once; wrapped between words where there is a terminal."""
    console.print(line, soft_wrap=not console.is_terminal)


def show_command(line: str) -> None:
    """What is to be typed or opened, on a line of its own that is never broken, so that it can be copied whole."""
    console.print(f"       {line}", soft_wrap=True, markup=False)
