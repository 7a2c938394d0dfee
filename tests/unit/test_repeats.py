"""A test that `make test` does not wait for names a quick one that holds its promise, and every part of them is tried.

Nothing else would say that a promise is held by nothing any more, when the test that held it is renamed or goes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.embedded.site import REPOSITORY
from tests.repeats import in_part

CASES = """
from tests.repeats import held_by
import pytest

def test_quick(): pass

@held_by("{own}::test_quick")
def test_at_length(): pass

@pytest.mark.parametrize("store", ["local", pytest.param("s3", marks=held_by("{own}::test_each_store"))])
def test_each_store(store): pass
"""
WRONG = {
    "unit/test_repeats.py::test_of_no_such_name": "no test unit/test_repeats.py::test_of_no_such_name in tests/",
    "unit/no_such_file.py::test_quick": "no test unit/no_such_file.py::test_quick in tests/",
    "unit/test_repeats.py": "no test unit/test_repeats.py:: in tests/",
    "{own}::test_at_length": "{own}::test_at_length is long itself",
}


@pytest.fixture
def file() -> Iterator[Path]:
    made = Path(__file__).with_name(f"test_made_{os.getpid()}.py")
    yield made
    made.unlink(missing_ok=True)


def _collected(file: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    file.write_text(text.replace("{own}", f"unit/{file.name}"), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", *arguments, str(file)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_long_tests_are_left_out_by_their_mark(file: Path) -> None:
    done = _collected(file, CASES, "-m", "not long")
    names = [line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line]
    assert names == ["test_quick", "test_each_store[local]"]


def test_a_name_of_no_quick_test_is_refused(file: Path) -> None:
    wrong = "\n".join(f'@held_by("{name}")\ndef test_{number}(): pass' for number, name in enumerate(WRONG))
    done = _collected(file, CASES + wrong)
    assert done.returncode != 0
    for number, told in enumerate(WRONG.values()):
        assert f"::test_{number}: {told.replace('{own}', f'unit/{file.name}')}" in done.stdout + done.stderr
    assert "test_at_length: " not in done.stdout + done.stderr


def test_the_parts_together_are_everything(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        assert [in_part(item, f"{number}/3") for number in (1, 2, 3)].count(True) == 1
        assert in_part(item, "0/3") == in_part(item, "3/3")
