"""The days on which something begins, ends or is filed: by the clock of Hà Nội, wherever the machine stands."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


def day_of(at: datetime) -> date:
    """The day of an instant in Hà Nội: at night it is that after the day in UTC."""
    return at.astimezone(HANOI).date()
