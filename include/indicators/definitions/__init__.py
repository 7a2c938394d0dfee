"""Definitions of indicators: YAML turned into frozen objects, checked against the contracts and code lists."""

from include.indicators.definitions.catalogue import PEOPLE, REFERENCE, Catalogue
from include.indicators.definitions.check import (
    CompiledIndicator,
    check_indicators,
    compile_indicator,
    compile_indicators,
    define_period,
)
from include.indicators.definitions.indicator import SECTIONS, UNITS, Breakdown, Finding, Indicator
from include.indicators.definitions.loading import (
    indicator_paths,
    load_indicator,
    load_indicators,
    readable_indicators,
)
from include.indicators.definitions.period import SCHEMES, Period, PeriodRefused, period_of, quarter_of
