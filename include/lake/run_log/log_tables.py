"""Log tables of runs: a row per run and table in `audit/runs`, a row per rule in `audit/checks`. No values.

Appending is safe from many processes at once, and repeating an append adds nothing: each carries a Delta application
transaction of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, Transaction, write_deltalake

from include.contracts.model import Table
from include.lake.delta import LOG_KEPT, PREFIX, compact, view
from include.lake.run_log.run_row import RECORDED, RUNS, RunRow
from include.lake.storage import Lake, LakeConflict, create_temp_table, lake_errors, retry_on_conflict

_INSTANT = pa.timestamp("us", tz="UTC")
OF_A_RULE = (
    *((name, pa.string()) for name in ("rule_id", "metric", "scope", "severity", "dimension")),
    ("columns", pa.list_(pa.string())),
    ("rows", pa.int64()),
    ("violations", pa.int64()),
)
"""Columns of a counted rule, shared by all log tables of rules."""
CHECKS = pa.schema(
    [
        ("run_id", pa.string()),
        ("registry", pa.string()),
        ("table", pa.string()),
        *OF_A_RULE,
        ("gx_violations", pa.int64()),
        ("at", _INSTANT),
        (RECORDED, pa.int64()),
    ]
)
REFUSALS = ("declined", "timed out")
"""Verdicts of runs that a gate held back and nobody approved."""

_COMPACT_AT = 64
_COMPACT_BYTES = 8 * 1024**2  # greatest file that appends compact; maintenance compacts larger ones


class RuleCounted(Protocol):
    """Protocol of one rule's counts, as the split returns them."""

    @property
    def rule_id(self) -> str: ...
    @property
    def metric(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def dimension(self) -> str: ...
    @property
    def violations(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def columns(self) -> tuple[str, ...]: ...


def append_run(lake: Lake, row: RunRow) -> bool:
    """Append one run of a table; False if it was recorded before.

    Failures of one run are all recorded, any other verdict of it once.
    """
    once = _run_key(str(row.run_id), str(row.registry), str(row.table), str(row.verdict))
    return append(lake, "runs", row.to_arrow(), once=None if row.verdict == "failed" else once)


def is_on_record(lake: Lake, table: Table, run_id: str, verdict: str) -> bool:
    """Whether a run's verdict on a table is recorded, even if the table was retired since."""
    uri = lake.audit_table("runs")
    if not lake.is_table(uri):
        return False
    with lake_errors("reading the run log"):
        return lake.table(uri).transaction_version(_run_key(run_id, table.registry, table.name, verdict)) is not None


class UnchangedExtract(NamedTuple):
    """What a run found nothing to publish in: an extract, judged by a contract upon the commit of `since_run`."""

    registry: str
    table: str
    since_run: str
    contract_digest: str
    extract_digest: str


def unchanged_extracts(lake: Lake) -> frozenset[UnchangedExtract]:
    """The last extract of every table in which a run found nothing to publish."""
    with lake.connect(memory_limit="512MB") as connection, lake_errors("reading the run log"):
        as_view(lake, connection, "runs")
        query = """SELECT registry, "table", same_as_run, contract_digest, extract_digest FROM runs
                   WHERE verdict = 'unchanged'
                   QUALIFY row_number() OVER (PARTITION BY registry, "table" ORDER BY recorded DESC) = 1"""
        return frozenset(UnchangedExtract(*row) for row in connection.execute(query).fetchall())


def verdicts_of_run(lake: Lake, registry: str, run_ids: Sequence[str]) -> dict[str, str]:
    """How far a run came with each table of a registry: published or unchanged, else its last verdict.

    A run of which a part was begun again has several `run_ids`; of a table the last of them counts.
    """
    with lake.connect(memory_limit="512MB") as connection, lake_errors("reading the run log"):
        as_view(lake, connection, "runs")
        query = """SELECT "table", arg_max(verdict, (run_id, verdict IN ('published', 'unchanged'), recorded)) FROM runs
                   WHERE registry = $registry AND list_contains($runs::VARCHAR[], run_id) GROUP BY ALL"""
        return dict(connection.execute(query, {"registry": registry, "runs": [*run_ids]}).fetchall())


def published_slices(lake: Lake, registry: str, run_ids: Sequence[str]) -> dict[str, str]:
    """The tables or slices that a run published, with the stewards who approved; empty where no gate asked."""
    with lake.connect(memory_limit="512MB") as connection, lake_errors("reading the run log"):
        as_view(lake, connection, "runs")
        query = """SELECT "table", max(coalesce(approved_by, '')) FROM runs
                   WHERE registry = $registry AND list_contains($runs::VARCHAR[], run_id) AND verdict = 'published'
                   GROUP BY ALL"""
        return dict(connection.execute(query, {"registry": registry, "runs": [*run_ids]}).fetchall())


def last_deliveries(lake: Lake, registry: str) -> dict[str, datetime]:
    """When each table of a registry was last read with success, also if nothing had changed."""
    with lake.connect(memory_limit="512MB") as connection, lake_errors("reading the run log"):
        as_view(lake, connection, "runs")
        query = """SELECT "table", max(started_at) FROM runs
                   WHERE registry = $registry AND verdict IN ('published', 'unchanged') GROUP BY ALL"""
        return dict(connection.execute(query, {"registry": registry}).fetchall())


def append_checks(
    lake: Lake,
    *,
    registry: str,
    table: str,
    run_id: str,
    at: datetime,
    counts: Sequence[RuleCounted],
    gx_counts: Mapping[str, int],
) -> bool:
    """Append both counts of every rule of a run: the split's, and Great Expectations' by rule id."""
    rows = [
        {
            "run_id": run_id,
            "registry": registry,
            "table": table,
            **counted(count),
            "gx_violations": gx_counts.get(count.rule_id),
            "at": at,
        }
        for count in counts
    ]
    once = _run_key(run_id, registry, table, "checks")
    return append(lake, "checks", pa.Table.from_pylist(rows, CHECKS), once=once)


def counted(count: RuleCounted) -> dict[str, object]:
    """A rule's counts by column name of OF_A_RULE."""
    return {name: getattr(count, name) for name, _ in OF_A_RULE} | {"columns": list(count.columns)}


def read(lake: Lake, name: str) -> pa.Table:
    """All rows of `audit/<name>` with all its columns; an empty table if there are none yet."""
    schema = {"runs": RUNS, "checks": CHECKS}[name]
    uri = lake.audit_table(name)
    if not lake.is_table(uri):
        return schema.empty_table()
    with lake_errors("reading the run log"):
        rows = lake.table(uri).to_pyarrow_table()
    present = set(rows.column_names)
    columns = (rows[f.name] if f.name in present else pa.nulls(rows.num_rows, f.type) for f in schema)
    return pa.table(list(columns), schema.names)


def as_view(lake: Lake, connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Create the view `name` of `audit/<name>` with all current columns, null where old rows lack them."""
    schema = {"runs": RUNS, "checks": CHECKS}[name]
    uri = lake.audit_table(name)
    if not lake.is_table(uri):
        create_temp_table(connection, name, schema.empty_table())
        return
    written, every = f"_{name}_written", f"_{name}_every"
    view(lake, connection, written, uri)
    create_temp_table(connection, every, schema.empty_table())
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS FROM {written} UNION ALL BY NAME FROM {every}")


def append(lake: Lake, name: str, rows: pa.Table, *, once: str | None = None) -> bool:
    """Append rows of one run to `audit/<name>`, creating it if need be; False if `once` names an append made before.

    A lost commit race is retried. Many small files are compacted along the way.
    """
    uri = lake.audit_table(name)
    return retry_on_conflict(lake, uri, lambda: _append_once(lake, uri, rows, once))


def _append_once(lake: Lake, uri: str, rows: pa.Table, once: str | None) -> bool:
    with lake_errors("appending to the run log"):
        current = lake.table(uri) if lake.is_table(uri) else None
        if current is not None and once and current.transaction_version(once) is not None:
            return False
        lake.make_folder(uri)
        write_deltalake(
            current if current is not None else uri,
            _numbered(rows, 0 if current is None else int(current.version()) + 1),
            mode="append" if current is not None else "error",
            schema_mode="merge" if current is not None else None,
            configuration=None if current is not None else LOG_KEPT,
            storage_options=lake.storage_options(),
            commit_properties=CommitProperties(
                custom_metadata={f"{PREFIX}run_id": str(rows["run_id"][0])},
                app_transactions=[Transaction(app_id=once, version=1)] if once else None,
            ),
        )
    if current is not None and len(current.file_uris()) >= _COMPACT_AT:
        _compact(lake, uri)
    return True


def place_of(recorded: int | None) -> int:
    """Sort key of log rows in recording order, from their column RECORDED."""
    return -1 if recorded is None else recorded


def _numbered(rows: pa.Table, version: int) -> pa.Table:
    place = rows.schema.get_field_index(RECORDED)
    numbers = pa.array([version] * rows.num_rows, pa.int64())
    return rows if place < 0 else rows.set_column(place, rows.schema.field(place), numbers)


def _compact(lake: Lake, uri: str) -> None:
    """Compact small files; give up if another writer does."""
    try:
        with lake_errors("compacting the run log"):
            compact(lake.table(uri), small_files=_COMPACT_AT, small_bytes=_COMPACT_BYTES)
    except LakeConflict:
        return


def _run_key(run_id: str, registry: str, table: str, what: str) -> str:
    return f"{run_id}/{registry}.{table}/{what}"
