"""Reader of Parquet files: types that DuckDB carries exactly are kept, the others become text."""

from include.sources.parquet.parquet_table import read_parquet
