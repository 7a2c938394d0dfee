"""The DuckDB that an indicator's SQL runs in: views of the tables read, the macros, the period, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import duckdb

from include import vietnam
from include.contracts.sql import HOLIDAYS_LIST
from include.indicators.computation.open_tables import TablesRead
from include.indicators.definitions import Catalogue, Period, define_period, define_working_days
from include.known_error import KnownError
from include.lake.storage import Lake, quote, restrict_access
from include.vietnam import WorkingDays


class IndicatorFailed(KnownError, ValueError):
    """An indicator's SQL that binds and does not run over the rows that are there."""


@contextmanager
def indicator_engine(
    lake: Lake,
    read: TablesRead,
    period: Period,
    *,
    catalogue: Catalogue,
    as_of: datetime,
    statements: Sequence[str] = (),
    writes: Sequence[str] = (),
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection closed to everything but these tables' files (and the files `writes`), with the macros they use.

    `statements` are what it is to run. The day of an instant is the day in Viet Nam.

    Raises:
        IndicatorFailed: a value of a row cannot be converted or is out of range; the message has no value.
    """
    with lake.connect() as connection:
        vietnam.register(connection, catalogue.schemas, statements)
        read.as_views(connection, catalogue)
        connection.execute("SET TimeZone = 'Asia/Ho_Chi_Minh'")
        if HOLIDAYS_LIST in read.tables:
            rows = connection.execute(f"SELECT code, kind FROM {quote(HOLIDAYS_LIST)}").fetchall()
            define_working_days(connection, WorkingDays.of(rows))
        define_period(connection, period.start.isoformat(), period.end.isoformat(), as_of.isoformat())
        restrict_access(connection, reads=read.files, writes=writes)
        try:
            yield connection
        except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException) as error:
            raise IndicatorFailed(
                f"the SQL does not run over the rows that are there ({type(error).__name__}): write TRY_CAST where a "
                "text may be no date or number"
            ) from None
