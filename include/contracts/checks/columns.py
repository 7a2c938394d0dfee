"""Check of a column's type, options and enum for contradictions."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from include.contracts.checks.date_formats import FormatError, read_format
from include.contracts.checks.patterns import matches, why_not_compiled
from include.contracts.checks.time_zones import why_no_zone
from include.contracts.model import Column, TypeOptions, integer_range, why_no_number
from include.contracts.yaml_files import ReportProblem

_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_KNOWN_OPTIONS: dict[str, tuple[str, ...]] = {
    "string": ("minLength", "maxLength", "pattern", "format"),
    "integer": (*_BOUNDS, "multipleOf", "format"),
    "number": (*_BOUNDS, "multipleOf", "format"),
    "date": (*_BOUNDS, "format", "defaultTimezone"),
    "timestamp": (*_BOUNDS, "format", "timezone", "defaultTimezone"),
    "time": (*_BOUNDS, "format"),
    "boolean": (),
    "object": (),
    "array": (),
}
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ISO_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(Z|[+-]\d\d(?::?\d\d)?)?)?")
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?")
_TIME_FORMATS = re.compile(r"HH:mm(:ss(\.S{1,9})?)?")
_VN_TIMESTAMP = re.compile(r"\bvn_timestamp\s*\(", re.IGNORECASE)
_WIDE = {"i128", "u128"}


def check_column(column: Column, physical_type: str, enum: Sequence[Any], report: ReportProblem) -> None:
    """Report every contradiction, at places within the column; `enum` are the listed values."""
    kind = column.logical_type
    if kind not in _KNOWN_OPTIONS:
        remedy = "publish it as `object` or `array` (JSON text), or let transformLogic take what is needed of it"
        report(("logicalType",), f"the type `{kind}` is not published here", remedy)
        return
    known = {name: value for name, value in column.options.items() if name in _KNOWN_OPTIONS[kind]}
    options = cast("TypeOptions", known)
    for name in column.options.keys() - options.keys():
        has = f"its options: {', '.join(_KNOWN_OPTIONS[kind]) or 'none'}"
        report(("logicalTypeOptions", name), f"`{name}` means nothing for `{kind}`", f"leave it out; {has}")
    if kind == "number":
        wrong = why_no_number(physical_type, options)
        if wrong is not None:
            report(("physicalType",), wrong.message, wrong.remedy, warning=wrong.is_warning)
    elif kind == "integer" and options.get("format") in _WIDE:
        remedy = "write `logicalType: number` with `physicalType: decimal(38,0)`"
        report(("logicalTypeOptions", "format"), f"`{options['format']}` is wider than what is published", remedy)
    _check_zone_and_format(column, options, report)
    _check_pattern(options, report)
    _check_bounds(column, options, report)
    for index, value in enumerate(enum):
        for message, remedy in why_no_value(column, options, value):
            report(("enum", index), message, remedy)


def why_no_value(column: Column, options: TypeOptions, value: object) -> Iterable[tuple[str, str]]:
    """Reason why the column can never have a listed value; None if it can."""
    reason = _why_not_of_type(column, value)
    if reason is not None:
        yield reason
    elif isinstance(value, str) and column.logical_type == "string":
        yield from _why_not_of_form(value, options)
    elif isinstance(value, int | float | str):
        low, high = _span(options)
        here = _comparable(column, value)
        if here is not None and ((low and _is_past(low, here)) or (high and _is_past(here, high))):
            yield f"the value `{value}` is outside the column's own bounds", "take it out, or move the bound"


def _why_not_of_form(value: str, options: TypeOptions) -> Iterable[tuple[str, str]]:
    pattern = options.get("pattern")
    if isinstance(pattern, str) and why_not_compiled(pattern) is None and not matches(pattern, value):
        yield f"the value `{value}` breaks the column's own pattern", f"correct one of them: {pattern}"
    if not options.get("minLength", 0) <= len(value) <= options.get("maxLength", math.inf):
        yield f"the value `{value}` breaks the column's own length", "correct minLength or maxLength"


def _why_not_of_type(column: Column, value: object) -> tuple[str, str] | None:
    kind = column.logical_type
    if value is None:
        return "an empty value in a list switches the list off", "leave it out: an empty value breaks no rule"
    fits = {
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value),
        "boolean": isinstance(value, bool),
    }.get(kind, isinstance(value, str))
    if not fits:
        how = "without quotes" if kind in ("integer", "number", "boolean") else f'in quotes: "{value}"'
        return f"the value `{value}` is no {kind}", f"write it {how}"
    if kind in ("date", "timestamp", "time") and _comparable(column, value) is None:
        return f"the value `{value}` is no {kind}", f"write it as {_example(kind)}"
    return None


def _check_zone_and_format(column: Column, options: TypeOptions, report: ReportProblem) -> None:
    zone = options.get("defaultTimezone")
    if zone is not None and (wrong := why_no_zone(str(zone))):
        report(("logicalTypeOptions", "defaultTimezone"), *wrong)
    if not zone and column.sql_type == "TIMESTAMPTZ" and _VN_TIMESTAMP.search(column.expression):
        remedy = "state the clock of those, e.g. `defaultTimezone: Asia/Ho_Chi_Minh`, or `timezone: false`"
        message = "vn_timestamp reads local times too, and the column states no `defaultTimezone`"
        report(("transformLogic",), message, remedy)
    pattern = options.get("format")
    place = ("logicalTypeOptions", "format")
    if pattern is None or column.logical_type not in ("date", "timestamp", "time"):
        return
    if column.logical_type == "time":
        if not _TIME_FORMATS.fullmatch(str(pattern)):
            report(place, f"the format `{pattern}` is not read for a time", "times are HH:mm, HH:mm:ss or HH:mm:ss.SSS")
        return
    try:
        form = read_format(str(pattern))
    except FormatError as error:
        report(place, error.message, error.remedy)
        return
    if missing := [part for part in ("day", "month", "year") if part not in form.parts]:
        remedy = "write the whole date, or state in transformLogic what the rest is, e.g. vn_month(...)"
        report(place, f"the format `{pattern}` lacks the {' and the '.join(missing)}", remedy)
    elif column.sql_type == "TIMESTAMPTZ" and not form.has_offset and not zone:
        remedy = "state the clock it is read by, e.g. `defaultTimezone: Asia/Ho_Chi_Minh`, or `timezone: false`"
        report(place, f"the format `{pattern}` has no offset, and the column no `defaultTimezone`", remedy)
    elif column.sql_type == "DATE" and form.has_offset and not zone:
        remedy = "state whose day it is, e.g. `defaultTimezone: Asia/Ho_Chi_Minh`"
        report(place, f"the format `{pattern}` means an instant, whose day depends on the clock", remedy)
    elif column.sql_type == "TIMESTAMP" and form.has_offset and not zone:
        remedy = "leave `timezone: false` out, or state the clock: `defaultTimezone: Asia/Ho_Chi_Minh`"
        report(place, f"the format `{pattern}` means an instant, the column is a local time", remedy)


def _check_pattern(options: TypeOptions, report: ReportProblem) -> None:
    pattern = options.get("pattern")
    if isinstance(pattern, str) and (wrong := why_not_compiled(pattern)):
        report(("logicalTypeOptions", "pattern"), *wrong)
    shortest, longest = options.get("minLength", 0), options.get("maxLength", math.inf)
    if shortest > longest:
        report(("logicalTypeOptions", "minLength"), f"minLength {shortest} is over maxLength {longest}", "swap them")


def _check_bounds(column: Column, options: Mapping[str, object], report: ReportProblem) -> None:
    given = {name: options[name] for name in (*_BOUNDS, "multipleOf") if name in options}
    values = {name: _comparable(column, value) for name, value in given.items()}
    for name, value in values.items():
        place = ("logicalTypeOptions", name)
        if value is None:
            kind = column.logical_type
            report(place, f"{name} `{given[name]}` is no {kind}", f"write it as {_example(kind)}")
        elif column.sql_type == "TIMESTAMPTZ" and not _has_offset(given[name]):
            remedy = f"write its offset, e.g. {str(given[name])[:10]}T00:00:00+07:00"
            report(place, f"{name} `{given[name]}` has no offset and is read on the clock of UTC", remedy, warning=True)
    if None in values.values():
        return
    low, high = _span(options)
    if low and high and _is_past(low, high):
        names = f"{low[1]} {low[2]} is over {high[1]} {high[2]}"
        report(("logicalTypeOptions", low[1]), f"{names}: no value is left", "correct one of them")
        return
    limits = integer_range(column.sql_type)
    if limits and ((low and Decimal(str(low[2])) > limits[1]) or (high and Decimal(str(high[2])) < limits[0])):
        name = low[1] if low and Decimal(str(low[2])) > limits[1] else high[1] if high else ""
        remedy = "widen the type (`format`, or precision in physicalType), or correct the bound"
        report(("logicalTypeOptions", name), f"{name} is beyond what {column.sql_type} can hold", remedy)


Limit = tuple[Any, str, Any, bool]  # comparable value, the option's name, as written, whether it is exclusive


def _span(options: Mapping[str, object]) -> tuple[Limit | None, Limit | None]:
    """The narrowest lower and upper bound."""

    def narrowest(names: Sequence[str], pick: Any) -> Limit | None:
        found = [(_plain(options[n]), n, options[n], n.startswith("exclusive")) for n in names if n in options]
        return pick(found, key=lambda limit: (limit[0], limit[3])) if found else None

    return narrowest(_BOUNDS[::2], max), narrowest(_BOUNDS[1::2], min)


def _is_past(low: Limit | Any, high: Limit | Any) -> bool:
    """Whether the range from `low` to `high` is empty; one of them may be a plain value."""
    lower, lower_out = (low[0], low[3]) if isinstance(low, tuple) else (low, False)
    upper, upper_out = (high[0], high[3]) if isinstance(high, tuple) else (high, False)
    if type(lower) is not type(upper):
        return False
    return bool(lower > upper or (lower == upper and (lower_out or upper_out)))


def _comparable(column: Column, value: Any) -> Any:
    """Comparable form of a bound or listed value; None if it is not of the column's type."""
    kind = column.logical_type
    if kind in ("integer", "number"):
        return _plain(value) if isinstance(value, int | float) and math.isfinite(value) else None
    if not isinstance(value, str):
        return None
    try:
        if kind == "date":
            return _plain(date.fromisoformat(value).isoformat()) if _ISO_DATE.fullmatch(value) else None
        if kind == "timestamp":
            return _plain(value) if _ISO_MOMENT.fullmatch(value) and datetime.fromisoformat(value) else None
    except ValueError:
        return None
    return _plain(value) if kind != "time" or _TIME.fullmatch(value) else None


def _plain(value: Any) -> Any:
    if isinstance(value, int | float):
        return Decimal(str(value))
    found = _ISO_MOMENT.fullmatch(value)
    if found and found[1]:
        return datetime.fromisoformat(value).timestamp()
    return value.replace("T", " ") if found else value


def _has_offset(value: Any) -> bool:
    found = _ISO_MOMENT.fullmatch(str(value))
    return bool(found and found[1])


def _example(kind: str) -> str:
    examples = {"date": "2020-01-31", "timestamp": "2020-01-31T00:00:00+07:00", "time": "08:30:00"}
    return examples.get(kind, "a number: 5")
