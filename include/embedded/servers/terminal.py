"""Terminal output of the embedded commands."""

from __future__ import annotations

from rich.console import Console

console = Console(highlight=False)
if not console.is_terminal:
    console.width = 140  # width of the tables where the output has none


def say(line: str) -> None:
    """Print one line, unbuffered; wrapped between words on a terminal."""
    console.print(line, soft_wrap=not console.is_terminal)


def show_command(line: str) -> None:
    """Print a command or URL on a line of its own that is never wrapped, so that it can be copied."""
    console.print(f"       {line}", soft_wrap=True, markup=False)
