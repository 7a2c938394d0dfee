"""Terminal output of the embedded commands."""

from __future__ import annotations

from rich.text import Text

from include.terminal import Terminal

console = Terminal()
if not console.is_terminal:
    console.width = 140  # width of the tables where the output has none


def say(line: str | Text, style: str | None = None) -> None:
    """Print one line, unbuffered; wrapped between words on a terminal."""
    console.print(line, style=style, soft_wrap=not console.is_terminal)


def say_error(error: Exception) -> None:
    """Print what went wrong, in red."""
    say(str(error), "red")


def show_command(line: str) -> None:
    """Print a command or URL on a line of its own that is never wrapped, so that it can be copied."""
    console.print(f"       {line}", soft_wrap=True)
