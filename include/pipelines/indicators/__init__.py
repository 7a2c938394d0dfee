"""Indicators: computed for a period and recorded with their editions, shown, and the findings behind them."""

from include.pipelines.indicators.computing import ComputedIndicator, IndicatorsResult, compute_step
from include.pipelines.indicators.findings import FindingRows, finding_rows
from include.pipelines.indicators.reading import (
    IndicatorCourse,
    IndicatorListed,
    indicator_courses,
    list_indicators,
    values_shown,
)
