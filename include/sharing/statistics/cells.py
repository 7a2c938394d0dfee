"""Cells of a table of statistics: the groups of rows with equal group values, counted and summed by DuckDB."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import duckdb

from include.disclosure_control import TOTAL, UNKNOWN, Cell, Key, StatisticsRefused, two_largest
from include.lake.storage import quote

COUNT, SUPPRESSED = "count", "suppressed"
MOST_CELLS = 20_000
_DECIMAL = re.compile(r"DECIMAL\(\d+,(\d+)\)")
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")


class ReservedValue(StatisticsRefused):
    """A group column holds a value that stands for the total or for no value."""


class TooManyCells(StatisticsRefused):
    """A product has more cells than disclosure control can judge."""


def sum_name(column: str) -> str:
    """Name of the column with the sums of a column."""
    return f"{column}_sum"


def is_countable(sql_type: str) -> bool:
    """Whether the type's sums are exact, in whatever order the values are added."""
    return sql_type in _WHOLE or _DECIMAL.fullmatch(sql_type) is not None


def sum_type(sql_type: str) -> str:
    """DuckDB type of the sums of a column."""
    found = _DECIMAL.fullmatch(sql_type)
    return f"DECIMAL(38,{found[1] if found else 0})"


def cells_query(groups: Mapping[str, str], sums: Mapping[str, str], rows: str) -> str:
    """SELECT of the cells of the query `rows`.

    `groups`: SQL of each group value by column; `sums`: DuckDB type of each summed column.
    """
    values = [f"CAST({sql} AS VARCHAR) AS _group_{place}" for place, sql in enumerate(groups.values())]
    added = [
        f"CAST({quote(name)} AS {sum_type(kind)}) AS _sum_{place}" for place, (name, kind) in enumerate(sums.items())
    ]
    names = [f"_group_{place}" for place in range(len(groups))]
    keys = [f"coalesce({name}, '{UNKNOWN}') AS {name}" for name in names]
    reserved = " OR ".join(f"coalesce({name} IN ('{TOTAL}', '{UNKNOWN}'), false)" for name in names)
    figures = [
        figure
        for place, kind in enumerate(sums.values())
        for figure in (
            f"coalesce(sum(_sum_{place}), 0)::{sum_type(kind)}",
            f"coalesce(sum(abs(_sum_{place})), 0)::{sum_type(kind)}",
            f"coalesce(max(abs(_sum_{place}), 2), [])",
            f"coalesce(min(_sum_{place}), 0)::{sum_type(kind)}",
        )
    ]
    columns = ", ".join([*keys, f"bool_or({reserved})", "count(*)", *figures])
    inner = ", ".join([*values, *added])
    return f"SELECT {columns} FROM (SELECT {inner} FROM ({rows})) GROUP BY {', '.join(names)}"


def read_cells(
    connection: duckdb.DuckDBPyConnection, query: str, groups: Sequence[str], sums: Sequence[str], *, subject: str
) -> dict[Key, Cell]:
    """The cells that the query (see `cells_query`) finds, by group values.

    Raises:
        ReservedValue: a value of a group column is a code that stands for something else.
        TooManyCells: there are more than MOST_CELLS.
    """
    width = len(groups)
    found: dict[Key, Cell] = {}
    result = connection.execute(query)
    while row := result.fetchone():
        if row[width]:
            raise ReservedValue(
                f"{subject}: a value of {', '.join(groups)} is `{TOTAL}` or `{UNKNOWN}`, which stand for the total and "
                "for no value: reject such rows by a rule of the registry's contract, or leave the column out"
            )
        figures = [row[width + 2 + 4 * place : width + 6 + 4 * place] for place in range(len(sums))]
        found[row[:width]] = Cell(
            row[width + 1],
            tuple(Decimal(total) for total, _, _, _ in figures),
            tuple(Decimal(absolute) for _, absolute, _, _ in figures),
            tuple(two_largest(tuple(largest), ()) for _, _, largest, _ in figures),
            tuple(Decimal(least) for _, _, _, least in figures),
        )
        if len(found) > MOST_CELLS:
            raise TooManyCells(
                f"{subject} has more than {MOST_CELLS} cells: count by fewer columns, or coarser ones (province in "
                "place of ward, decade in place of year)"
            )
    return dict(sorted(found.items()))
