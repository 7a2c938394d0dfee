"""Loading a registry into MariaDB (or MySQL): tables are filled beside the old ones, then take their names at once."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pymysql

from include.simulator.render import join
from include.simulator.staging import Country, source_tables

BATCH = 100_000


class LocalFilesRefused(Exception):
    """The server does not take rows from a file of the client."""


def connect(uri: str, *, with_database: bool = True) -> pymysql.Connection:
    """A connection by URI: `mysql://user:password@host:port/database` or `...?unix_socket=/path`."""
    parts = urlsplit(uri)
    socket = parse_qs(parts.query).get("unix_socket", [None])[0]
    return pymysql.connect(
        host=parts.hostname or "localhost",
        port=parts.port or 3306,
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""),
        database=parts.path.lstrip("/") if with_database else None,
        unix_socket=socket,
        charset="utf8mb4",
        local_infile=True,
    )


def load_mariadb(country: Country, registry: str, uri: str) -> dict[str, int]:
    """Replaces the registry's tables; creates the database where it is missing.

    Returns rows by published table name.

    Raises:
        LocalFilesRefused: the server runs with local_infile off.
    """
    database = urlsplit(uri).path.lstrip("/")
    with connect(uri, with_database=False) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{database}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    rows, swaps, old = {}, [], []
    with connect(uri) as connection, connection.cursor() as cursor:
        for name, source in source_tables(registry):
            with pq.ParquetFile(country.staged(registry, name)) as file:
                fresh = f"{source.name}__new"
                cursor.execute(f"DROP TABLE IF EXISTS `{fresh}`, `{source.name}__old`")
                columns = ", ".join(f"`{f.name}` {_sql_type(f.type)}" for f in file.schema_arrow)
                keys = ", ".join(f"`{key}`" for key in source.keys)
                cursor.execute(f"CREATE TABLE `{fresh}` ({columns}, INDEX ({keys}))")
                for batch in file.iter_batches(BATCH):
                    _load_batch(cursor, fresh, batch, country.root)
                connection.commit()
                rows[name] = file.metadata.num_rows
            cursor.execute("SHOW TABLES LIKE %s", (source.name,))
            if cursor.fetchone():
                swaps.append(f"`{source.name}` TO `{source.name}__old`")
                old.append(f"`{source.name}__old`")
            swaps.append(f"`{fresh}` TO `{source.name}`")
        cursor.execute("RENAME TABLE " + ", ".join(swaps))
        if old:
            cursor.execute("DROP TABLE " + ", ".join(old))
    return rows


def _load_batch(cursor: pymysql.cursors.Cursor, table: str, batch: pa.RecordBatch, folder: Path) -> None:
    columns = [pc.fill_null(column.cast(pa.string()), "\\N") for column in batch.columns]
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, suffix=".tsv", newline="") as lines:
        lines.write("\n".join(join(*columns, separator="\t").to_pylist()) + "\n")
        lines.flush()
        try:
            cursor.execute(f"LOAD DATA LOCAL INFILE %s INTO TABLE `{table}` CHARACTER SET utf8mb4", (lines.name,))
        except pymysql.err.OperationalError as error:
            if error.args[0] not in (1148, 3948, 4166):
                raise
            raise LocalFilesRefused("start MariaDB with --local-infile=1, or ask its keeper to") from None


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "DATETIME"
    if pa.types.is_date(kind):
        return "DATE"
    if pa.types.is_int64(kind):
        return "BIGINT"
    return "INT" if pa.types.is_integer(kind) else "VARCHAR(255)"
