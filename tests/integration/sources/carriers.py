"""One row of values put into every kind of source, each in the type that the source has for it."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import openpyxl
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pymysql

Value = bool | int | Decimal | float | str | dt.date | dt.datetime | dt.time | bytes
NAME = "t"


def names(values: Sequence[Value]) -> list[str]:
    """Column names: c0, c1, ..."""
    return [f"c{n}" for n in range(len(values))]


def text(value: Value) -> str:
    """As a file without types writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def scale_of(value: Decimal) -> int:
    """Digits behind the point."""
    return max(0, -int(value.as_tuple().exponent))


def postgres_type(value: Value) -> str:
    """The type of a PostgreSQL column that holds the value, and little more."""
    if isinstance(value, dt.datetime):
        return "timestamptz" if value.tzinfo else "timestamp"
    if isinstance(value, Decimal):
        return f"numeric({max(len(value.as_tuple().digits), scale_of(value))}, {scale_of(value)})"
    if isinstance(value, bool | int):
        is_wide = not isinstance(value, bool) and abs(value) >= 2**63
        return "boolean" if isinstance(value, bool) else "numeric(20, 0)" if is_wide else "bigint"
    kinds = {float: "double precision", str: "text", dt.date: "date", dt.time: "time", bytes: "bytea"}
    return kinds[type(value)]


def into_postgres(connection: psycopg.Connection, values: Sequence[Value]) -> None:
    """A table `t` of one row."""
    columns = ", ".join(f"{name} {postgres_type(value)}" for name, value in zip(names(values), values, strict=True))
    connection.execute(f"DROP TABLE IF EXISTS {NAME}")
    connection.execute(f"CREATE TABLE {NAME} ({columns})")
    connection.execute("SET TimeZone = 'UTC'")
    literals = ", ".join(f"CAST(%s AS {postgres_type(value)})" for value in values)
    connection.execute(
        f"INSERT INTO {NAME} VALUES ({literals})", [v if isinstance(v, bytes) else text(v) for v in values]
    )


def mariadb_type(value: Value) -> str | None:
    """As of PostgreSQL; None for what MariaDB has no type for."""
    if isinstance(value, bool):
        return None
    if isinstance(value, dt.datetime):
        if value.tzinfo:
            return "timestamp(6) NULL" if 1970 < value.year < 2038 else None
        return "datetime(6)"
    if isinstance(value, int):
        return "bigint unsigned" if value >= 2**63 else "bigint"
    if isinstance(value, Decimal):
        return f"decimal({max(len(value.as_tuple().digits), scale_of(value))}, {scale_of(value)})"
    return {float: "double", str: "text", dt.date: "date", dt.time: "time(6)", bytes: "blob"}[type(value)]


def into_mariadb(cursor: pymysql.cursors.Cursor, values: Sequence[Value]) -> list[str]:
    """A table `t` of one row; returns the columns that it has."""
    cursor.execute(f"DROP TABLE IF EXISTS {NAME}")
    kept = [(n, v, kind) for n, v in zip(names(values), values, strict=True) if (kind := mariadb_type(v))]
    cursor.execute(f"CREATE TABLE {NAME} ({', '.join(f'{name} {kind}' for name, _, kind in kept)})")
    cursor.execute("SET time_zone = '+00:00', sql_mode = ''")
    given = [v.replace(tzinfo=None) if isinstance(v, dt.datetime) else v for _, v, _ in kept]
    cursor.execute(f"INSERT INTO {NAME} VALUES ({', '.join(['%s'] * len(kept))})", given)
    return [name for name, _, _ in kept]


def into_sqlite(path: Path, values: Sequence[Value]) -> None:
    """A table `t` of one row in a new file; what SQLite has no type for is text."""
    given = [v if isinstance(v, float | bytes) or (type(v) is int and abs(v) < 2**63) else text(v) for v in values]
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(f"CREATE TABLE {NAME} ({', '.join(names(values))})")
        file.execute(f"INSERT INTO {NAME} VALUES ({', '.join('?' * len(values))})", given)


def into_csv(path: Path, values: Sequence[Value]) -> None:
    """A header and a line."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([names(values), [text(v) for v in values]])


def into_json_lines(path: Path, values: Sequence[Value]) -> None:
    """One object; numbers as they are written."""
    bare = (bool, int, float, Decimal)
    parts = [
        f'"{n}": {text(v) if isinstance(v, bare) else json.dumps(text(v))}'
        for n, v in zip(names(values), values, strict=True)
    ]
    path.write_text("{" + ", ".join(parts) + "}\n", encoding="utf-8")


def into_workbook(path: Path, values: Sequence[Value]) -> None:
    """A header and a row; what Excel cannot hold exactly is text."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(names(values))
    sheet.append([v if _is_cell(v) else text(v) for v in values])
    for column, value in enumerate(values, start=1):
        if not _is_cell(value):
            sheet.cell(2, column).data_type = "s"
    book.save(path)


def _is_cell(value: Value) -> bool:
    if isinstance(value, dt.datetime):
        return value.tzinfo is None and 1901 <= value.year <= 9999 and not value.microsecond
    if isinstance(value, dt.date):
        return 1901 <= value.year <= 9999
    return isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 10**15)


def into_parquet(path: Path, values: Sequence[Value]) -> None:
    """A file of one row, typed."""
    arrays = [pa.array([v], _arrow(v)) for v in values]
    pq.write_table(pa.table(arrays, names=names(values)), path)


def _arrow(value: Value) -> pa.DataType:
    if isinstance(value, dt.datetime):
        return pa.timestamp("us", "UTC" if value.tzinfo else None)
    if isinstance(value, Decimal):
        return pa.decimal128(38, scale_of(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return pa.uint64() if value >= 2**63 else pa.int64()
    kinds = {
        bool: pa.bool_(),
        float: pa.float64(),
        str: pa.string(),
        dt.date: pa.date32(),
        dt.time: pa.time64("us"),
        bytes: pa.binary(),
    }
    return kinds[type(value)]
