"""A test that a machine cannot try is told, and is a failure in CI.

Older tests took Chromium for granted, or were skipped without a word.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from include.embedded.site import REPOSITORY
from tests import machine
from tests.machine import PARTS, Part, needed
from tests.repeats import held_by

IN_CI = "unit/test_machine.py::test_in_ci_it_fails_unless_it_is_no_part_of_make_test"


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setitem(PARTS, "Abacus", Part(lambda: None, "apt-get install abacus"))
    monkeypatch.setitem(PARTS, "Loom", Part(lambda: None, "make loom", is_in_ci=False))
    monkeypatch.delenv("CI", raising=False)
    return monkeypatch


def test_what_is_missing_skips_the_test_and_says_how_to_get_it(absent: pytest.MonkeyPatch) -> None:
    with pytest.raises(pytest.skip.Exception, match="Abacus is not here: apt-get install abacus"):
        needed("Abacus")


def test_in_ci_it_fails_unless_it_is_no_part_of_make_test(absent: pytest.MonkeyPatch) -> None:
    absent.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Abacus is not here"):
        needed("Abacus")
    with pytest.raises(pytest.skip.Exception, match="Loom is not here"):
        needed("Loom")


def test_a_part_that_is_here_is_a_path() -> None:
    assert machine.program("no-such-program", "sh") is not None
    assert machine.program("no-such-program") is None


@pytest.mark.parametrize(("ci", "status"), [("false", 0), pytest.param("true", 1, marks=held_by(IN_CI))])
def test_a_run_ends_with_what_was_not_tried(ci: str, status: int) -> None:
    one = "tests/unit/test_compose.py::test_secrets_cannot_be_committed_nor_built_in"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", one]
    done = subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, "PATH": "/nowhere", "CI": ci}, capture_output=True, text=True
    )
    assert done.returncode == status, done.stdout + done.stderr
    told = "Not tried: 1 test (Git is not here: apt-get install git, and a clone of the repository)\n"
    assert (told if status == 0 else "Git is not here") in done.stdout
