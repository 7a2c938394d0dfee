"""Parquet files of a delivery: types kept where DuckDB carries them exactly, text for the rest."""

from __future__ import annotations

from include.sources.parquet.parquet_table import read_parquet

__all__ = [
    "read_parquet",
]
