"""What the embedded commands say, on a terminal or without one."""

from __future__ import annotations

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)


def say(line: str) -> None:
    """One line for the person who waits, at once."""
    console.print(line)
