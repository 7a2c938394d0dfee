"""DuckDB SQL that converts dates, times and instants exactly; NULL where a value would change.

Text is ISO 8601 (yyyy-mm-dd, optionally a time of day and an offset), or in the column's `format`, surrounded by
nothing but blanks. Years are 0001 to 9999, which every reader of the lake supports. Digits below a microsecond are
never cut. A local time becomes an instant, and an instant a day or a local time, only by the zone that the contract
states (`defaultTimezone`).
"""

from __future__ import annotations

from include.contracts.checks import FormatError, read_format
from include.contracts.model import Column
from include.lake.storage import literal
from include.quality.conversion.numbers import fits
from include.quality.conversion.zones import instant_of, local_of
from include.quality.errors import ConformError

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[ T](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6}0*)?)?"
_ANY_CLOCK = _CLOCK.replace("{1,6}0*", "{1,9}")  # for a column of days
_OFFSET = r"(?:Z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)"
_TIME = rf"\s*(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{{1,9}})?)?{_OFFSET}?\s*"
_LOCAL_TEXT, _WHOLE_LOCAL = rf"\s*{_DAY}(?:{_ANY_CLOCK})?\s*", rf"\s*{_DAY}(?:{_CLOCK})?\s*"
_WHOLE_INSTANT = rf"\s*{_DAY}{_CLOCK} ?{_OFFSET}\s*"
_AROUND = r"^\s+|\s+$"
_WITHOUT_SECONDS = r"([ T]..:..)( ?(?:[Z+-].*)?)$"
_BLANK_BEFORE_OFFSET = r"(:[0-9.]+) ([Z+-])"


def zone_of(column: Column) -> str:
    """The contract's time zone of the column; empty if it states none."""
    return str(column.options.get("defaultTimezone") or "")


def parsed_text(value: str, column: Column) -> tuple[str, str]:
    """SQL of a text parsed as a moment, and its type: by the column's `format`, or as ISO 8601.

    Raises:
        ConformError: the format is invalid.
    """
    if pattern := column.options.get("format"):
        return _parsed_by(str(pattern), value, column)
    zone = zone_of(column)
    clock = _ANY_CLOCK if column.sql_type == "DATE" else _CLOCK
    is_local = fits(value, rf"\s*{_DAY}(?:{clock})?\s*")
    is_instant = fits(value, rf"\s*{_DAY}{clock} ?{_OFFSET}\s*")
    instant, local = _cast(value, "TIMESTAMPTZ"), _cast(value, "TIMESTAMP")
    if column.sql_type == "TIMESTAMPTZ":
        of_local = f"WHEN {is_local} THEN {instant_of(local, zone)} " if zone else ""
        return f"CASE {of_local}WHEN {is_instant} THEN {instant} END", "TIMESTAMP WITH TIME ZONE"
    of_instant = f"WHEN {is_instant} THEN {local_of(instant, zone)} " if zone else ""
    shown = f"CASE WHEN {is_local} THEN {local} {of_instant}END"
    if column.sql_type == "DATE":
        return f"CASE WHEN {fits(value, _DAY)} THEN TRY_CAST({value} AS DATE) ELSE CAST({shown} AS DATE) END", "DATE"
    return shown, "TIMESTAMP"


def cast_of_text(value: str, kind: str) -> str | None:
    """SQL of an ISO text as a day, a local time (without offset) or an instant (with one); None of other types."""
    if kind == "DATE":
        return f"CASE WHEN {fits(value, _LOCAL_TEXT)} THEN CAST({_cast(value, 'TIMESTAMP')} AS DATE) END"
    if kind in ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"):
        form = _WHOLE_LOCAL if kind == "TIMESTAMP" else _WHOLE_INSTANT
        return f"CASE WHEN {fits(value, form)} THEN {_cast(value, kind)} END"
    return None


def _cast(value: str, kind: str) -> str:
    """SQL of an ISO text as a moment, with surrounding blanks and an offset after minutes, which the engine lacks."""
    trimmed = f"regexp_replace({value}, {literal(_AROUND)}, '', 'g')"
    clean = f"regexp_replace({trimmed}, {literal(_WITHOUT_SECONDS)}, '\\1:00\\2')"
    clean = f"regexp_replace({clean}, {literal(_BLANK_BEFORE_OFFSET)}, '\\1\\2')"
    return f"coalesce(TRY_CAST({value} AS {kind}), TRY_CAST({clean} AS {kind}))"


def _parsed_by(pattern: str, value: str, column: Column) -> tuple[str, str]:
    try:
        form = read_format(pattern)
    except FormatError as error:
        raise ConformError(f"column {column.name}: {error}") from None
    if not zone_of(column) and form.has_offset is not (column.sql_type == "TIMESTAMPTZ"):
        raise ConformError(
            f"column {column.name}: the format `{pattern}` tells {'an' if form.has_offset else 'no'} offset and the "
            f"contract states no zone, so that a {column.logical_type} cannot be told from it: add `defaultTimezone`"
        )
    text = f"regexp_replace({value}, 'Z$', '+00:00')" if form.reads_z else value
    kind = "TIMESTAMP WITH TIME ZONE" if form.has_offset else "TIMESTAMP"
    return f"CASE WHEN {fits(value, form.regex)} THEN try_strptime({text}, {literal(form.strptime)}) END", kind


def whole_microseconds(value: str) -> str:
    """SQL of a local timestamp of any unit as TIMESTAMP."""
    cut = f"TRY_CAST({value} AS TIMESTAMP)"
    return f"CASE WHEN CAST({cut} AS TIMESTAMP_NS) = {value} THEN {cut} END"


def day_of(value: str, from_type: str, column: Column) -> str:
    """SQL of the day of a date, a local timestamp, or an instant in the contract's zone."""
    if from_type == "TIMESTAMP WITH TIME ZONE":
        value = local_of(value, zone_of(column))
    return _within_years(value if from_type == "DATE" else f"TRY_CAST({value} AS DATE)", "DATE")


def local_time_of(value: str, from_type: str, column: Column) -> str:
    """SQL of a local time: a local timestamp, midnight of a date, or an instant in the contract's zone.

    NULL for an instant that shares its local time with another one.
    """
    if from_type == "TIMESTAMP WITH TIME ZONE":
        shown = local_of(value, zone_of(column))
        value = f"CASE WHEN {instant_of(shown, zone_of(column))} = {value} THEN {shown} END"
    return _within_years(value if from_type == "TIMESTAMP" else f"TRY_CAST({value} AS TIMESTAMP)", "TIMESTAMP")


def instant_in_zone(value: str, from_type: str, column: Column) -> str:
    """SQL of an instant: of an instant itself, or of a local timestamp or a day's beginning in the contract's zone."""
    if from_type != "TIMESTAMP WITH TIME ZONE":
        local = value if from_type == "TIMESTAMP" else f"TRY_CAST({value} AS TIMESTAMP)"
        value = instant_of(_within_years(local, "TIMESTAMP"), zone_of(column))
    return _within_years(value, "TIMESTAMPTZ")


def time_of_text(value: str) -> str:
    """SQL of a time of day as written: hh:mm, optionally seconds, a fraction and an offset."""
    return f"CASE WHEN {fits(value, _TIME)} THEN {value} END"


def _within_years(value: str, sql_type: str) -> str:
    if sql_type == "DATE":
        bounds = "DATE '0001-01-01' AND DATE '9999-12-31'"
    else:
        zone = "+00" if sql_type == "TIMESTAMPTZ" else ""
        bounds = f"{sql_type} '0001-01-01 00:00:00{zone}' AND {sql_type} '9999-12-31 23:59:59.999999{zone}'"
    return f"CASE WHEN {value} BETWEEN {bounds} THEN {value} END"
