"""What is wrong with a YAML file of ours, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the file and line (1-based, 0 if the file has none), the place in words, and the remedy."""

    path: Path
    line: int
    where: str
    message: str
    remedy: str
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        where = f" {self.where}:" if self.where else ""
        return f"{place}: {self.level}:{where} {self.message} -> {self.remedy}"


def files_of(problems: Iterable[Problem]) -> tuple[str, ...]:
    """Names of the files that have these mistakes, each once."""
    return tuple(dict.fromkeys(problem.path.name for problem in problems))


class Tell(Protocol):
    """Takes one mistake found at a place of a file, given as the keys and positions that lead to it."""

    def __call__(self, place: tuple[str | int, ...], message: str, remedy: str, *, warning: bool = False) -> None:
        """Keep it; `warning`: nothing is stopped by it."""


class ContractError(ValueError):
    """A contract (or another YAML file under `schemas/`) cannot be used. `problems` holds every mistake found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))
