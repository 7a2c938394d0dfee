"""A published table whose one file is replaced by another: other writers' files, and damaged ones."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from shutil import copytree
from tempfile import mkdtemp
from typing import Any

import duckdb
import pyarrow as pa

from include.lake.storage import Lake
from tests.once import VARIABLE
from tests.unit.lake.staging import column, contract_table, run

TABLE = contract_table(
    column("k", key=1),
    column("n", "BIGINT"),
    column("small", "SMALLINT"),
    column("d", "DATE"),
    column("at", "TIMESTAMPTZ"),
    column("x", "DOUBLE"),
    column("amount", "DECIMAL(18,2)"),
    column("yes", "BOOLEAN"),
    column("t"),
    name="foreign",
)
NAMES = tuple(c.name for c in TABLE.columns)
PATH = "registry/population/foreign"
Row = tuple[Any, ...]


def row(number: int) -> Row:
    """The n-th row; every fifth has no values."""
    if number % 5 == 4:
        return (f"k{number:02}", *[None] * (len(NAMES) - 1))
    return (
        f"k{number:02}", number, number - 9, date(2020, 1, 1) + timedelta(number),
        datetime(2026, 1, 1, number, tzinfo=UTC), number / 3, Decimal(number) / 4, number % 2 == 0,
        f"text {number % 3}",
    )  # fmt: skip


ROWS = [row(number) for number in range(20)]


def lake_with(folder: Path, rewrite: Callable[[pa.Table], bytes]) -> Lake:
    """A lake with the table; its one file is what `rewrite` makes of the rows in it."""
    made, rows = _published()
    copytree(made, folder / "lake")
    lake = lake_in(folder)
    replace_file(lake, rewrite(rows))
    return lake


def lake_in(folder: Path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "scratch")})


@cache
def _published() -> tuple[Path, pa.Table]:
    """A folder with the lake that every test begins with, made once, and the rows in the table's file."""
    folder = Path(mkdtemp(dir=os.environ[VARIABLE]))
    lake = lake_in(folder)
    run(lake, TABLE, 1, ROWS)
    (uri,) = lake.table(PATH).file_uris()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.execute(f"FROM read_parquet('{uri}', hive_partitioning = false) ORDER BY k").to_arrow_table()
    return Path(lake.uri), rows


def replace_file(lake: Lake, content: bytes) -> None:
    """Put other bytes where the table's one file is; the log says their size."""
    (uri,) = lake.table(PATH).file_uris()
    Path(uri).write_bytes(content)
    log = Path(lake.path(PATH)) / "_delta_log" / f"{0:020d}.json"
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    for action in actions:
        if "add" in action:
            action["add"]["size"] = len(content)
    log.write_text("".join(json.dumps(action) + "\n" for action in actions))


def by_duckdb(uris: list[str]) -> list[Row]:
    """The rows in files, sorted by key."""
    files = ", ".join(f"'{uri}'" for uri in uris)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = f"FROM read_parquet([{files}], union_by_name = true, hive_partitioning = false)"
        names = ", ".join(f'CAST("{c.name}" AS {c.sql_type})' for c in TABLE.columns)
        return sorted(connection.execute(f"SELECT {names} {rows}").fetchall(), key=repr)


def by_arrow(lake: Lake) -> list[Row]:
    """The rows of the table as it is published, sorted by key."""
    rows = pa.table(lake.table(PATH).to_pyarrow_table()).to_pylist()
    return sorted((tuple(r[name] for name in NAMES) for r in rows), key=repr)
