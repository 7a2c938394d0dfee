"""Schema of a source object: columns and types, the columns a contract requires, and schema drift."""

from include.sources.source_schema.column_types import SourceType
from include.sources.source_schema.drift import Columns, Drift, DriftedSchema, reads_anew
from include.sources.source_schema.required_columns import (
    RESERVED_NAMES,
    counted,
    cursor_columns,
    judge_columns,
    judge_types,
    key_columns,
    landed_names,
    near,
    needed,
    without,
)
from include.sources.source_schema.source_table import SourceColumn, SourceTable, file_table
