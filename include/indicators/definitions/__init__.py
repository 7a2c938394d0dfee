"""Definitions of indicators and of the report made of them: YAML as frozen objects, checked against the contracts."""

from include.indicators.definitions.catalogue import HISTORY, PEOPLE, REFERENCE, Catalogue
from include.indicators.definitions.check import (
    CompiledIndicator,
    check_indicators,
    compile_indicator,
    compile_indicators,
)
from include.indicators.definitions.indicator import SECTIONS, UNITS, Breakdown, Finding, Indicator
from include.indicators.definitions.loading import (
    indicator_paths,
    load_indicator,
    load_indicators,
    readable_indicators,
)
from include.indicators.definitions.period import SCHEMES, Period, PeriodRefused, last_quarter, period_of, quarter_of
from include.indicators.definitions.report_heading import Heading, heading_path, load_heading
from include.indicators.definitions.sql_functions import define_period, define_working_days
