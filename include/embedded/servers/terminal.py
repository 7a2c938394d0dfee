"""Terminal output of the embedded commands."""

from __future__ import annotations

from rich.console import Console

console = Console(highlight=False)
if not console.is_terminal:
    console.width = 140  # width of the tables where the output has none


def say(line: str) -> None:
    """Print one line, unbuffered; wrapped between words on a terminal."""
    console.print(line, soft_wrap=not console.is_terminal)


def say_error(error: Exception) -> None:
    """Print what went wrong, in red and as it is: the lines of a log can hold brackets."""
    console.print(str(error), style="red", soft_wrap=not console.is_terminal, markup=False)


def show_command(line: str) -> None:
    """Print a command or URL on a line of its own that is never wrapped, so that it can be copied."""
    console.print(f"       {line}", soft_wrap=True, markup=False)
