"""Extract by a source's change log: the log says which keys changed, the rows are read from the table.

So every value takes the way that it takes in any other run, and a key of the log that the table no longer has is a
deleted row. The log is opened before the snapshot of the source and read after it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from include.contracts.model import Contract, Table
from include.lake.delta import RunCommit, listed
from include.lake.storage import lake_errors, literal, quote, scan
from include.pipelines.context import PipelineContext
from include.pipelines.sync.read_plan import Plan
from include.quality.conversion import conform_keys
from include.sources.change_log import (
    MEGABYTE,
    ChangeLog,
    ChangeLogLost,
    ChangeLogRefused,
    ChangePosition,
    TouchedKeys,
    open_change_log,
)
from include.sources.landing import Extract, Landed, Source
from include.sources.open_object import ReadRequest

# Rows read by their keys; with more, and more than this share of the published rows, the whole table is read.
MOST_CHANGED_ROWS, MOST_CHANGED_SHARE = 200_000, 0.03
_KEYS_MEMORY = "900MB"
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_KEY_TYPES = (*_INTEGERS, "VARCHAR", "DATE", "TIMESTAMP", "DECIMAL", "UUID")


@contextmanager
def change_log_of(
    context: PipelineContext, contract: Contract, table: Table, plan: Plan, state: RunCommit | None, at: datetime
) -> Iterator[ChangeLog | None]:
    """The table's change log, from the last commit's position on or begun anew; None if this run does not need one.

    Raises:
        ChangeLogLost: it does not lead from that position to the present.
        ChangeLogRefused: the source has none, or does not log the table as needed.
    """
    if not table.extract.reads_change_log or plan.mode == "backfill":
        yield None
        return
    since = _position_of(state) if plan.mode == "incremental" else None
    with open_change_log(
        contract, table, lake_uri=context.lake.uri, environ=context.environ, since=since, at=at
    ) as log:
        yield log


def land_changed_rows(
    context: PipelineContext,
    table: Table,
    source: Source,
    log: ChangeLog,
    plan: Plan,
    run_id: str,
    uri: str,
    *,
    published_rows: int,
) -> tuple[Landed, Plan, str | None]:
    """Land the rows whose keys the log names: the rows, the plan with its reason, and the URI of deleted keys.

    Raises:
        ChangeLogLost: the changed rows cannot be told by the log, or are too many to be read by their keys.
    """
    if source.anew:
        raise ChangeLogLost(source.anew)
    kinds = {name: (landed, kind) for name, landed, kind in source.types_as_landed(log.columns)}
    types = [kinds[column] for column in log.columns]
    for column, (_, kind) in zip(log.columns, types, strict=True):
        if not kind.startswith(_KEY_TYPES):
            raise ChangeLogRefused(
                f"{table.qualified_name}: the key column {column} has a type whose values the log writes otherwise "
                "than the table: leave `changes: log` out of the contract"
            )
    folder = context.lake.staging_path(table.registry, table.name, run_id)
    context.lake.make_folder(folder)
    touched = f"{folder}/touched-keys.parquet"
    context.lake.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lienthong-log-", dir=context.lake.scratch) as scratch:
        file = Path(scratch) / "keys.parquet"
        with TouchedKeys.writing(file, [landed for landed, _ in types]) as keys:
            log.read(source.snapshot, keys)
        most = max(MOST_CHANGED_ROWS, int(published_rows * MOST_CHANGED_SHARE))
        wanted = _distinct_keys(context, file, types, touched, most=most) if keys.rows else ()
    landed = source.land(uri, ReadRequest(keys=wanted, only_keys=True))
    gone = _gone(context, table, touched, landed.uri, folder) if wanted else None
    kept = f"; the source kept {log.kept_bytes / MEGABYTE:,.1f} MB of it" if log.kept_bytes >= MEGABYTE else ""
    why = f"{plan.why}: {len(wanted):,} keys{kept}{f'; {log.note}' if log.note else ''}"
    return landed, replace(plan, why=why), gone if table.extract.deletes == "reconcile" else None


def with_position(
    context: PipelineContext, table: Table, log: ChangeLog, extracted: Extract, state: RunCommit | None, plan: Plan
) -> tuple[Extract, Plan]:
    """The extract with the log's position to commit, and the plan, which says why if there is none.

    In the log, rows are known by their keys as the source has them; so a table has a position as long as all its keys
    are published as they were received.
    """
    position, note = log.position, log.note if plan.mode == "full" else ""
    if plan.mode == "full" and position is not None:
        folder = context.lake.staging_path(table.registry, table.name, extracted.run_id)
        context.lake.make_folder(folder)
        keys = _published_keys(context, table, extracted.uri, f"{folder}/all-keys.parquet")
        if _is_any(context, keys, f"_raw_key IS NOT NULL AND NOT ({_without_key(table)})"):
            note = (
                "the source's log cannot be followed while a key is published otherwise than it was received (with "
                "blanks around it, say): the next run reads the whole table too"
            )
            position = None
    plan = replace(plan, why=f"{plan.why}; {note}") if note else plan
    if position is None:
        return extracted, plan
    since = _position_of(state) if plan.mode == "incremental" else None
    moves = since is None or position.is_far_from(since)
    since_text = since.to_json() if since else ""
    return replace(extracted, change_position=position.to_json(), change_since=since_text, moves_log=moves), plan


def _position_of(state: RunCommit | None) -> ChangePosition | None:
    text = state.metadata.get("change_position", "") if state else ""
    return ChangePosition.from_json(text) if text else None


def _distinct_keys(
    context: PipelineContext, file: Path, types: list[tuple[str, str]], uri: str, *, most: int
) -> tuple[tuple[object, ...], ...]:
    """The different keys, as values to read rows by; written to `uri` in the types in which rows land."""
    names = [quote(landed) for landed, _ in types]
    typed = [f"TRY_CAST({name} AS {kind}) AS {name}" for name, (_, kind) in zip(names, types, strict=True)]
    integers = [kind in _INTEGERS for _, kind in types]
    with context.lake.connect(memory_limit=_KEYS_MEMORY) as connection, lake_errors("reading the keys of a log"):
        connection.execute(f"CREATE TEMP TABLE touched AS SELECT DISTINCT * FROM read_parquet({literal(str(file))})")
        connection.execute(f"COPY (SELECT {', '.join(typed)} FROM touched) TO {literal(uri)} (FORMAT parquet)")
        unread = " OR ".join(f"{name} IS NULL" for name in names)
        if connection.execute(f"FROM {scan(uri)} WHERE {unread} LIMIT 1").fetchall():
            raise ChangeLogLost("a key in the log is no value of its column's type")
        rows = connection.execute(f"FROM touched LIMIT {most + 1}").fetchall()
    if len(rows) > most:
        raise ChangeLogLost(f"more than {most:,} rows changed")
    return tuple(
        tuple(int(value) if is_integer else value for value, is_integer in zip(row, integers, strict=True))
        for row in rows
    )


def _gone(context: PipelineContext, table: Table, touched_uri: str, landed_uri: str, folder: str) -> str | None:
    """URI of the published keys that the log names and the table does not hold; None if it holds all."""
    touched = _published_keys(context, table, touched_uri, f"{folder}/touched-conformed.parquet")
    received = _published_keys(context, table, landed_uri, f"{folder}/received-keys.parquet")
    for keys in (touched, received):
        if _is_any(context, keys, f"_raw_key IS NOT NULL OR {_without_key(table)}"):
            raise ChangeLogLost("the key of a changed row is published otherwise than it was received, or not at all")
    uri, names = f"{folder}/gone.parquet", listed(table.primary_key)
    with context.lake.connect(memory_limit=_KEYS_MEMORY) as connection, lake_errors("comparing the keys of a log"):
        unasked = f"SELECT {names} FROM {scan(received)} r ANTI JOIN {scan(touched)} t USING ({names}) LIMIT 1"
        if connection.execute(unasked).fetchall():  # no deleted row could be told from one that is there
            raise ChangeLogLost("the log writes the keys of changed rows otherwise than the table")
        row = connection.execute(
            f"COPY (SELECT DISTINCT {names} FROM {scan(touched)} t ANTI JOIN {scan(received)} r USING ({names})) "
            f"TO {literal(uri)} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
    return uri if row and row[0] else None


def _published_keys(context: PipelineContext, table: Table, keys_uri: str, uri: str) -> str:
    """The published key of every row of a landed file."""
    return conform_keys(context.lake, table, context.schemas, table.primary_key, keys_uri, uri)


def _is_any(context: PipelineContext, uri: str, condition: str) -> bool:
    with context.lake.connect() as connection, lake_errors("comparing the keys of a log"):
        return bool(connection.execute(f"FROM {scan(uri)} WHERE {condition} LIMIT 1").fetchall())


def _without_key(table: Table) -> str:
    return " OR ".join(f"{quote(name)} IS NULL" for name in table.primary_key)
