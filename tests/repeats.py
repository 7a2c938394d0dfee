"""How often a test repeats what chance or a table decides: a few times before each change, all by `make test-long`.

What every change is tried with stays the same from run to run; a release, or who changes that part, takes more days,
kills, examples and combinations.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeVar

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
