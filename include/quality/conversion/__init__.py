"""Type conversion: a source value becomes the contract's type exactly, or the row is rejected."""

from include.quality.conversion.conform_sql import DRIFT, RAW_KEY, ROW, UNREADABLE
from include.quality.conversion.conforming import (
    ConformPass,
    conform,
    conform_keys,
    expressions,
    has_drift,
    number_macros,
    parquet_options,
    parquet_to,
    prepare_pass,
    register,
)
from include.quality.conversion.conversions import (
    LAW,
    SOURCE_TYPES,
    Target,
    conversion,
    converted,
    family_of,
    refusal,
    target_of,
)
from include.quality.conversion.numbers import INTEGER_TYPES
