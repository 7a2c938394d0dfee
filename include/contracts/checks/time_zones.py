"""Check of time zone names: IANA's, `Area/City` or `UTC`."""

from __future__ import annotations

import difflib
import re
from zoneinfo import ZoneInfo, available_timezones

VIETNAM = "Asia/Ho_Chi_Minh"
_ACCEPTED = f"zones are named as IANA has them: {VIETNAM}, UTC, or Etc/GMT-7 for a clock that is always 7 hours ahead"
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])\s*0?(\d{1,2})(?::?00)?", re.IGNORECASE)
_VIETNAMESE = re.compile(r"ha[ _]?noi|viet[ _]?nam|sai[ _]?gon|ho[ _]?chi|\bhcm|indochina|^ICT$|^VST$", re.IGNORECASE)


def why_no_zone(name: str) -> tuple[str, str] | None:
    """Mistake in the name of a time zone, with remedy; None if it exists."""
    message = f"there is no time zone `{name}`"
    if name == "UTC" or ("/" in name and _is_known(name)):
        return None
    if offset := _OFFSET.fullmatch(name.strip()):
        ahead = int(offset[2]) * (1 if offset[1] == "+" else -1)
        if ahead == 7:
            return message, f"did you mean `{VIETNAM}`? {_ACCEPTED}"
        return message, f"name the place, or write `Etc/GMT{-ahead:+d}` (the sign is the other way round there)"
    if _VIETNAMESE.search(name):
        return message, f"did you mean `{VIETNAM}`?"
    if name.upper() in ("Z", "GMT", "ZULU", "UCT"):
        return message, "did you mean `UTC`?"
    by_lower = {zone.lower(): zone for zone in available_timezones() if "/" in zone}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return message, f"did you mean `{by_lower[near[0]]}`?" if near else _ACCEPTED


def _is_known(name: str) -> bool:
    try:
        return ZoneInfo(name).key == name
    except (ValueError, OSError, KeyError):
        return False
