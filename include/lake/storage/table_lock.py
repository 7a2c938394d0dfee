"""Advisory lock of a table among the processes of one machine, so that writers do not lose the commit race.

It saves work only: correctness rests on the Delta commit, wherever the writers run.
"""

from __future__ import annotations

import fcntl
import hashlib
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from include.lake.storage.errors import lake_errors
from include.lake.storage.lake import Lake

PATIENCE_SECONDS = 600.0
_LONGEST_NAP = 0.05


@contextmanager
def locked_table(lake: Lake, uri: str) -> Iterator[None]:
    """Hold the lock of the table at `uri`; goes on without it after PATIENCE_SECONDS.

    The lock is a file in the scratch folder; the system releases it when its holder ends, however that ends.
    """
    name = hashlib.sha256(uri.encode()).hexdigest()[:16]
    with lake_errors("preparing the scratch folder"):
        lake.scratch.mkdir(parents=True, exist_ok=True)
        lock = (lake.scratch / f"writing-{name}.lock").open("a")
    with lock:
        ends = time.monotonic() + PATIENCE_SECONDS
        while not _is_mine(lock.fileno()) and time.monotonic() < ends:
            time.sleep(random.uniform(0, _LONGEST_NAP))  # noqa: S311
        yield


def _is_mine(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
