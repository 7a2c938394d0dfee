"""From whatever type a source column or an expression has to the contract's type. What cannot be read becomes NULL.

Nothing is guessed or rounded: `1.5` is not an integer, `nan` is not a number, `31/02/2020` is not a date and `20` is
not the year 2020. The caller tells a value that could not be read from one that was not given.
"""

from __future__ import annotations

import re

from include.contracts.model import Column
from include.lake.engine import literal
from include.quality.errors import ConformError

INTEGER_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
FIRST_YEAR = 1000
_MOMENTS = (
    "DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE",
)  # fmt: skip
_FRACTIONAL = ("DOUBLE", "FLOAT", "DECIMAL")
_WHOLE_NUMBER = r"\s*[+-]?[0-9]+(\.0*)?\s*"
_ENDS_IN_OFFSET = r":[0-9]{2}(\.[0-9]+)?\s*([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)\s*$"
_JDK_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_STRPTIME = {
    "yyyy": "%Y", "uuuu": "%Y", "y": "%Y", "u": "%Y", "yy": "%y", "uu": "%y",
    "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%m", "L": "%m", "LL": "%m",
    "dd": "%d", "d": "%d", "DDD": "%j", "EEEE": "%A", "EEE": "%a", "E": "%a",
    "HH": "%H", "H": "%H", "hh": "%I", "h": "%I", "mm": "%M", "m": "%M", "ss": "%S", "s": "%S",
    "SSS": "%g", "SSSSSS": "%f", "SSSSSSSSS": "%n", "a": "%p",
    "XXX": "%z", "XX": "%z", "X": "%z", "xxx": "%z", "xx": "%z", "x": "%z", "Z": "%z", "VV": "%Z",
}  # fmt: skip


def parse(value: str, from_type: str, column: Column) -> tuple[str, str]:
    """SQL that parses `value` (SQL of type `from_type`) as far as it goes, and the type that has.

    The first of two steps, so that the engine parses each value once although `finish` looks at it more than once.
    """
    if column.sql_type in ("DATE", "TIMESTAMP", "TIMESTAMPTZ"):
        return _parse_moment(value, from_type, column)
    if column.sql_type in ("DOUBLE", "FLOAT"):
        return f"TRY_CAST({value} AS {column.sql_type})", column.sql_type
    return value, from_type


def finish(parsed: str, from_type: str, column: Column) -> str:
    """SQL of the published value from what `parse` gave; NULL where it cannot be read.

    Strings become NFC (Unicode UAX #15). A timestamp without offset is read in the column's `defaultTimezone`
    (ODCS `logicalTypeOptions`; UTC unless stated), a text with the column's `format` in JDK notation.
    """
    to_type = column.sql_type
    if to_type == "VARCHAR":
        return f"nfc_normalize({parsed if from_type == 'VARCHAR' else f'TRY_CAST({parsed} AS VARCHAR)'})"
    if to_type in INTEGER_TYPES:
        return _integer(parsed, from_type, to_type)
    if to_type in ("DATE", "TIMESTAMP", "TIMESTAMPTZ"):
        return _finish_moment(parsed, from_type, column)
    if to_type in ("DOUBLE", "FLOAT"):
        return f"CASE WHEN isfinite({parsed}) THEN {parsed} END"
    return f"TRY_CAST({parsed} AS {to_type})"


def strptime_format(pattern: str, column: str) -> str:
    """A JDK DateTimeFormatter pattern (`dd/MM/yyyy HH:mm`), as ODCS writes formats, in strptime's notation.

    Raises:
        ConformError: the pattern has a letter that cannot be read by DuckDB.
    """
    parts, at = [], 0
    while at < len(pattern):
        token = _JDK_TOKEN.match(pattern, at)
        if token is None:
            raise ConformError(f"column {column}: the format has a quote that does not end: close it with '")
        at = token.end()
        text = token[0]
        if text.startswith("'"):
            parts.append((token[1].replace("''", "'") or "'").replace("%", "%%"))
        elif token[2] is None:
            parts.append(text.replace("%", "%%"))
        elif text in _STRPTIME:
            parts.append(_STRPTIME[text])
        else:
            raise ConformError(
                f"column {column}: the format's `{text}` is not known here: use yyyy MM dd HH mm ss SSS, "
                "and quote other letters: 'T'"
            )
    return "".join(parts)


def _integer(value: str, from_type: str, to_type: str) -> str:
    whole = f"TRY_CAST({value} AS {to_type})"
    if from_type == "VARCHAR":  # the engine's own cast rounds 1.5 and reads 0x10, 1e3 and 1_000
        return f"CASE WHEN regexp_full_match({value}, {literal(_WHOLE_NUMBER)}) THEN {whole} END"
    if from_type.startswith(_FRACTIONAL):
        return f"CASE WHEN {value} = trunc({value}) THEN {whole} END"
    return whole


def _zone(column: Column) -> str:
    return literal(str(column.options.get("defaultTimezone") or "UTC"))


def _instant(local: str, column: Column) -> str:
    """SQL of the instant of a local time; for UTC without the calendar, which takes six times as long."""
    zone = _zone(column)
    return f"make_timestamptz(epoch_us({local}))" if zone == "'UTC'" else f"timezone({zone}, {local})"


def _parse_moment(value: str, from_type: str, column: Column) -> tuple[str, str]:
    if from_type != "VARCHAR":
        kept = from_type if from_type in _MOMENTS else column.sql_type
        return (value if kept == from_type else f"TRY_CAST({value} AS {kept})"), kept
    if pattern := column.options.get("format"):
        form = strptime_format(str(pattern), column.name)
        kind = "TIMESTAMP WITH TIME ZONE" if "%z" in form or "%Z" in form else "TIMESTAMP"
        return f"try_strptime({value}, {literal(form)})", kind
    if column.sql_type == "DATE":
        return f"TRY_CAST({value} AS DATE)", "DATE"
    has_offset = f"regexp_matches({value}, {literal(_ENDS_IN_OFFSET)})"
    instant, local = f"TRY_CAST({value} AS TIMESTAMPTZ)", f"TRY_CAST({value} AS TIMESTAMP)"
    if column.sql_type == "TIMESTAMPTZ":
        return f"CASE WHEN {has_offset} THEN {instant} ELSE timezone({_zone(column)}, {local}) END", "TIMESTAMPTZ"
    return f"CASE WHEN {has_offset} THEN timezone({_zone(column)}, {instant}) ELSE {local} END", "TIMESTAMP"


def _finish_moment(parsed: str, from_type: str, column: Column) -> str:
    has_zone = from_type in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
    value = parsed
    if column.sql_type == "TIMESTAMPTZ" and not has_zone:
        value = _instant(f"CAST({parsed} AS TIMESTAMP)", column)
    elif column.sql_type != "TIMESTAMPTZ" and has_zone:
        value = f"timezone({_zone(column)}, {parsed})"
    if from_type != column.sql_type:
        value = f"TRY_CAST({value} AS {column.sql_type})"
    # strptime reads `20` as the year 20, and the engine's casts know the word `infinity`.
    return f"CASE WHEN isfinite({parsed}) AND {parsed} >= '{FIRST_YEAR}-01-01' THEN {value} END"
