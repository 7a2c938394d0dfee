"""DuckDB SQL that converts numbers exactly; NULL where a digit would be lost.

Each function takes SQL of a value, which its result evaluates more than once.
"""

from __future__ import annotations

import re

from include.lake.storage import literal

INTEGER_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
EXACT_IN_DOUBLE = 2**53
_WHOLE = r"\s*[+-]?[0-9]+(?:\.0*)?\s*"
_PLAIN = r"[+-]?[0-9]+\.?[0-9]*"
_NUMBER = r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\s*"
_TRUE, _FALSE = r"(?i)\s*(?:true|1(?:\.0*)?)\s*", r"(?i)\s*(?:false|0(?:\.0*)?)\s*"
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


def decimal_sizes(sql_type: str) -> tuple[int, int] | None:
    """Precision and scale of a DECIMAL; None for any other type."""
    found = _DECIMAL.fullmatch(sql_type)
    return (int(found[1]), int(found[2])) if found else None


def whole_of_text(value: str, to_type: str) -> str:
    """An integer from text; the engine's own cast rounds 1.5 and accepts 0x10, 1e3 and 1_000."""
    return f"CASE WHEN {fits(value, _WHOLE)} THEN TRY_CAST({value} AS {to_type}) END"


def whole_of_float(value: str, to_type: str) -> str:
    """An integer from a whole float up to 2^53; above, a float stands for several integers."""
    is_whole = f"{value} = trunc({value}) AND abs({value}) <= {EXACT_IN_DOUBLE}"
    return f"CASE WHEN {is_whole} THEN TRY_CAST({value} AS {to_type}) END"


def whole_of_decimal(value: str, to_type: str) -> str:
    """An integer from a whole DECIMAL."""
    return f"CASE WHEN {value} = trunc({value}) THEN TRY_CAST({value} AS {to_type}) END"


def decimal_of_text(value: str, to_type: str) -> str:
    """A DECIMAL from text, if it holds every digit except trailing zeros."""
    _, scale = decimal_sizes(to_type) or (0, 0)
    behind = rf"(?:[0-9]+(?:\.[0-9]{{0,{scale}}}0*)?|\.[0-9]{{1,{scale}}}0*)" if scale else r"[0-9]+(?:\.0*)?"
    plain = rf"\s*[+-]?{behind}\s*"
    return (
        f"CASE WHEN {fits(value, plain)} THEN TRY_CAST({value} AS {to_type}) "
        f"WHEN {fits(value, _NUMBER)} AND _number_scale({value}) <= {scale} "
        f"THEN TRY_CAST(_number_plain({value}) AS {to_type}) END"
    )


def decimal_of_decimal(value: str, from_type: str, to_type: str) -> str:
    """A DECIMAL from another one."""
    (_, was), (_, scale) = decimal_sizes(from_type) or (0, 0), decimal_sizes(to_type) or (0, 0)
    narrowed = f"TRY_CAST({value} AS {to_type})"
    if was <= scale:
        return narrowed
    return f"CASE WHEN TRY_CAST({narrowed} AS {from_type}) = {value} THEN {narrowed} END"


def float_of_text(value: str, to_type: str) -> str:
    """A binary float from text, if it is written with the same digits again."""
    short = f"length({value}) <= {15 if to_type == 'DOUBLE' else 6} AND {fits(value, _PLAIN)}"  # always exact
    exact = f"_exact_{to_type.lower()}({value})"
    return f"CASE WHEN {short} THEN TRY_CAST({value} AS {to_type}) WHEN {fits(value, _NUMBER)} THEN {exact} END"


def float_of_integer(value: str, to_type: str) -> str:
    """A binary float from an integer, checked as for text unless every float holds it."""
    exact = EXACT_IN_DOUBLE if to_type == "DOUBLE" else 2**24
    return (
        f"CASE WHEN {value} BETWEEN {-exact} AND {exact} THEN CAST({value} AS {to_type}) "
        f"ELSE _exact_{to_type.lower()}(CAST({value} AS VARCHAR)) END"
    )


def float_of_float(value: str, from_type: str, to_type: str) -> str:
    """A finite float from a float, if a narrower type holds it exactly."""
    same = f"isfinite({value})"
    if (from_type, to_type) == ("DOUBLE", "FLOAT"):
        same += f" AND CAST(TRY_CAST({value} AS FLOAT) AS DOUBLE) = {value}"
    return f"CASE WHEN {same} THEN TRY_CAST({value} AS {to_type}) END"


def boolean_of_text(value: str) -> str:
    """A boolean from true, 1, false and 0; other words need an expression in the contract."""
    return f"CASE WHEN {fits(value, _TRUE)} THEN true WHEN {fits(value, _FALSE)} THEN false END"


def boolean_of_number(value: str) -> str:
    """A boolean from 1 and 0, and no other number."""
    return f"CASE WHEN {value} = 1 THEN true WHEN {value} = 0 THEN false END"


def fits(value: str, pattern: str) -> str:
    """SQL condition: the whole text matches the pattern (RE2)."""
    return f"regexp_full_match({value}, {literal(pattern)})"
