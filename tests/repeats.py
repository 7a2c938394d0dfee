"""How often a test repeats what chance or a table decides, and which tests a change does not wait for.

A promise is held by a quick test, tried before each change, the same from run to run. What tries it once more, at
greater length or in another place (each store, each country, a whole day of Airflow), is marked with the name of that
quick test: `make test` leaves it out, CI takes a fifth of those a day, `make test-long` all, with more days, kills,
examples and combinations.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

LONG = "LONG_TESTS"
T = TypeVar("T")


def repeats(few: int, many: int) -> int:
    """`many` in a long run, else `few`."""
    return many if os.environ.get(LONG) else few


def some_of(cases: Iterable[T], few: int) -> list[T]:
    """All cases in a long run, else `few` of them, the first among them, at equal distances."""
    given = list(cases)
    few = repeats(min(few, len(given)), len(given))
    return [given[n * len(given) // few] for n in range(few)]


def held_by(test: str) -> pytest.MarkDecorator:
    """Mark a test as one that `make test` does not wait for: what it promises is held by `test`, "file::function"."""
    return pytest.mark.long(test)


def without_a_holder(items: Sequence[pytest.Item], tests: Path) -> list[str]:
    """What is wrong with the names that tests marked as long give: of no test, or of one that is long itself."""
    quick = {_function(item, tests) for item in items if not item.get_closest_marker("long")}
    long = {_function(item, tests) for item in items if item.get_closest_marker("long")} - quick
    wrong = []
    for item, mark in ((item, mark) for item in items if (mark := item.get_closest_marker("long"))):
        file, _, function = (mark.args or ("",))[0].partition("::")
        if not function or not (tests / file).is_file() or f"def {function}(" not in (tests / file).read_text("utf-8"):
            wrong.append(f"{item.nodeid}: no test {file}::{function} in tests/")
        elif f"{file}::{function}" in long:
            wrong.append(f"{item.nodeid}: {file}::{function} is long itself")
    return sorted(wrong)


def _function(item: pytest.Item, tests: Path) -> str:
    return f"{item.path.relative_to(tests)}::{getattr(item, 'originalname', item.name)}"


def in_part(item: pytest.Item, part: str) -> bool:
    """Whether a test belongs to a part, as "2/3", of the files."""
    number, _, parts = part.partition("/")
    return zlib.crc32(item.path.name.encode()) % int(parts) == int(number) % int(parts)
