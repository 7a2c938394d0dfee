"""Close the open rejected rows that a run has dealt with, after its registry commit, in at most one commit.

Only the files that hold such rows are rewritten. A run closes rows of runs that committed before it; a run that loses
the commit race starts over.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, get_args

import duckdb
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.transaction import AddAction, RemoveAction

from include.contracts.model import Table
from include.lake.delta import FILE, PREFIX, StagedFiles, epoch_milliseconds, last_commit, overtaken_by, view_of
from include.lake.rejected.open_rejections import (  # fmt: skip
    LIVES,
    OPEN,
    SUPERSEDED,
    OpenRejections,
    RejectedFile,
    live_rejected_files,
    open_rejections_of,
    runs_that_count,
)
from include.lake.rejected.outcomes import Closing, decide_outcomes
from include.lake.rejected.relations import OPENED, SETTLED
from include.lake.storage import Lake, lake_errors, literal, retry_on_conflict, scan
from include.lake.upsert import Mode

_RECENT_COMMITS = 20
_PARQUET = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE_BYTES '64MB'"


def close_rejected(
    lake: Lake,
    table: Table,
    *,
    run_id: str,
    at: datetime,
    mode: Mode,
    staged: StagedFiles,
    gone: str | None = None,
) -> dict[str, int]:
    """Close the open rejections decided by the run's commit; returns rows by new `_life`. A run closes once.

    A row whose key came again, or without a readable key the very same row, is `superseded` (in a backfill by no older
    version). Of the others none is closed unless it is known to be gone: by a `full` run of a table that reconciles,
    where those with a key are `withdrawn` and those without superseded; by an incremental one, those whose key is in
    `gone` (Parquet of published key columns). In a table without key, each full run supersedes all. `replay`: the
    accepted of its rows are `replayed`, those with a newer published version superseded, and the others stay open with
    their present reasons.

    If the run has not committed to the registry table (another overtook it), the rows it appended are removed.
    """
    finish_closing(lake, table, before_run=run_id)
    closing = Closing(lake, table, run_id, at, mode, staged, gone)
    return retry_on_conflict(lake, closing.uri, lambda: _close(closing))


def restore_rejected(lake: Lake, table: Table, *, run_id: str, at: datetime, undone: Sequence[str]) -> int:
    """After a restore: open are the rows that were open at the restored version, and no others. Once a run.

    `undone` are the runs that committed after that version. What they closed is open again, if it was open then; what
    they rejected, or an undone restore opened, is closed as superseded, and comes again if the source still has it.
    Returns the number of rows opened.
    """
    folder = lake.staging_path(table.registry, table.name, run_id)
    closing = Closing(lake, table, run_id, at, "replay", StagedFiles.below(folder), None)
    return retry_on_conflict(lake, closing.uri, lambda: _restore(closing, undone))


def _restore(closing: Closing, undone: Sequence[str]) -> int:
    lake, table = closing.lake, closing.table
    with (
        open_rejections_of(lake, table, before_run=closing.run_id, with_closed=True) as opened,
        lake_errors(f"opening the rejected rows of {table.qualified_name} again"),
    ):
        if opened is None:
            return 0
        earlier = _closed_before(opened.delta, closing.transaction)
        if earlier is not None:
            return earlier.get(OPEN, 0)
        connection, runs = opened.connection, ", ".join(literal(run_id) for run_id in undone) or "NULL"
        was_open = _was_open(closing, opened, undone) or f"(_run_id IN ({runs})) IS NOT TRUE"
        connection.execute(
            f"CREATE TEMP TABLE {SETTLED} AS SELECT _run_id AS _of_run, _row AS _of_row, _reasons AS _new_reasons, "
            f"CASE WHEN _is_open THEN {literal(SUPERSEDED)} ELSE {literal(OPEN)} END AS _new_life, {FILE} AS _of_file "
            f"FROM (SELECT *, _life = {literal(OPEN)} AS _is_open, {was_open} AS _was_open FROM {OPENED}) "
            f"WHERE CASE WHEN _is_open THEN NOT _was_open ELSE _was_open AND _closed_by IN ({runs}) END"
        )
        rewrites = rewrite_files(closing, opened)
        counted = connection.execute(f"SELECT _new_life, count(*) FROM {SETTLED} GROUP BY 1").fetchall()
        counts = {OPEN: 0} | dict(counted)
        if rewrites:
            commit_rewrites(closing, opened.delta, rewrites, [], counts)
        return counts[OPEN]


def _was_open(closing: Closing, opened: OpenRejections, undone: Sequence[str]) -> str:
    """SQL condition: a row of OPENED was open once the last run that is not undone had closed its rows.

    Read from that version of the table of rejected rows: rows do not tell it, as a run that opens one forgets who had
    closed it. Empty if files of that version are gone.
    """
    lake, table = closing.lake, closing.table

    def stand(run_ids: Iterable[str]) -> set[str]:
        return runs_that_count(lake, table, {*run_ids} - {*undone}, closing.run_id)

    made = ((e.get(f"{PREFIX}run_id"), int(e["version"])) for e in opened.delta.history())
    version = next((version for run_id, version in made if run_id and stand([run_id])), None)
    if version is None:
        return "false"
    former = lake.table(closing.uri, version=version)
    files = [file for file in live_rejected_files(former) if file.may_be_open]
    counting = stand(file.run_id for file in files)
    files = [file for file in files if file.run_id in counting]
    if not all(lake.exists(file.uri) for file in files):
        return ""
    view_of(opened.connection, "former", former, [file.uri for file in files])
    return f"(_run_id, _row) IN (SELECT (_run_id, _row) FROM former WHERE _life = {literal(OPEN)})"


def finish_closing(lake: Lake, table: Table, *, before_run: str | None = None) -> None:
    """Close for runs that were killed between registry commit and closing, from their staged files."""
    uri = lake.registry_table(table.registry, table.name)
    if not lake.is_table(uri) or not lake.is_table(lake.rejected_table(table.registry, table.name)):
        return
    with lake_errors("reading a table's log"):
        recent = lake.table(uri).history(_RECENT_COMMITS)
    for entry in reversed(recent):
        run_id, mode = entry.get(f"{PREFIX}run_id"), entry.get(f"{PREFIX}mode")
        if run_id in (None, before_run) or mode not in get_args(Mode):
            continue
        folder = lake.staging_path(table.registry, table.name, run_id)
        staged, deleted = StagedFiles.below(folder), f"{folder}/gone.parquet"
        if lake.exists(staged.conformed) and lake.exists(staged.faults):
            gone = deleted if mode == "incremental" and lake.exists(deleted) else None
            closing = Closing(lake, table, run_id, datetime.fromisoformat(entry[f"{PREFIX}at"]), mode, staged, gone)
            retry_on_conflict(lake, closing.uri, partial(_close, closing))


def _close(closing: Closing) -> dict[str, int]:
    lake, table = closing.lake, closing.table
    with (
        open_rejections_of(lake, table, before_run=closing.run_id) as opened,
        lake_errors(f"closing the rejected rows of {table.qualified_name}"),
    ):
        if opened is None:
            return {}
        earlier = _closed_before(opened.delta, closing.transaction)
        if earlier is not None:
            return earlier
        has_committed = bool(runs_that_count(lake, table, [closing.run_id]))
        abandoned = _runs_that_cannot_commit(closing, opened.delta, has_committed)
        removals = [file for file in live_rejected_files(opened.delta) if file.run_id in abandoned]
        counts: dict[str, int] = {}
        rewrites: list[tuple[list[RejectedFile], AddAction]] = []
        if has_committed and opened.files:
            counts = decide_outcomes(closing, opened)
            rewrites = rewrite_files(closing, opened)
        if rewrites or removals:
            commit_rewrites(closing, opened.delta, rewrites, removals, counts)
        return counts


def _closed_before(delta: DeltaTable, transaction: str) -> dict[str, int] | None:
    """Rows by new `_life` that this run closed in an earlier attempt; None if it did not."""
    if delta.transaction_version(transaction) is None:
        return None
    entry: dict[str, Any] = next((e for e in delta.history() if e.get(f"{PREFIX}closed_by") == transaction), {})
    return {life: int(entry[f"{PREFIX}{life}"]) for life in LIVES if f"{PREFIX}{life}" in entry}


def _runs_that_cannot_commit(closing: Closing, delta: DeltaTable, has_committed: bool) -> set[str]:
    """Recent runs that have appended rejected rows and can no longer commit.

    Such a run was overtaken by another that read the source and published; or its staging folder, without which it
    cannot commit, is gone.
    """
    lake, table = closing.lake, closing.table
    if not has_committed:
        return {closing.run_id}
    state = last_commit(lake, table)
    recent = {e[f"{PREFIX}run_id"]: e for e in delta.history(_RECENT_COMMITS) if f"{PREFIX}rows" in e}
    found = set()
    for run_id in set(recent) - runs_that_count(lake, table, recent):
        run_metadata = {name: str(value) for name, value in recent[run_id].items() if name.startswith(PREFIX)}
        is_overtaken = overtaken_by(run_metadata, state, mode=run_metadata.get(f"{PREFIX}mode", ""))
        if is_overtaken or not lake.exists(lake.staging_path(table.registry, table.name, run_id)):
            found.add(run_id)
    return found


def rewrite_files(
    closing: Closing, opened: OpenRejections, replaced: str = ""
) -> list[tuple[list[RejectedFile], AddAction]]:
    """Rewrite the files that hold rows of table SETTLED, one new file per run that rejected them.

    `replaced`: SQL of the columns that become others, by a kept row `r` and what SETTLED has of it, `s`; else its life.
    """
    replaced = replaced or _new_lives(closing)
    connection = opened.connection
    touched = {uri for (uri,) in connection.execute(f"SELECT DISTINCT _of_file FROM {SETTLED}").fetchall()}
    by_run: dict[str, list[RejectedFile]] = {}
    for file in opened.files:
        if file.uri in touched:
            by_run.setdefault(file.run_id, []).append(file)
    return [
        (files, _rewrite_run(closing, connection, run_id, files, replaced)) for run_id, files in sorted(by_run.items())
    ]


def _new_lives(closing: Closing) -> str:
    by, at = literal(closing.run_id), f"CAST({literal(closing.at.isoformat())} AS TIMESTAMPTZ)"
    closes = f"s._new_life IS NOT NULL AND s._new_life <> {literal(OPEN)}"
    return f"""
            coalesce(s._new_life, r._life) AS _life,
            CASE WHEN s._new_life = {literal(OPEN)} THEN s._new_reasons ELSE r._reasons END AS _reasons,
            CASE WHEN {closes} THEN {by} WHEN s._new_life IS NULL THEN r._closed_by END AS _closed_by,
            CASE WHEN {closes} THEN {at} WHEN s._new_life IS NULL THEN r._closed_at END AS _closed_at"""


def _rewrite_run(
    closing: Closing, connection: duckdb.DuckDBPyConnection, run_id: str, files: Sequence[RejectedFile], replaced: str
) -> AddAction:
    """Write one new file for the rows of a run, with what table SETTLED has of them; it is not committed here."""
    listed = ", ".join(literal(file.uri) for file in files)
    query = f"""
        SELECT r.* REPLACE ({replaced})
        FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = false) r
        LEFT JOIN (FROM {SETTLED} WHERE _of_run = {literal(run_id)}) s ON s._of_row = r._row"""
    name = f"part-{uuid.uuid4()}.zstd.parquet"
    uri = f"{files[0].uri.rpartition('/')[0]}/{name}"
    connection.execute(f"COPY ({query}) TO {literal(uri)} ({_PARQUET})")
    first, last, rows, without = connection.execute(
        f"SELECT min(_life), max(_life), count(*), count(*) FILTER (_life IS NULL) FROM {scan(uri)}"
    ).fetchall()[0]
    stats = {
        "numRecords": rows,
        "minValues": {"_life": first},
        "maxValues": {"_life": last},
        "nullCount": {"_life": without},
    }
    return AddAction(
        f"{files[0].path.rpartition('/')[0]}/{name}",
        closing.lake.size(uri),
        {"_run_id": run_id},
        epoch_milliseconds(closing.at),
        True,
        json.dumps(stats),
    )


def commit_rewrites(
    closing: Closing,
    delta: DeltaTable,
    rewrites: Sequence[tuple[Sequence[RejectedFile], AddAction]],
    removals: Sequence[RejectedFile] = (),
    counts: Mapping[str, int] | None = None,
) -> None:
    """Replace the rewritten files and remove `removals`, in one commit at the next version or not at all.

    With `counts`, rows by new `_life`, it is the run's closing commit.
    """
    removed = [*removals, *(file for files, _ in rewrites for file in files)]
    instant = epoch_milliseconds(closing.at)
    actions: list[AddAction | RemoveAction] = [
        RemoveAction(file.path, True, instant, file.size, {"_run_id": file.run_id}) for file in removed
    ]
    metadata, marks = {"run_id": closing.run_id}, []
    if counts is not None:
        metadata |= {"closed_by": closing.transaction, **{life: str(rows) for life, rows in counts.items()}}
        marks.append(Transaction(app_id=closing.transaction, version=1))
    delta.create_write_transaction(
        [*actions, *(added for _, added in rewrites)],
        "append",
        delta.schema(),
        partition_by=["_run_id"],
        commit_properties=CommitProperties(
            custom_metadata={PREFIX + name: text for name, text in metadata.items()},
            app_transactions=marks,
            max_commit_retries=0,
        ),
    )
