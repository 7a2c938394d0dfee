"""Loading a registry into a SQLite file, which is made beside the old one and then takes its place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.simulator.staging import Country, source_tables

BATCH = 50_000


def sqlite_path(uri: str) -> Path:
    """The file of `sqlite:///relative` or `sqlite:////absolute`."""
    return Path(unquote(urlsplit(uri).path.removeprefix("/")))


def load_sqlite(country: Country, registry: str, uri: str) -> dict[str, int]:
    """Writes the file anew; dates and times become text (`YYYY-MM-DD`, `YYYY-MM-DD HH:MM:SS`).

    Returns rows by published table name.
    """
    path = sqlite_path(uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    rows = {}
    connection = sqlite3.connect(partial, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for name, source in source_tables(registry):
            with pq.ParquetFile(country.staged(registry, name)) as file:
                columns = ", ".join(f'"{f.name}" {_sql_type(f.type)}' for f in file.schema_arrow)
                connection.execute(f'CREATE TABLE "{source.name}" ({columns})')
                marks = ", ".join("?" * len(file.schema_arrow))
                statement = f'INSERT INTO "{source.name}" VALUES ({marks})'
                for batch in file.iter_batches(BATCH):
                    connection.executemany(statement, _rows(batch))
                keys = ", ".join(f'"{key}"' for key in source.keys)
                connection.execute(f'CREATE INDEX "{source.name}_key" ON "{source.name}" ({keys})')
                rows[name] = file.metadata.num_rows
        connection.execute("COMMIT")
    finally:
        connection.close()
    partial.replace(path)
    return rows


def _sql_type(kind: pa.DataType) -> str:
    return "INTEGER" if pa.types.is_integer(kind) else "TEXT"


def _rows(batch: pa.RecordBatch) -> Iterable[tuple[object, ...]]:
    columns = []
    for column in batch.columns:
        if pa.types.is_timestamp(column.type):
            column = pc.utf8_slice_codeunits(column.cast(pa.string()), 0, 19)
        elif pa.types.is_date(column.type):
            column = column.cast(pa.string())
        columns.append(column.to_numpy(zero_copy_only=False).tolist() if not column.null_count else column.to_pylist())
    return zip(*columns, strict=True)
