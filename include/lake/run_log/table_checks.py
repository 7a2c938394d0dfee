"""Evidence of how a table stands: a row per rule in `audit/table_checks` after each run that changed it. No values.

`audit/checks` says what a run found in the rows that it brought; this says what holds for the whole table as the run
left it: its published rows and its open rejections.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import duckdb
import pyarrow as pa

from include.contracts import Table
from include.lake.delta import view
from include.lake.run_log import log_tables
from include.lake.run_log.log_tables import RuleCounted
from include.lake.storage import Lake, create_temp_table, lake_errors

NAME = "table_checks"
CROSS_CHECKS = ("relationship", "rejectedTarget")
"""Metrics of rules across registers; what they count is counted once, of published rows."""
REJECTED_TARGET = ".rejected-target"
"""What the id of a reference has behind it where the row that it leads to is there, but was rejected."""
TABLE_CHECKS = pa.schema(
    [
        ("run_id", pa.string()),
        ("registry", pa.string()),
        ("table", pa.string()),
        ("table_id", pa.string()),
        ("version", pa.int64()),
        ("published_rows", pa.int64()),
        ("open_rows", pa.int64()),
        *log_tables.OF_A_RULE,
        ("at", pa.timestamp("us", tz="UTC")),
    ]
)


def append_table_checks(
    lake: Lake,
    table: Table,
    *,
    run_id: str,
    table_id: str,
    version: int,
    published_rows: int,
    open_rows: int,
    counts: Sequence[RuleCounted],
    at: datetime,
) -> bool:
    """Record how a table stands after a run: of each rule the rows it speaks of and how many break it; once a run.

    Of the rows of one `table_id` (Delta's; a table that was retired and began anew has another) those of the greatest
    version are the newest, whatever the workers' clocks say.
    """
    rows = [
        {
            "run_id": run_id,
            "registry": table.registry,
            "table": table.name,
            "table_id": table_id,
            "version": version,
            "published_rows": published_rows,
            "open_rows": open_rows,
            **log_tables.counted(count),
            "at": at,
        }
        for count in counts
    ]
    return log_tables.append(lake, NAME, pa.Table.from_pylist(rows, TABLE_CHECKS), once=_once(table, run_id))


def view_table_checks(lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
    """Make the view `table_checks` over `audit/table_checks`; without a row if nothing is on record yet."""
    uri = lake.audit_table(NAME)
    if lake.is_table(uri):
        view(lake, connection, NAME, uri)
    else:
        create_temp_table(connection, NAME, TABLE_CHECKS.empty_table())


def has_table_checks(lake: Lake, table: Table, run_id: str) -> bool:
    """Whether it is on record how the table stood after that run."""
    uri = lake.audit_table(NAME)
    if not lake.is_table(uri):
        return False
    with lake_errors("reading the evidence"):
        return lake.table(uri).transaction_version(_once(table, run_id)) is not None


def _once(table: Table, run_id: str) -> str:
    return f"{run_id}/{table.qualified_name}/{NAME}"
