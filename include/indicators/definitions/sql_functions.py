"""Functions that an indicator's SQL may call beside those of a row: the period asked for, and working days."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from include.contracts.sql import WORKING_DAYS
from include.vietnam import WorkingDays


def define_period(engine: duckdb.DuckDBPyConnection, start: str, end: str, at: str) -> None:
    """Let the functions of the period give these two days and this instant (ISO texts)."""
    for name, value in (("period_start", f"DATE '{start}'"), ("period_end", f"DATE '{end}'")):
        engine.execute(f"CREATE OR REPLACE TEMP MACRO {name}() AS {value}")
    engine.execute(f"CREATE OR REPLACE TEMP MACRO as_of() AS TIMESTAMPTZ '{at}'")


def define_working_days(engine: duckdb.DuckDBPyConnection, days: WorkingDays) -> None:
    """Let `working_days(a, b)` count the working days after day `a`, up to day `b`.

    It gives no value where the days off of a year between them are not announced: to take them for worked would be
    wrong by a week in the year of a Tet.
    """
    numbered = [*days.numbered()]
    places = pa.table(
        {
            "_day": pa.array([day for day, _, _ in numbered], pa.date32()),
            "_span": pa.array([span for _, span, _ in numbered], pa.int32()),
            "_number": pa.array([number for _, _, number in numbered], pa.int32()),
        }
    )
    engine.register("places", places)
    engine.execute('CREATE TEMP TABLE "working days" AS FROM places')
    engine.unregister("places")
    engine.execute(
        f"""CREATE TEMP MACRO {WORKING_DAYS}(_since, _until) AS (
                SELECT max(_later._number - _earlier._number) FROM "working days" AS _earlier
                JOIN "working days" AS _later ON _later._span = _earlier._span
                WHERE _earlier._day = CAST(_since AS DATE) AND _later._day = CAST(_until AS DATE))"""
    )
