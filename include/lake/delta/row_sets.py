"""Equality of row sets regardless of order and files, by DuckDB's hash of each row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

import duckdb

from include.lake.storage import Lake, lake_errors, literal, quote, scan


def rows_digest(lake: Lake, uri: str) -> str:
    """SHA-256 of a Parquet file's rows, independent of their order."""
    with lake.connect() as connection, lake_errors("taking the digest of rows"):
        return hashlib.sha256(json.dumps(row_sums(connection, f"hash(t) AS h FROM {scan(uri)} t")).encode()).hexdigest()


def same_rows(lake: Lake, some: Iterable[str], others: Iterable[str]) -> bool:
    """Whether two sets of Parquet files hold the same rows; a column that a file lacks counts as null.

    False if a file cannot be read.
    """
    connection = lake.connect(memory_limit="512MB")
    try:
        sides = [f"SELECT {side} AS _side, * FROM {_files(uris)}" for side, uris in enumerate((some, others))]
        connection.execute(f"CREATE TEMP VIEW sides AS {' UNION ALL BY NAME '.join(sides)}")
        described = connection.execute("DESCRIBE sides").fetchall()
        columns = ", ".join(quote(name) for name, *_ in described if name != "_side")
        one, other = (row_sums(connection, f"hash({columns}) AS h FROM sides WHERE _side = {side}") for side in (0, 1))
    except duckdb.Error:
        return False
    finally:
        connection.close()
    return one == other


def _files(uris: Iterable[str]) -> str:
    return f"read_parquet([{', '.join(map(literal, uris))}], union_by_name = true, hive_partitioning = false)"


def row_sums(connection: duckdb.DuckDBPyConnection, hashed: str) -> list[object]:
    """Row count, sum and XOR of row hashes; `hashed` is `hash(...) AS h FROM ...`."""
    sums = "count(*), CAST(sum(CAST(h AS HUGEINT)) AS VARCHAR), CAST(bit_xor(h) AS VARCHAR)"
    return [*connection.execute(f"SELECT {sums} FROM (SELECT {hashed})").fetchall()[0]]
