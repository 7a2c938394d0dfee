"""Writers of one table on one machine take turns, so that none works in vain.

A courtesy and no guard: that nothing is lost is the commit's doing, wherever the writers run.
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
    """Wait until no other process of this machine writes the table at `uri`, but not for ever.

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
