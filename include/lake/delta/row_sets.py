"""Equality of row sets regardless of order and files, by DuckDB's hash of each row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

import duckdb

from include.lake.storage import Lake, lake_errors, literal, quote, scan


def rows_digest(lake: Lake, uri: str) -> str:
    """SHA-256 of a Parquet file's rows, independent of their order."""
    with lake.connect() as connection, lake_errors("taking the digest of rows"):
        return hashlib.sha256(json.dumps(row_sums(connection, f"hash(t) AS h FROM {scan(uri)} t")).encode()).hexdigest()


def same_rows(lake: Lake, some: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two sets of Parquet files hold the same rows; a column that a file lacks counts as null.

    Columns are the same by their exact name and type, floats by their sign too. False if a file cannot be read.
    """
    try:
        with lake.connect(memory_limit="512MB") as connection:
            types: dict[str, str] = {}
            for uri in (*some, *others):
                for name, sql_type, *_ in connection.execute(f"DESCRIBE FROM {_files([uri])}").fetchall():
                    if types.setdefault(name, sql_type) != sql_type:
                        return False
            if len({name.lower() for name in types}) < len(types):
                return False
            one, other = (_sums(connection, uris, types) for uris in (some, others))
    except duckdb.Error:
        return False
    return one == other


def _sums(connection: duckdb.DuckDBPyConnection, uris: Sequence[str], types: Mapping[str, str]) -> list[object]:
    if not uris:
        return row_sums(connection, "0 AS h WHERE false")
    had = {name for name, *_ in connection.execute(f"DESCRIBE FROM {_files(uris)}").fetchall()}
    # A null of its type: DuckDB hashes that of a list otherwise than one without a type.
    cells = [
        _bits(quote(name) if name in had else f"CAST(NULL AS {sql_type})", sql_type) for name, sql_type in types.items()
    ]
    return row_sums(connection, f"hash({', '.join(cells)}) AS h FROM {_files(uris)}")


def _bits(value: str, sql_type: str) -> str:
    """A value for the hash, as text if it holds floats: DuckDB hashes 0.0 and -0.0 alike."""
    has_floats = "DOUBLE" in sql_type or "FLOAT" in sql_type
    return f"CAST({value} AS VARCHAR)" if has_floats else f"CAST({value} AS {sql_type})"


def _files(uris: Iterable[str]) -> str:
    return f"read_parquet([{', '.join(map(literal, uris))}], union_by_name = true, hive_partitioning = false)"


def row_sums(connection: duckdb.DuckDBPyConnection, hashed: str) -> list[object]:
    """Row count, sum and XOR of row hashes; `hashed` is `hash(...) AS h FROM ...`."""
    sums = "count(*), CAST(sum(CAST(h AS HUGEINT)) AS VARCHAR), CAST(bit_xor(h) AS VARCHAR)"
    return [*connection.execute(f"SELECT {sums} FROM (SELECT {hashed})").fetchall()[0]]
