"""DuckDB SQL that converts between local times of a zone and instants; NULL for a local time that does not exist.

DuckDB's calendar library takes six times as long as an addition, so it is called only for the years in which the zone
still changed its offset. Vietnam's has been UTC+7 since 1975-06-13.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from include.lake.storage import literal

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2037, 12, 31, tzinfo=UTC)


@lru_cache(maxsize=64)
def steady_since(zone: str) -> tuple[datetime, timedelta] | None:
    """The local moment from which the zone has one offset, and that offset; None if it still changes."""
    clock = ZoneInfo(zone)
    offset = _LAST.astimezone(clock).utcoffset() or timedelta()
    day = _LAST
    while day > _FIRST and day.astimezone(clock).utcoffset() == offset:
        day -= timedelta(days=1)
    since = (day + timedelta(days=3)).replace(tzinfo=None)
    return None if since.year > _LAST.year - 2 else (since, offset)


def instant_of(local: str, zone: str) -> str:
    """SQL of the instant (TIMESTAMPTZ) of the local time `local` (SQL of a TIMESTAMP) in the zone."""
    moved = f"timezone({literal(zone)}, {local})"
    checked = f"CASE WHEN timezone({literal(zone)}, {moved}) = {local} THEN {moved} END"
    if zone == "UTC":
        return f"make_timestamptz(epoch_us({local}))"
    steady = steady_since(zone)
    if steady is None:
        return checked
    since, offset = steady
    fast = f"make_timestamptz(epoch_us({local}) - ({_microseconds(offset)}))"
    return f"CASE WHEN {local} >= TIMESTAMP '{since}' THEN {fast} ELSE {checked} END"


def local_of(instant: str, zone: str) -> str:
    """SQL of the local time (TIMESTAMP) in the zone at `instant` (SQL of a TIMESTAMPTZ)."""
    if zone == "UTC":
        return f"make_timestamp(epoch_us({instant}))"
    shown = f"timezone({literal(zone)}, {instant})"
    steady = steady_since(zone)
    if steady is None:
        return shown
    since, offset = steady
    fast = f"make_timestamp(epoch_us({instant}) + ({_microseconds(offset)}))"
    return f"CASE WHEN {instant} >= TIMESTAMPTZ '{since}+00' THEN {fast} ELSE {shown} END"


def _microseconds(offset: timedelta) -> int:
    return offset // timedelta(microseconds=1)
