"""What tests use beside Python and the pinned packages, where a machine has it: is it here, and how to get it.

A test that needs a part asks `needed(part)` for it, mostly through a fixture. Where the part is missing the test is
skipped, and the run's last lines say what was not tried (`tests/conftest.py`). In CI (`CI=true`) it fails: a machine
that tests for others tries everything.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from include.embedded.site import REPOSITORY

# Debian keeps servers where the search path of a plain user does not look.
_PLACES = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


@dataclass(frozen=True)
class Part:
    """How a part is found (a path, or None if it is not here), how to get it, and whether `make test` has it in CI."""

    find: Callable[[], str | None]
    remedy: str
    is_in_ci: bool = True


def program(*names: str) -> str | None:
    """The path of the first of these programs that is installed."""
    return next((path for name in names if (path := shutil.which(name, path=_PLACES))), None)


def _git() -> str | None:
    return program("git") if (REPOSITORY / ".git").exists() else None


def _spark() -> str | None:
    return program("java") if importlib.util.find_spec("pyspark") else None


def _rights() -> str | None:
    return "/" if os.geteuid() == 0 else None


PARTS = {
    "Chromium": Part(
        lambda: program("chromium", "chromium-browser", "google-chrome"),
        "apt-get install --no-install-recommends chromium",
    ),
    "MariaDB": Part(lambda: program("mariadbd"), "apt-get install --no-install-recommends mariadb-server"),
    "Poppler": Part(lambda: program("pdftotext"), "apt-get install --no-install-recommends poppler-utils"),
    "Git": Part(_git, "apt-get install git, and a clone of the repository"),
    # Beside `make test`: 480 MB and a Java, or rights that a machine for tests need not give.
    "Spark": Part(_spark, "make test-spark, with Java 17", is_in_ci=False),
    "Root": Part(_rights, "as root, who may mount a disk", is_in_ci=False),
}


def needed(name: str) -> str:
    """The path of the part; where it is missing the test (or the module that asks) is skipped, in CI it fails."""
    part = PARTS[name]
    path = part.find()
    if path is not None:
        return path
    missing = f"{name} is not here: {part.remedy}"
    if part.is_in_ci and os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(f"{missing}. In CI every test is tried", pytrace=False)
    pytest.skip(missing, allow_module_level=True)
