"""Problems in a YAML file: message, place and remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from include.known_error import KnownError

Result = TypeVar("Result")


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

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {**asdict(self), "path": str(self.path)}


def files_of(problems: Iterable[Problem]) -> tuple[str, ...]:
    """Names of the files with these problems, each once."""
    return tuple(dict.fromkeys(problem.path.name for problem in problems))


class ReportProblem(Protocol):
    """Function that records a mistake at a place of a file, given as a path of keys and positions."""

    def __call__(self, place: tuple[str | int, ...], message: str, remedy: str, *, warning: bool = False) -> None:
        """Record it; a `warning` does not invalidate the file."""


class ContractError(KnownError, ValueError):
    """A contract (or another YAML file under `schemas/`) is invalid. `problems` holds every mistake found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


def load_each(paths: Mapping[str, Path], load: Callable[[Path], Result]) -> tuple[dict[str, Result], list[Problem]]:
    """Results of `load` for the valid files, by name, and the mistakes of the others."""
    found: dict[str, Result] = {}
    problems: list[Problem] = []
    for name, path in paths.items():
        try:
            found[name] = load(path)
        except ContractError as error:
            problems.extend(error.problems)
    return found, problems


def all_valid(read: tuple[dict[str, Result], list[Problem]]) -> dict[str, Result]:
    """Results of `load_each` by name. Raises ContractError with every problem of every file."""
    found, problems = read
    if problems:
        raise ContractError(problems)
    return found
