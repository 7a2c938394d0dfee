"""Clock check: a worker's clock compared with the lake's, which dates every file that is written.

No run depends on it: runs are ordered by their commits. But what a person reads is dated by the worker, and what is
old enough to be removed is told by the clock of whoever removes it.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from include.known_error import KnownError
from include.lake.storage import Lake

GRACE = timedelta(hours=1)


class ClockAhead(KnownError, RuntimeError):
    """This machine's clock is so far ahead of the lake's that what is young would be removed as old."""


def clock_warning(lake: Lake, folder: str, *, now: datetime) -> str:
    """A remark for the run's record if the clock is ahead of the time at which a folder was just written; or empty."""
    written = lake.changed_at(folder)
    ahead = now - written if written else timedelta(0)
    return f"; the clock of this worker is {_in_words(ahead)} ahead of the lake's: set it right" * (ahead > GRACE)


def ensure_not_ahead(lake: Lake, *, now: datetime) -> None:
    """See that the clock is not ahead of the lake's, by a file that is written and removed.

    Raises:
        ClockAhead: it is.
    """
    probe = lake.path("staging", f"clock-{secrets.token_hex(4)}")
    lake.make_folder(probe)
    lake.write_text(f"{probe}/now", "")
    try:
        written = lake.changed_at(probe)
    finally:
        lake.delete_tree(probe)
    if written and now - written > GRACE:
        raise ClockAhead(
            f"the clock of this machine is {_in_words(now - written)} ahead of the lake's: nothing was removed; set "
            "the clock right (timedatectl set-ntp true), or that of the storage, and run again"
        )


def _in_words(span: timedelta) -> str:
    return f"{span.days} days" if span.days else f"{span.seconds // 3600} hours"
