"""Source to one zstd Parquet file, by what users would pick instead. The clock starts when the libraries are loaded."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

CHUNK = 100_000
QUERY = "SELECT * FROM payments"


def with_pandas(uri: str, folder: str) -> dict[str, Any]:
    """`read_sql` (or `read_csv`) in chunks, `to_parquet`'s writer."""
    import pandas as pd
    import sqlalchemy as sa

    def frames() -> Iterable[pd.DataFrame]:
        if uri.startswith("file:"):
            types = {"person_id": str, "ward_code": str}
            yield from pd.read_csv(urlsplit(uri).path, chunksize=CHUNK, dtype=types)
            return
        with sa.create_engine(_driver(uri)).connect().execution_options(stream_results=True) as connection:
            yield from pd.read_sql(sa.text(QUERY), connection, chunksize=CHUNK)

    started = time.perf_counter()
    rows = _write((pa.Table.from_pandas(frame, preserve_index=False) for frame in frames()), folder)
    return {"seconds": time.perf_counter() - started, "rows": rows}


def with_sqlalchemy(uri: str, folder: str) -> dict[str, Any]:
    """Rows by a server-side cursor, columns by pyarrow."""
    import sqlalchemy as sa

    def tables() -> Iterable[pa.Table]:
        with sa.create_engine(_driver(uri)).connect().execution_options(stream_results=True) as connection:
            result = connection.execute(sa.text(QUERY))
            names = list(result.keys())
            for part in result.partitions(CHUNK):
                yield pa.table(dict(zip(names, (pa.array(values) for values in zip(*part, strict=True)), strict=True)))

    started = time.perf_counter()
    rows = _write(tables(), folder)
    return {"seconds": time.perf_counter() - started, "rows": rows}


def with_connectorx(uri: str, folder: str) -> dict[str, Any]:
    """`read_sql` to Arrow, whole, as ConnectorX does."""
    import connectorx as cx

    started = time.perf_counter()
    rows = _write([cx.read_sql(uri, QUERY, return_type="arrow")], folder)
    return {"seconds": time.perf_counter() - started, "rows": rows}


def with_adbc(uri: str, folder: str) -> dict[str, Any]:
    """Arrow batches from PostgreSQL's COPY."""
    from adbc_driver_postgresql import dbapi

    started = time.perf_counter()
    with dbapi.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute(QUERY)
        batches = cursor.fetch_record_batch()
        rows = _write((pa.Table.from_batches([batch]) for batch in batches), folder)
    return {"seconds": time.perf_counter() - started, "rows": rows}


def with_dlt(uri: str, folder: str, backend: str = "sqlalchemy", table_format: str = "") -> dict[str, Any]:
    """`sql_table` to the filesystem destination, as Parquet files or as a Delta table."""
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
    import dlt
    from dlt.sources.sql_database import sql_table

    credentials = uri.replace("postgresql://", "postgresql+psycopg2://", 1) if backend != "connectorx" else uri
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=f"{folder}/pipelines",
        destination=dlt.destinations.filesystem(f"file://{folder}/lake"),
        dataset_name="bench",
    )
    started = time.perf_counter()
    source = sql_table(credentials=credentials, table="payments", backend=backend, chunk_size=CHUNK)
    how = {"table_format": table_format} if table_format else {"loader_file_format": "parquet"}
    pipeline.run(source, write_disposition="replace", **how)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "rows": pipeline.last_trace.last_normalize_info.row_counts["payments"]}


def _write(tables: Iterable[pa.Table], folder: str) -> int:
    writer, rows = None, 0
    for table in tables:
        writer = writer or pq.ParquetWriter(f"{folder}/extract.parquet", table.schema, compression="zstd")
        writer.write_table(table.cast(writer.schema))
        rows += table.num_rows
    if writer is not None:
        writer.close()
    return rows


def _driver(uri: str) -> str:
    for plain, driver in (("postgresql:", "postgresql+psycopg:"), ("mysql:", "mysql+pymysql:")):
        uri = uri.replace(plain, driver, 1)
    return uri
