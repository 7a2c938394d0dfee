"""Writers of one table do not wait for each other: who loses the race to the next version tries again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from include.lake.storage.errors import LakeConflict

PATIENCE_SECONDS = 600
_WAIT = wait_random_exponential(multiplier=0.05, max=5)

Result = TypeVar("Result")


def retry_on_conflict(attempt: Callable[[], Result]) -> Result:
    """Call `attempt` until no other writer comes first; each call must look at the table anew.

    Raises:
        LakeConflict: it lost every race for ten minutes.
    """
    return Retrying(
        retry=retry_if_exception_type(LakeConflict),
        wait=_WAIT,
        stop=stop_after_delay(PATIENCE_SECONDS),
        reraise=True,
    )(attempt)
