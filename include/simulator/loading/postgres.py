"""Loading a registry into PostgreSQL: a database of its own, plain tables without a primary key, COPY.

Real registries hold the same key twice; a primary key would hide that, so the key columns only have an index.
"""

from __future__ import annotations

import io
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql
from pyarrow import csv

from include.simulator.staging import Country, source_tables

BATCH = 50_000
_OPTIONS = csv.WriteOptions(include_header=False, quoting_style="all_valid")


def plain_uri(uri: str) -> str:
    """The URI as libpq reads it: no SQLAlchemy driver, no Airflow scheme."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(scheme="postgresql"))


def load_postgres(country: Country, registry: str, uri: str) -> dict[str, int]:
    """Replaces the registry's tables in one transaction; creates the database where it is missing.

    Returns rows by published table name.
    """
    _create_database(plain_uri(uri))
    rows = {}
    with psycopg.connect(plain_uri(uri)) as connection, connection.cursor() as cursor:
        for name, source in source_tables(registry):
            with pq.ParquetFile(country.staged(registry, name)) as file:
                table = sql.Identifier(source.name)
                cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
                cursor.execute(_create_table(source.name, file.schema_arrow))
                with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(table)) as copy:
                    for batch in file.iter_batches(BATCH):
                        buffer = io.BytesIO()
                        csv.write_csv(batch, buffer, _OPTIONS)
                        copy.write(buffer.getbuffer())
                keys = sql.SQL(", ").join(map(sql.Identifier, source.keys))
                cursor.execute(sql.SQL("CREATE INDEX ON {} ({})").format(table, keys))
                rows[name] = file.metadata.num_rows
    return rows


def _create_table(name: str, schema: pa.Schema) -> sql.Composed:
    columns = [sql.SQL("{} {}").format(sql.Identifier(f.name), sql.SQL(_sql_type(f.type))) for f in schema]
    return sql.SQL("CREATE TABLE {} ({})").format(sql.Identifier(name), sql.SQL(", ").join(columns))


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "timestamp without time zone"
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_int64(kind):
        return "bigint"
    return "integer" if pa.types.is_integer(kind) else "text"


def _create_database(uri: str) -> None:
    parts = urlsplit(uri)
    name = parts.path.lstrip("/")
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if not found:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
