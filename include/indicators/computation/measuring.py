"""Figures of what is counted: sums and shares, or a percentile, over everything and for each member of a dimension.

They are made from the table `counted`: the dimensions, `_counted` and `_out_of` of each row.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import duckdb

from include.indicators.computation.engine import IndicatorFailed
from include.indicators.computation.figure import Figure, Reason, rounded_half_up, value_of
from include.indicators.definitions import Breakdown, CompiledIndicator
from include.lake.storage import quote

_BEYOND = 10**31  # indicators/values keeps 38 digits, 6 of them after the point


def total_of(connection: duckdb.DuckDBPyConnection, compiled: CompiledIndicator) -> Figure:
    """The figure over everything counted."""
    return _measured(connection, compiled, "", "''", "true")[""]


def members_of(
    connection: duckdb.DuckDBPyConnection, compiled: CompiledIndicator, dimension: Breakdown
) -> dict[str, Figure]:
    """The figure of each member of a dimension, by member; what has no code of the dimension has none."""
    codes = f"SELECT {quote(dimension.column)} FROM {quote(dimension.source)}"
    member = quote(dimension.name)
    return _measured(connection, compiled, dimension.name, member, f"{member} IN ({codes})")


def _measured(
    connection: duckdb.DuckDBPyConnection, compiled: CompiledIndicator, dimension: str, member: str, condition: str
) -> dict[str, Figure]:
    measure = _percentiles if compiled.indicator.percentile else _sums
    found = measure(connection, compiled, dimension, member, condition)
    if not dimension and not found:
        nothing = Figure("", "", None, Decimal(0), None, "nothing to measure")
        return {"": nothing}
    for figure in found.values():
        if any(abs(number) >= _BEYOND for number in _numbers(figure)):
            raise IndicatorFailed(
                f"{compiled.indicator.indicator_id}: a figure has more than 31 digits before the point"
            )
    return found


def _numbers(figure: Figure) -> list[Decimal]:
    return [number for number in (figure.numerator, figure.denominator, figure.value) if number is not None]


def _sums(
    connection: duckdb.DuckDBPyConnection, compiled: CompiledIndicator, dimension: str, member: str, condition: str
) -> dict[str, Figure]:
    rows = connection.execute(
        f"SELECT {member}, coalesce(sum(_counted), 0), coalesce(sum(_out_of), 0) FROM counted "
        f"WHERE {condition} GROUP BY ALL"
    ).fetchall()
    if not dimension and not rows:
        rows = [("", 0, 0)]
    indicator, found = compiled.indicator, {}
    for name, counted, out_of in rows:
        numerator, denominator = Decimal(counted), Decimal(out_of) if compiled.out_of else None
        value = value_of(numerator, denominator, is_share=indicator.is_share, digits=indicator.digits)
        reason: Reason = "denominator is 0" if value is None else ""
        found[str(name)] = Figure(dimension, str(name), numerator, denominator, value, reason)
    return found


def _percentiles(
    connection: duckdb.DuckDBPyConnection, compiled: CompiledIndicator, dimension: str, member: str, condition: str
) -> dict[str, Figure]:
    """The percentile as a place between two measured numbers: linear between ranks, as `percentile_cont` of SQL:2003.

    Of n numbers in order, it is at place (n - 1) * percentile / 100, counted from 0.
    """
    percent, indicator = compiled.indicator.percentile, compiled.indicator
    rows = connection.execute(
        f"""WITH placed AS (
                SELECT {member} AS member, _counted,
                       row_number() OVER (PARTITION BY {member} ORDER BY _counted) - 1 AS place
                FROM counted WHERE _counted IS NOT NULL AND {condition}
            ), sized AS (SELECT member, count(*) AS many FROM placed GROUP BY member)
            SELECT member, many, max(_counted) FILTER (place = (many - 1) * {percent} // 100),
                   max(_counted) FILTER (place = least((many - 1) * {percent} // 100 + 1, many - 1))
            FROM placed JOIN sized USING (member) GROUP BY member, many"""
    ).fetchall()
    found = {}
    for name, many, lower, upper in rows:
        part = Fraction((many - 1) * percent % 100, 100)
        exact = Fraction(lower) + (Fraction(upper) - Fraction(lower)) * part
        value = rounded_half_up(exact, indicator.digits)
        found[str(name)] = Figure(dimension, str(name), None, Decimal(many), value)
    return found
