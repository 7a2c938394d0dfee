"""Reader of Parquet files: types that DuckDB carries exactly are kept, the others become text."""

from __future__ import annotations

from include.sources.parquet.parquet_table import read_parquet

__all__ = [
    "read_parquet",
]
