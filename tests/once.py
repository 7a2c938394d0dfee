"""What all processes of a test run share: made by the first that asks, and stopped when the run ends.

xdist runs tests in several processes; a server or a simulated country for each would cost more than the tests of it.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil

from include.embedded.servers.processes import stop
from include.embedded.site import Site

VARIABLE = "LIENTHONG_TEST_RUN"
_PREFIX = "lienthong-tests-"
T = TypeVar("T")


def begin() -> Callable[[], None] | None:
    """Make the folder of the run, known to all processes by the environment; gives what ends the run, to who began."""
    if VARIABLE in os.environ:
        return None
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        if not psutil.pid_exists(int(left.name.rpartition("-")[2])):  # that run was killed
            _end(left)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, suffix=f"-{os.getpid()}"))
    folder.chmod(0o755)  # PostgreSQL runs as another user than root
    os.environ[VARIABLE] = str(folder)

    def end() -> None:
        del os.environ[VARIABLE]
        _end(folder)

    return end


def _end(folder: Path) -> None:
    """Stop the servers of a run and remove its folder."""
    for mark in folder.glob("*/run/*.pid"):
        stop(Site(mark.parents[1], mark.parents[1]), [mark.stem])
    shutil.rmtree(folder, ignore_errors=True)


def shared_site(name: str) -> Site:
    """The folder of a server that all processes share; which of them starts it, `once` settles."""
    folder = Path(os.environ[VARIABLE]) / name
    return Site(folder, folder)


def once(name: str, make: Callable[[], T]) -> T:
    """What `make` gave in the first process that asked by this name; the others wait for it."""
    kept = Path(os.environ[VARIABLE]) / f"{name}.pickle"
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(make()))
        return pickle.loads(kept.read_bytes())
