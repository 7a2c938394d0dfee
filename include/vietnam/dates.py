"""Dates in plain Python: what `vn_date`, `vn_date_precision`, `vn_timestamp` and `vn_month` must give."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Literal

from include.vietnam import names

Precision = Literal["day", "month", "year"]

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?", re.ASCII)
_OFFSET = re.compile(r"(Z|[+-]\d{2}(?::?\d{2})?)$", re.ASCII)


def parse(value: str | None) -> tuple[date, Precision] | None:
    """The date and how much of it was known; None for anything that is no date."""
    clean = names.text(value)
    if clean is None:
        return None
    if re.fullmatch(r"[1-9]\d{3}", clean, re.ASCII):
        return date(int(clean), 1, 1), "year"
    whole, clock, is_iso = _split(clean)
    if clock is not None and _time(clock, is_iso=is_iso) is None:
        return None
    match = (_ISO if is_iso else _SLASHES).fullmatch(whole)
    if match is None:
        return None
    year, month, day = (int(part) for part in (match.groups() if is_iso else match.groups()[::-1]))
    if year < 1000:
        return None
    if not is_iso and clock is None and day == 0:
        known = _day(year, month or 1, 1)
        return (known, "month" if month else "year") if known else None
    exact = _day(year, month, day)
    return (exact, "day") if exact else None


def day(value: str | None) -> date | None:
    """`vn_date`."""
    parsed = parse(value)
    return parsed[0] if parsed else None


def precision(value: str | None) -> Precision | None:
    """`vn_date_precision`."""
    parsed = parse(value)
    return parsed[1] if parsed else None


def timestamp(value: str | None) -> str | None:
    """`vn_timestamp`: ISO 8601 text, as it is if it was one."""
    clean = names.text(value)
    if clean is None:
        return None
    whole, clock, is_iso = _split(clean)
    offset = _OFFSET.search(clock) if clock and is_iso else None
    if clock and offset:
        if not _is_offset(offset.group()):
            return None
        clock = clock[: offset.start()]
    parsed = parse(whole)
    if parsed is None or parsed[1] != "day":
        return None
    time = timedelta() if clock is None else _time(clock, is_iso=is_iso, is_exact=True)
    if time is None:
        return None
    return clean if is_iso else (datetime.combine(parsed[0], datetime.min.time()) + time).isoformat(" ")


def local_day(value: str | None) -> date | None:
    """`vn_day`: the day in Vietnam of a moment, which a text without an offset is already."""
    moment = timestamp(value)
    if moment is None:
        return None
    zone = _OFFSET.search(moment[11:])
    there = datetime.fromisoformat(moment[:16])
    if not zone:
        return there.date()
    shift = timedelta()
    if zone.group() != "Z":
        number = zone.group()[1:].replace(":", "").ljust(4, "0")
        shift = timedelta(hours=int(number[:2]), minutes=int(number[2:]))
    utc = there + shift if zone.group().startswith("-") else there - shift
    return (utc + timedelta(hours=7)).date()


def month(value: str | None) -> date | None:
    """`vn_month`: the first day of the month."""
    clean = names.text(value) or ""
    if match := re.fullmatch(r"(\d{4})-(\d{2})(?:-01(?: 00:00:00)?)?", clean, re.ASCII):
        year, number = int(match[1]), int(match[2])
    elif match := re.fullmatch(r"(\d{1,2})/(\d{4})", clean, re.ASCII):
        year, number = int(match[2]), int(match[1])
    else:
        return None
    return _day(year, number, 1) if year >= 1000 else None


def _split(clean: str) -> tuple[str, str | None, bool]:
    """(date, time of day or None, whether the date is written yyyy-mm-dd)."""
    is_iso = clean[4:5] == "-"
    separator = clean[10:11] if is_iso and clean[10:11] in (" ", "T") else " "
    whole, found, clock = clean.partition(separator)
    return whole, clock if found else None, is_iso


def _time(clock: str, *, is_iso: bool, is_exact: bool = False) -> timedelta | None:
    match = _CLOCK.fullmatch(clock)
    if match is None or (match[4] and not is_iso):
        return None
    if is_exact and is_iso and (len(match[1]) < 2 or len(match[4] or "") > 6):
        return None
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return timedelta(hours=hour, minutes=minute, seconds=second, microseconds=int((match[4] or "").ljust(6, "0")[:6]))


def _is_offset(offset: str) -> bool:
    digits = offset[1:].replace(":", "")
    return offset == "Z" or (int(digits[:2]) <= 14 and int(digits[2:] or 0) <= 59)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
