"""Computation of one indicator for one period: the total, and each member of its dimensions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from include.contracts.model import Contract
from include.indicators.computation.engine import indicator_engine
from include.indicators.computation.figure import Figure
from include.indicators.computation.measuring import members_of, total_of
from include.indicators.computation.missing import MissingServer, missing_servers
from include.indicators.computation.open_tables import TablesRead
from include.indicators.computation.suppressing import suppressed
from include.indicators.definitions import REFERENCE, Breakdown, Catalogue, CompiledIndicator, Period
from include.lake.storage import Lake, lake_errors, quote

AGENCIES = f"{REFERENCE}.agencies"
_CENTRAL = "central"
# Codes of the first level, by dimension: agencies by Decision 20/2020/QĐ-TTg, provinces by the statistics' list.
_FORMS = {"agency": re.compile(r"[A-Y]\d{2}"), "province": re.compile(r"\d{2}")}


@dataclass(frozen=True, slots=True)
class Computed:
    """The figures of an indicator for a period: the total first, then each dimension's members in order.

    `tables` are the versions read (`<table id>:<version>` by name), `missing` the servers that had not delivered.
    `unknown` is the number of rows that count as no or as 0 because their condition or number is empty.
    """

    compiled: CompiledIndicator
    period: Period
    as_of: datetime
    figures: tuple[Figure, ...]
    tables: Mapping[str, str]
    missing: tuple[MissingServer, ...]
    unknown: int = 0

    @property
    def total(self) -> Figure:
        """The figure over everything counted."""
        return self.figures[0]


def tables_of(compiled: CompiledIndicator) -> set[str]:
    """The tables that computing an indicator reads: those of its query, and those that hold its members' codes."""
    return {*compiled.query.tables, *(one.source for one in compiled.indicator.breakdown)}


def compute(
    lake: Lake,
    compiled: CompiledIndicator,
    period: Period,
    *,
    catalogue: Catalogue,
    contracts: Mapping[str, Contract],
    read: TablesRead,
    now: datetime,
) -> Computed:
    """Compute an indicator over open tables (`read` may hold more than it needs).

    `as_of()` in its SQL is the end of the period, or now while that is not over; the day of an instant is the day in
    Viet Nam. A table of its query that was never published leaves it without a value.
    """
    needed = {*tables_of(compiled), AGENCIES}
    own = TablesRead(
        {name: table for name, table in read.tables.items() if name in needed},
        tuple(name for name in read.missing if name in compiled.query.tables),
    )
    as_of = min(now, period.ends_at)
    missing = missing_servers(lake, contracts, compiled.query.tables, period, now=now)
    if own.missing:
        nothing = Figure("", "", None, None, None, "not published")
        return Computed(compiled, period, as_of, (nothing,), own.versions, ())
    engine = indicator_engine(lake, own, period, catalogue=catalogue, as_of=as_of, statements=compiled.statements)
    with lake_errors(f"computing {compiled.indicator.indicator_id}"), engine as connection:
        figures = tuple(_figures(connection, compiled, own, missing))
        ((unknown,),) = connection.execute("SELECT count(*) FROM counted WHERE _unknown").fetchall()
    return Computed(compiled, period, as_of, figures, own.versions, missing, int(unknown))


def _figures(
    connection: duckdb.DuckDBPyConnection,
    compiled: CompiledIndicator,
    read: TablesRead,
    missing: Collection[MissingServer],
) -> Iterator[Figure]:
    dimensions = [one for one in compiled.indicator.breakdown if one.source in read.tables]
    names = "".join(f"{quote(one.name)}, " for one in dimensions)
    out_of = compiled.out_of or "NULL"
    connection.execute(
        f"CREATE TEMP TABLE counted AS SELECT {names}{compiled.counted} AS _counted, {out_of} AS _out_of, "
        f"{compiled.unknown} AS _unknown FROM ({compiled.query.sql})"
    )
    figures = [total_of(connection, compiled)]
    areas = {area for one in missing for area in one.areas}
    for one in dimensions:
        counted = members_of(connection, compiled, one)
        lost = _lost_members(connection, one, areas, read) if areas else set()
        for member in lost:
            counted[member] = Figure(one.name, member, None, None, None, "not delivered")
        figures += (counted[member] for member in sorted(counted))
    yield from suppressed(connection, compiled, dimensions, figures)


def _lost_members(
    connection: duckdb.DuckDBPyConnection, dimension: Breakdown, areas: Collection[str], read: TablesRead
) -> set[str]:
    """The members of a dimension that belong to these areas: the area itself, its agencies, or its province.

    The area `central` is all agencies that are not a province's, and their scope.
    """
    affected = set(areas) | ({"ministry"} if _CENTRAL in areas else set())
    if AGENCIES in read.tables:
        for code, province in connection.execute(f"SELECT code, province_code FROM {quote(AGENCIES)}").fetchall():
            affected |= {code} if province in areas else {province} if code in areas and province else set()
    column = quote(dimension.column)  # without an alias, which a column of the source could be called like
    rows = connection.execute(
        f"SELECT DISTINCT {column} FROM {quote(dimension.source)} "
        f"WHERE {column} IN (SELECT unnest($codes)) OR ($is_central AND NOT starts_with({column}, 'H'))",
        {"codes": sorted(affected), "is_central": _CENTRAL in areas and dimension.name == "agency"},
    ).fetchall()
    form = _FORMS.get(dimension.name)
    return {str(code) for (code,) in rows} | {code for code in affected if form and form.fullmatch(code)}
