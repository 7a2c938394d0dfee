"""Publish a table: the accepted rows become its current content, in one Delta commit that carries the run.

Readers see the content before the run or after it, never between. A run that has committed is not applied twice: its
commit holds the run's id as a Delta application transaction, so a repetition returns the result of that commit.
Concurrency is optimistic: a writer that loses the commit race computes the change set anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from deltalake import CommitProperties, DeltaTable

from include.cluster import Spark
from include.contracts.model import Table
from include.lake import upsert
from include.lake.delta import (
    RunCommit,
    StagedFiles,
    carry_over,
    commit_of_run,
    commit_properties,
    compact,
    evolve,
    greater_cursor,
    last_run_commit,
    live_files,
    overtaken_by,
    table_schema_of,
)
from include.lake.incremental import STORED_CHECKSUM, PendingCommit, checksum_after_commit
from include.lake.publishing.other_servers import ensure_nowhere_else
from include.lake.publishing.rule_counts import RULE_COUNTS, counts_after_commit
from include.lake.storage import Lake, LakeConflict, LakeOutdated, lake_errors, retry_on_conflict, slice_of
from include.lake.upsert import KEY_FIGURE, MERGE_ROWS, Changes, Judgement, Mode, Writing, find_changes, key_text

# delta-rs writes every row group of every file anew: measured, 1 % of 20,000,000 rows changed at random, 11 s to 2 s.
# So it merges into small tables; the files of others are patched (see file_rewrite.py).
MERGE_BYTES = 32 * 1024**2
MERGE_TABLE_BYTES = 64 * 1024**2
_MANY_FILES = 48


@dataclass(frozen=True, slots=True)
class PublishedCommit:
    """Result of publishing a run. `is_new` is False when nothing was written now.

    Either the run had committed before, or `overtaken_by` names a run that has published since this one began to read.
    """

    version: int
    inserted: int
    updated: int
    deleted: int
    retained: int
    live_rows: int
    is_new: bool
    overtaken_by: str = ""


def publish(
    lake: Lake,
    table: Table,
    *,
    run_id: str,
    at: datetime,
    staged: StagedFiles,
    metadata: Mapping[str, str],
    mode: Mode = "full",
    gone: str | None = None,
    judgement: Judgement | None = None,
    spark: Spark | None = None,
) -> PublishedCommit:
    """Publish the accepted staged rows in one commit; none if the run committed before or was overtaken.

    `full`: a key that the extract does not hold leaves the table if the contract says `deletes: reconcile`; a key whose
    new row was rejected keeps its last accepted version (`retained`). `incremental`: only the keys of `gone` leave, the
    others stay as they are. `backfill`, `replay`: no key leaves, and a row that is published in a newer version (by the
    contract's cursor) stays. In every mode a row for which the contract's `deletedWhen` is TRUE leaves. The change feed
    keeps the last values of what left. A table without a primary key is replaced as a whole, or added to by a replay.

    Args:
        lake: where to.
        table: the contract's table.
        run_id: the run; a run commits once.
        at: the run's instant, for the commit.
        staged: files of the split.
        metadata: commit metadata, each key stored with the prefix `lienthong.`: contract_version, contract_digest,
            the split's counts, and of the source: cursor, since, snapshot_at, table_digest, extract_digest,
            source_columns; and `began_upon`, the value of `reader_of` when the run began.
        mode: which part of the source was read.
        gone: URI of a Parquet with the keys deleted at the source; in an incremental run only.
        judgement: of rows that stay, if the contract changed; without it they keep their `_warnings`.
        spark: the cluster whose workers compare rows and write files of a large table; this machine unless given.

    Raises:
        ClusterUnusable: the cluster cannot do its part.
        LakeSchemaConflict: the published columns cannot become the contract's.
        LakeKeyBroken: accepted rows without a key, or with the same.
        LakeOutdated: the table was restored to a version before the one this run began to read from.
        LakeConflict: other writers won every commit meanwhile.
        LakeError: the lake is full, denied or unreachable.
    """
    if not table.primary_key and mode in ("incremental", "backfill"):
        raise ValueError(f"{table.qualified_name} has no primary key: a run of mode {mode} cannot find its rows again")
    if gone is not None and mode != "incremental":
        raise ValueError(f"a run of mode {mode} deletes no keys by name")
    uri = lake.registry_table(table.registry, table.name)
    return retry_on_conflict(
        lake, uri, lambda: _publish(lake, table, run_id, at, staged, metadata, mode, gone, judgement, spark)
    )


def _publish(
    lake: Lake,
    table: Table,
    run_id: str,
    at: datetime,
    staged: StagedFiles,
    metadata: Mapping[str, str],
    mode: Mode,
    gone: str | None,
    judgement: Judgement | None,
    spark: Spark | None,
) -> PublishedCommit:
    uri = lake.registry_table(table.registry, table.name)
    current = lake.table(uri) if lake.is_table(uri) else None
    base = last_run_commit(current) if current is not None else None
    if current is not None and base is not None:
        recorded = commit_of_run(current, run_id)
        if recorded is not None:
            return _commit(recorded)
        overtaker = overtaken_by(metadata, base, mode=mode)
        if overtaker:
            return PublishedCommit(base.version, 0, 0, 0, 0, base.live_rows, is_new=False, overtaken_by=overtaker)
        _check_base(table, metadata, base, mode)
    table_schema = table_schema_of(table, current)
    changes = find_changes(
        lake, table, table_schema, current, staged, mode=mode, gone=gone, judgement=judgement, spark=spark
    )
    ensure_nowhere_else(lake, table, current, changes)
    with ThreadPoolExecutor(1) as executor, lake_errors(f"publishing {table.qualified_name}"):
        files = current.file_uris() if current else None
        pending = PendingCommit(lake, table, table_schema, files, base, staged, changes, mode)
        checksum, broken = (executor.submit(figure, pending) for figure in (checksum_after_commit, counts_after_commit))

        def make_properties() -> CommitProperties:
            entries = {name: getattr(changes, name) for name in ("inserted", "updated", "deleted", "retained")}
            entries |= {"live_rows": changes.live_after, KEY_FIGURE: key_text(table_schema)}
            entries |= {STORED_CHECKSUM: checksum.result(), RULE_COUNTS: broken.result()}
            said = carry_over(metadata, base, run_id=run_id, mode=mode)
            if mode == "replay" and judgement is not None and judgement.is_due(current):
                said["table_digest"] = ""  # rows of two definitions: no definition is that of all
            version = current.version() + 1 if current is not None else 0
            return commit_properties(run_id, said, (table.server, version), mode=mode, at=at.isoformat(), **entries)

        writing = Writing(lake, table, table_schema, staged, run_id, at, make_properties, spark)
        if current is None:
            version = upsert.create(writing)
        elif _is_behind(lake, uri, current):  # fail before files are written that cannot be committed
            raise LakeConflict(f"{table.qualified_name} was committed to meanwhile: run this table again")
        else:
            evolve(table, table_schema, current)
            version = _apply(writing, current, changes, mode)
            _tidy(current)
    return PublishedCommit(
        version, changes.inserted, changes.updated, changes.deleted, changes.retained, changes.live_after, is_new=True
    )


def _apply(writing: Writing, current: DeltaTable, changes: Changes, mode: Mode) -> int:
    """Bring a table that is there to its new content, the way that suits the size of the difference."""
    if changes.is_empty:
        return upsert.empty_commit(current, writing.properties)
    if not writing.table_schema.key:
        upsert.ensure_writable(current)
        return upsert.overwrite(writing, current) if mode == "full" else upsert.append(writing, current)
    table_bytes = sum(file.size for file in live_files(current))
    is_small = table_bytes <= MERGE_TABLE_BYTES and writing.lake.size(changes.uri) <= MERGE_BYTES
    if is_small and changes.rows <= MERGE_ROWS and not writing.table.server:
        return upsert.merge(writing, current, changes)
    return upsert.apply(writing, current, changes.uri)


def _check_base(table: Table, metadata: Mapping[str, str], base: RunCommit, mode: Mode) -> None:
    """An incremental run builds on what it read from: all before the cursor `since`, or a position in a change log."""
    log_since = metadata.get("change_since", "")
    since, cursor = metadata.get("since", ""), base.metadata.get("cursor", "")
    is_of_another_log = log_since and log_since != base.metadata.get("change_position", "")
    if mode == "incremental" and (is_of_another_log or (since and greater_cursor(cursor, since) != cursor)):
        raise LakeOutdated(
            f"{table.qualified_name} was set back (restored, or loaded anew) after this run began to read behind it: "
            "nothing was published; run this table again"
        )


def _tidy(current: DeltaTable) -> None:
    """Compact the small files of many runs; give up if another writer commits meanwhile."""
    try:
        with lake_errors("joining small files"):
            compact(current, small_files=_MANY_FILES)
    except LakeConflict:
        return


def _is_behind(lake: Lake, uri: str, current: DeltaTable) -> bool:
    """Whether another writer has committed since the table was opened."""
    return lake.exists(f"{slice_of(uri)[0]}/_delta_log/{current.version() + 1:020d}.json")


def _commit(state: RunCommit) -> PublishedCommit:
    inserted, updated, deleted, retained = (
        int(state.metadata.get(name, "0")) for name in ("inserted", "updated", "deleted", "retained")
    )
    return PublishedCommit(state.version, inserted, updated, deleted, retained, state.live_rows, is_new=False)
