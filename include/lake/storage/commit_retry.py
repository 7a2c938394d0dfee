"""The one retry of Delta commits after a conflict with another writer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from include.lake.storage.errors import LakeConflict
from include.lake.storage.lake import Lake
from include.lake.storage.server_slice import slice_of
from include.lake.storage.table_lock import locked_table

PATIENCE_SECONDS = 600
_WAIT = wait_random_exponential(multiplier=0.05, max=5)

Result = TypeVar("Result")


def retry_on_conflict(lake: Lake, uri: str, attempt: Callable[[], Result]) -> Result:
    """Call `attempt` until it loses no commit race on the table at `uri`; each call must open the table anew.

    The slices of one table race for its commits. An attempt holds the table's lock, so it must not call this again for
    the same table.

    Raises:
        LakeConflict: it lost every race for ten minutes.
    """

    def locked() -> Result:
        with locked_table(lake, slice_of(uri)[0]):
            return attempt()

    return Retrying(
        retry=retry_if_exception_type(LakeConflict),
        wait=_WAIT,
        stop=stop_after_delay(PATIENCE_SECONDS),
        reraise=True,
    )(locked)
