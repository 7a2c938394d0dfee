"""Text of numeric cells (numbers, days, times, durations) by their number format.

A day is ISO text, a duration `[h]:mm:ss`, a number its shortest digits.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from decimal import Decimal
from functools import lru_cache

from include.sources.excel.number_formats import Kind, NumberFormat

MS_PER_DAY = 86_400_000
EXACT_WHOLE = 2**53  # every whole number below is exact as a double
_EPOCH_1900, _EPOCH_1904 = dt.date(1899, 12, 30).toordinal(), dt.date(1904, 1, 1).toordinal()
_LAST_DAY = dt.date.max.toordinal()
_LONGEST_DURATION = 10_000_000  # days
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)?T?(?:(\d\d:\d\d)(:\d\d(?:\.\d+)?)?)?", re.ASCII)
_ISO_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(\.\d{1,6})?S)?", re.ASCII)


@lru_cache(maxsize=65_536)
def number_text(written: str, number_format: NumberFormat, is_1904: bool) -> str:
    """Text of a number as written in the workbook.

    A number formatted as day or time that is out of range (negative, or past the year 9999) stays a number.

    Raises:
        ValueError: not a number. The message holds the value.
    """
    written = written.strip()
    if not _NUMBER.fullmatch(written):
        raise ValueError(written)
    value = float(written)
    section = number_format.section(value)
    if section.kind != "number":
        return moment_text(value, section.kind, is_1904) or _plain(written, value)
    text = _plain(written, value)
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    return f"{sign}{section.zeros}{digits.zfill(section.digits)}" if digits.isdigit() else text


def _plain(written: str, value: float) -> str:
    """The shortest digits of Excel's double, or the text as written if no double equals it.

    Excel writes up to 17 digits of a double; other programs write integers and decimals of any length.
    """
    shortest = repr(value)
    if shortest != written and (
        math.isinf(value) or Decimal(written) not in {Decimal(shortest), Decimal(f"{value:.17g}")}
    ):
        return written.removeprefix("+")
    if value.is_integer() and abs(value) < EXACT_WHOLE:
        return str(int(value))
    return shortest.removesuffix(".0")


def moment_text(serial: float, kind: Kind, is_1904: bool) -> str | None:
    """A day, time or duration as ISO text (a duration as `[h]:mm:ss`); None if the number is out of range.

    Excel's clock has milliseconds: a value equal to one in 15 digits is that, others have microseconds. Day 60 of the
    1900 date system is 29 February 1900, which did not exist: it is written as Excel shows it.
    """
    if abs(serial) > _LONGEST_DURATION:
        return None
    days, microseconds = divmod(_microseconds(serial), MS_PER_DAY * 1000)
    if kind == "duration":
        return _duration(days * MS_PER_DAY * 1000 + microseconds)
    clock = _clock(microseconds)
    if days == 0 and kind == "time":
        return clock
    if days < (0 if is_1904 else 1):
        return None
    if days == 60 and not is_1904:
        day = "1900-02-29"
    else:
        ordinal = days + (_EPOCH_1904 if is_1904 else _EPOCH_1900 + (days < 60))
        if ordinal > _LAST_DAY:
            return None
        day = dt.date.fromordinal(ordinal).isoformat()
    return day if kind == "date" and not microseconds else f"{day} {clock}"


def _microseconds(serial: float) -> int:
    ms = serial * MS_PER_DAY
    whole = round(ms)
    tolerance = max(abs(serial), 1e5) * 1e-15 * MS_PER_DAY
    return whole * 1000 if abs(ms - whole) <= tolerance else round(ms * 1000)


def _clock(microseconds: int) -> str:
    return (dt.datetime.min + dt.timedelta(microseconds=microseconds)).time().isoformat()


def _duration(microseconds: int) -> str:
    hours, rest = divmod(abs(microseconds), 3_600_000_000)
    return f"{'-' if microseconds < 0 else ''}{hours}:{_clock(rest)[3:]}"


def iso_text(written: str, number_format: NumberFormat) -> str:
    """Text of a cell of type `d` (strict workbooks): ISO 8601; anything but a local moment stays as written."""
    kind = number_format.sections[0].kind
    if (found := _ISO.fullmatch(written)) and any(found.groups()):
        day, minutes, seconds = found.groups()
        clock = f"{minutes}{seconds or ':00'}" if minutes else ""
        is_midnight = not clock.strip("0:.")
        if day and is_midnight and (kind == "date" or not clock) and kind != "date-time":
            return day
        return f"{day} {clock or '00:00:00'}" if day else clock
    if (found := _ISO_DURATION.fullmatch(written)) and any(found.groups()):
        hours, minutes, seconds = (int(found[n] or 0) for n in (1, 2, 3))
        fraction = int((found[4] or ".0")[1:].ljust(6, "0"))
        return _duration(((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + fraction)
    return written
