"""Log of table quality: a row per rule in `audit/table_checks` after each run that changed a table. No values.

`audit/checks` counts the rows that a run received; this log counts the whole table after the run: its published rows
and its open rejections.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import duckdb
import pyarrow as pa

from include.contracts.model import Table
from include.lake.delta import view
from include.lake.run_log import log_tables
from include.lake.run_log.log_tables import RuleCounted
from include.lake.storage import Lake, create_temp_table, lake_errors

NAME = "table_checks"
CROSS_CHECKS = ("relationship", "rejectedTarget")
"""Metrics of rules across registries, counted over published rows only."""
REJECTED_TARGET = ".rejected-target"
"""Suffix of the rule id of a reference whose target row exists but was rejected."""
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
    """Append, once a run, each rule's row count and failures over the whole table.

    The newest rows of a `table_id` (Delta's; a retired and recreated table has another) are those of its greatest
    version, regardless of the workers' clocks.
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
    """Create the view `table_checks` over `audit/table_checks`; empty if nothing is recorded yet."""
    uri = lake.audit_table(NAME)
    if lake.is_table(uri):
        view(lake, connection, NAME, uri)
    else:
        create_temp_table(connection, NAME, TABLE_CHECKS.empty_table())


def has_table_checks(lake: Lake, table: Table, run_id: str) -> bool:
    """Whether table quality after that run is recorded."""
    uri = lake.audit_table(NAME)
    if not lake.is_table(uri):
        return False
    with lake_errors("reading the run log"):
        return lake.table(uri).transaction_version(_once(table, run_id)) is not None


def _once(table: Table, run_id: str) -> str:
    return f"{run_id}/{table.qualified_name}/{NAME}"
