"""Computation of indicators over published tables: exact counts, shares rounded half up, reasons for N/A."""

from include.indicators.computation.computing import AGENCIES, Computed, compute, tables_of
from include.indicators.computation.engine import IndicatorFailed, indicator_engine
from include.indicators.computation.figure import REASONS, Figure, Reason, rounded_half_up, value_of
from include.indicators.computation.missing import MissingServer, missing_servers
from include.indicators.computation.open_tables import TablesRead, tables_read
