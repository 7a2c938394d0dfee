"""A delivered file cannot take the memory of the machine: each stops its own table, and says why.

Measured is what the process holds for itself (`RssAnon`), from outside: pages of a file that it looks at can be taken
from it at any time.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest

from tests.extracts import contract_of, lake_at, take
from tests.forking import Forked
from tests.repeats import held_by, repeats

from .bombs import ALIKE, BOMBS, shared_strings

pytestmark = pytest.mark.slow

MOST_MB = 900
MOST_OF_A_WORKBOOK = 400  # that is refused; a long text was held to 256 MB where its bound said 32
HOLDER = "integration/sources/test_bombs.py::test_a_bomb_is_refused_in_little_memory"


def read(folder: str) -> None:
    """What the process does."""
    (name,) = [path.name for path in Path(folder).glob("t.*")]
    contract = contract_of(name + ("#t" if name.endswith("xlsx") else ""), ["a"])
    try:
        print("rows", take(contract, f"file://{folder}", lake_at(Path(folder) / "work")).rows)
    except Exception as error:
        print(type(error).__name__, error)


def peak_of(folder: Path) -> tuple[float, str]:
    """The most memory in MB that reading the drop takes, and what is said in the end."""
    process, peak = Forked(f"{__name__}:read", str(folder)), 0
    while not process.has_ended(0.01):
        with suppress(FileNotFoundError, ProcessLookupError):
            held = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
            peak = max(peak, int(held[1]) if held else 0)
    return peak / 1024, process.communicate()


@pytest.mark.parametrize("bomb", [pytest.param(b, marks=held_by(HOLDER) if b in ALIKE else ()) for b in BOMBS])
def test_a_bomb_is_refused_in_little_memory(bomb: str, tmp_path: Path) -> None:
    make, said = BOMBS[bomb]
    make(tmp_path)
    peak, told = peak_of(tmp_path)
    print(f"{bomb}: {peak:.0f} MB")
    assert re.search(said, told), told[:300]
    assert re.match(r"DropBroken|SourceError|rows", told)
    assert peak < (MOST_OF_A_WORKBOOK if "workbook" in bomb else MOST_MB)


def test_a_large_workbook_is_read(tmp_path: Path) -> None:
    """Its shared strings are held, up to 512 MB of XML: what that takes is the most that a workbook takes.

    A process takes 250 MB before it reads; what the strings take grows with their number.
    """
    number, most = repeats(500_000, 5_000_000), repeats(315, MOST_MB)
    shared_strings(tmp_path, number)
    peak, told = peak_of(tmp_path)
    print(f"{number:,} shared strings: {peak:.0f} MB")
    assert told.strip() == "rows 1"
    assert peak < most
