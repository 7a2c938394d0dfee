"""Conversion table: how values of each source type family become each contract type.

A value is published if, converted back to the source's type, it equals the received one; else its row is rejected, or
the run refused before a row is judged. This table is the only definition: the conform step takes its SQL from here,
`lienthong check --source` its refusals, and docs/reference/conversions.md is generated from it.

A conversion has two steps, so that each value is parsed once although the second step uses it more than once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from include.contracts.model import Column
from include.quality.conversion import moments, numbers

Family = Literal[
    "text", "integer", "decimal", "float", "boolean", "date", "local timestamp", "instant", "time", "binary", "other"
]
Target = Literal[
    "string", "integer", "decimal", "float", "boolean", "date", "timestamp", "local timestamp", "time", "object",
    "array",
]  # fmt: skip
_INSTANT, _LOCAL = "TIMESTAMP WITH TIME ZONE", "TIMESTAMP"
_FAMILIES: dict[str, Family] = {
    "VARCHAR": "text", "DOUBLE": "float", "FLOAT": "float", "BOOLEAN": "boolean", "DATE": "date", "BLOB": "binary",
    _LOCAL: "local timestamp", "TIMESTAMP_S": "local timestamp", "TIMESTAMP_MS": "local timestamp",
    "TIMESTAMP_NS": "local timestamp", _INSTANT: "instant", "TIME": "time", "TIME_NS": "time",
    "TIME WITH TIME ZONE": "time", "UHUGEINT": "integer", **dict.fromkeys(numbers.INTEGER_TYPES, "integer"),
}  # fmt: skip
# Source family of each landed DuckDB type.
SOURCE_TYPES: tuple[tuple[str, Family, str], ...] = (
    ("integers of every width, signed or not; MySQL `BIT(n)`, `YEAR`", "integer", ""),
    ("exact decimals with up to 38 digits", "decimal", ""),
    ("exact decimals with more digits, or with none stated (PostgreSQL `numeric`)", "text", "plain digits"),
    ("binary floats", "float", ""),
    ("text, enumerations, UUIDs, network addresses", "text", ""),
    ("booleans (PostgreSQL, Parquet)", "boolean", ""),
    ("dates", "date", ""),
    ("timestamps without zone; MySQL `DATETIME`", "local timestamp", ""),
    ("timestamps with zone; MySQL `TIMESTAMP`; Parquet's in UTC", "instant", ""),
    ("instants in nanoseconds (Parquet)", "text", "ISO 8601 with nine digits"),
    ("times of day", "time", "MySQL's beyond a day as text"),
    ("intervals and durations", "text", "as the database writes them"),
    ("binary values", "binary", "from SQLite as text: `\\x` and hexadecimal digits"),
    ("JSON, arrays, structures", "text", "JSON"),
    ("geometry and other types that are not known", "text", "`\\x` and hexadecimal digits"),
    ("every value of SQLite, CSV, Excel and JSON Lines", "text", "as it is written"),
)
Step = Callable[[str, str, Column], str]  # SQL of the value, its DuckDB type, the contract's column


def _same(value: str, from_type: str, column: Column) -> str:
    return value


@dataclass(frozen=True, slots=True)
class Conversion:
    """Conversion of one source family to one contract type; NULL for a value that cannot be converted.

    `says` describes it for people. `parse` returns SQL of the parsed value and its DuckDB type; `finish` SQL of the
    published value made of that. `needs_zone`: refused where the contract states no `defaultTimezone`.
    """

    says: str
    finish: Step = _same
    parse: Callable[[str, str, Column], tuple[str, str]] = lambda value, kind, column: (value, kind)
    needs_zone: bool = False

    @property
    def is_possible(self) -> bool:
        """Whether any value of the family can be published."""
        return self.finish is not _never


def _never(value: str, from_type: str, column: Column) -> str:
    return f"CAST(NULL AS {column.sql_type})"


def _cast(value: str, from_type: str, column: Column) -> str:
    return f"TRY_CAST({value} AS {column.sql_type})"


def _as_text(value: str, from_type: str, column: Column) -> tuple[str, str]:
    return f"CAST({value} AS VARCHAR)", "VARCHAR"


def _as_moment(value: str, from_type: str, column: Column) -> tuple[str, str]:
    return moments.parsed_text(value, column)


def _as_local(value: str, from_type: str, column: Column) -> tuple[str, str]:
    return (value if from_type == _LOCAL else moments.whole_microseconds(value)), _LOCAL


def _json(kind: str) -> Step:
    """JSON conversion by the engine's parser, without the NaN, Infinity and trailing commas that it accepts."""
    bare = """regexp_replace({0}, '"(?:[^"\\\\]|\\\\.)*"', '""', 'g')"""
    odd = r"N|I|,\s*[\]}]"
    return lambda value, from_type, column: (
        f"CASE WHEN json_valid({value}) AND json_type({value}) = '{kind}' "
        f"AND NOT regexp_matches({bare.format(value)}, '{odd}') THEN nfc_normalize({value}) END"
    )


NEVER = Conversion("rejected", _never)
_TIME_TEXT = Conversion(
    "`hh:mm`, perhaps seconds, a fraction and an offset; up to 23:59:59", lambda v, t, c: moments.time_of_text(v)
)
_TEXT = "ISO 8601 or the column's `format`"
_ZONE = "by `defaultTimezone`, without which the run is refused"
LAW: dict[Target, dict[Family, Conversion]] = {
    "string": {
        "text": Conversion("as it is, composed (Unicode NFC)", lambda v, t, c: f"nfc_normalize({v})"),
        "float": Conversion("the shortest digits that give the same float again", _cast),
        "binary": Conversion(
            "`\\x` and two hexadecimal digits for each byte", lambda v, t, c: f"'\\x' || lower(hex({v}))"
        ),
        "instant": Conversion("in UTC, with `+00`", _cast),
        **{
            family: Conversion("all of it, in ISO notation or plain digits", _cast)
            for family in ("integer", "decimal", "boolean", "date", "local timestamp", "time", "other")
        },
    },
    "integer": {
        "text": Conversion(
            "digits, perhaps a sign, perhaps `.0`; no exponent", lambda v, t, c: numbers.whole_of_text(v, c.sql_type)
        ),
        "integer": Conversion("exact within the type's range", _cast),
        "decimal": Conversion("whole numbers", lambda v, t, c: numbers.whole_of_decimal(v, c.sql_type)),
        "float": Conversion("whole numbers up to 2^53", lambda v, t, c: numbers.whole_of_float(v, c.sql_type)),
    },
    "decimal": {
        "text": Conversion(
            "digits with a decimal point, perhaps an exponent; no digit beyond precision and scale but zeros",
            lambda v, t, c: numbers.decimal_of_text(v, c.sql_type),
        ),
        "integer": Conversion("exact within the precision", _cast),
        "decimal": Conversion(
            "no digit beyond precision and scale but zeros",
            lambda v, t, c: numbers.decimal_of_decimal(v, t, c.sql_type),
        ),
        "float": Conversion(
            "by the shortest digits that give the same float again, as of text",
            lambda v, t, c: numbers.decimal_of_text(v, c.sql_type),
            _as_text,
        ),
    },
    "float": {
        "text": Conversion(
            "a number whose digits the float gives back", lambda v, t, c: numbers.float_of_text(v, c.sql_type)
        ),
        "integer": Conversion(
            "an integer whose digits the float gives back", lambda v, t, c: numbers.float_of_integer(v, c.sql_type)
        ),
        "decimal": Conversion(
            "a number whose digits the float gives back", lambda v, t, c: numbers.float_of_text(v, c.sql_type), _as_text
        ),
        "float": Conversion("finite, and unchanged", lambda v, t, c: numbers.float_of_float(v, t, c.sql_type)),
    },
    "boolean": {
        "text": Conversion("`true`, `1`; `false`, `0`, in any case", lambda v, t, c: numbers.boolean_of_text(v)),
        "boolean": Conversion("as it is"),
        **{
            family: Conversion("1 and 0", lambda v, t, c: numbers.boolean_of_number(v))
            for family in ("integer", "decimal", "float")
        },
    },
    "date": {
        "text": Conversion(
            f"{_TEXT}; a time of day behind it is left out; with an offset by `defaultTimezone`",
            moments.day_of,
            _as_moment,
        ),
        "date": Conversion("years 0001 to 9999", moments.day_of),
        "local timestamp": Conversion("its day; the time of day is left out", moments.day_of),
        "instant": Conversion(f"its day {_ZONE}", moments.day_of, needs_zone=True),
    },
    "timestamp": {
        "text": Conversion(
            f"{_TEXT}, whole microseconds; without an offset by `defaultTimezone`, or rejected where none is stated",
            moments.instant_in_zone,
            _as_moment,
        ),
        "date": Conversion(f"its midnight {_ZONE}", moments.instant_in_zone, needs_zone=True),
        "local timestamp": Conversion(
            f"{_ZONE}; whole microseconds; a time that the clocks left out is rejected",
            moments.instant_in_zone,
            _as_local,
            needs_zone=True,
        ),
        "instant": Conversion("the same instant, in UTC; years 0001 to 9999", moments.instant_in_zone),
    },
    "local timestamp": {
        "text": Conversion(
            f"{_TEXT}, whole microseconds; with an offset by `defaultTimezone`, or rejected where none is stated",
            moments.local_time_of,
            _as_moment,
        ),
        "date": Conversion("its midnight", moments.local_time_of),
        "local timestamp": Conversion("whole microseconds; years 0001 to 9999", moments.local_time_of, _as_local),
        "instant": Conversion(
            f"{_ZONE}; a local time that came twice is rejected", moments.local_time_of, needs_zone=True
        ),
    },
    "time": {
        "text": _TIME_TEXT,
        "time": Conversion("as it is", lambda v, t, c: moments.time_of_text(v), _as_text),
    },
    "object": {"text": Conversion("a JSON object", _json("OBJECT"))},
    "array": {"text": Conversion("a JSON array", _json("ARRAY"))},
}


def family_of(landed_type: str) -> Family:
    """The source family of a landed DuckDB type."""
    return "decimal" if landed_type.startswith("DECIMAL") else _FAMILIES.get(landed_type, "other")


def target_of(column: Column) -> Target:
    """The column's target type in the conversion table."""
    kinds: dict[str, Target] = {
        "DOUBLE": "float", "FLOAT": "float", "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMPTZ": "timestamp",
        "TIMESTAMP": "local timestamp",
    }  # fmt: skip
    if column.sql_type == "VARCHAR":
        texts: dict[str, Target] = {"time": "time", "object": "object", "array": "array"}
        return texts.get(column.logical_type, "string")
    if column.sql_type in numbers.INTEGER_TYPES or (column.logical_type == "integer"):
        return "integer"
    return "decimal" if numbers.decimal_sizes(column.sql_type) else kinds[column.sql_type]


def conversion(landed_type: str, column: Column) -> Conversion:
    """The conversion of a landed type to the column's type."""
    return LAW[target_of(column)].get(family_of(landed_type), NEVER)


def converted(value: str, landed_type: str, column: Column) -> str:
    """SELECT of the published value of one landed value (SQL)."""
    law = conversion(landed_type, column)
    parsed, kind = law.parse("given", landed_type, column)
    return (
        f"SELECT {law.finish('parsed', kind, column)} FROM (SELECT {parsed} AS parsed FROM (SELECT {value} AS given))"
    )


def refusal(landed_type: str, column: Column) -> str:
    """Reason, with remedy, to refuse a run because no value could be converted; empty if there is none."""
    if conversion(landed_type, column).needs_zone and not moments.zone_of(column):
        given = "an instant" if family_of(landed_type) == "instant" else "a local time without a zone"
        return (
            f"column {column.name} is a {column.logical_type} made of {given}, and the contract states no zone for it: "
            "add logicalTypeOptions: {defaultTimezone: Asia/Ho_Chi_Minh}, or the zone that the registry's owner names"
        )
    return ""
