"""Sets of Parquet files hold the same rows or not, by which verification tells a compaction from a change."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from include.lake.delta import same_rows
from include.lake.storage import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")


def written(path: Path, rows: str) -> str:
    duckdb.sql(f"COPY ({rows}) TO '{path}' (FORMAT parquet)")
    return str(path)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("VARCHAR", "'w'"), ("BIGINT", "1"), ("DECIMAL(18,2)", "1.5"), ("DOUBLE", "0.0"), ("BOOLEAN", "true"),
        ("BLOB", "'w'::BLOB"), ("TIMESTAMPTZ", "TIMESTAMPTZ '2026-01-01'"), ("VARCHAR[]", "['w']"),
        ("DOUBLE[]", "[0.0]"), ("STRUCT(a VARCHAR, b INTEGER)", "{'a': 'w', 'b': 1}"),
        ("MAP(VARCHAR, INTEGER)", "MAP {'w': 1}"),
    ],
)  # fmt: skip
def test_a_column_that_a_file_lacks_counts_as_null_of_its_type(lake, tmp_path, kind, value):
    """Other tests' tables had lists in all files or in none: to compact both kinds passed for an alteration."""
    lacking = written(tmp_path / "lacking.parquet", "SELECT 1 AS k")
    having = written(tmp_path / "having.parquet", f"SELECT 2 AS k, CAST({value} AS {kind}) AS v")
    rows = "SELECT 1 AS k, CAST(NULL AS {0}) AS v UNION ALL SELECT {1} AS k, CAST({2} AS {0}) AS v"
    whole = written(tmp_path / "whole.parquet", rows.format(kind, 2, value))
    assert same_rows(lake, [lacking, having], [whole])
    assert same_rows(
        lake, [lacking], [written(tmp_path / "nulls.parquet", f"SELECT 1 AS k, CAST(NULL AS {kind}) AS v")]
    )
    assert not same_rows(lake, [lacking, having], [written(tmp_path / "other.parquet", rows.format(kind, 3, value))])
    assert not same_rows(lake, [lacking, having], [written(tmp_path / "lost.parquet", rows.format(kind, 2, "NULL"))])
