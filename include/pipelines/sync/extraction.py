"""Extract step of a sync: lands a table, whole or only the rows that are new since the last commit.

Where the contract asks for it (`deletes: reconcile`), the key and cursor of every row of the source are compared with
the lake: a row that came late, was written under a clock that ran backwards or has another key now is read by its key,
and a row that is gone from the source leaves the lake. A source that can compute a row-set checksum is asked for that
of its other rows first: if it equals the lake's, no key is read.

Keys are conformed here, in the middle of the extract, because the published key is made by the contract's expressions,
and only the open snapshot of the source can still be asked for the rows that the comparison finds missing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from include.contracts.model import Contract, Table
from include.lake.delta import RunCommit, has_committed, last_commit, reader_of
from include.lake.incremental import lake_checksum, reconcile
from include.lake.rejected import waits_for_another_server
from include.lake.storage import LakeError, lake_errors, literal, quote, scan
from include.pipelines import run_folder
from include.pipelines.clock import clock_warning
from include.pipelines.context import PipelineContext
from include.pipelines.engine_choice import check_engines
from include.pipelines.errors import no_values_escape
from include.pipelines.step_results import Extracted, Skipped
from include.pipelines.sync.change_reading import change_log_of, land_changed_rows, with_position
from include.pipelines.sync.read_plan import Plan, Window, no_part, plan_extract
from include.pipelines.sync.unchanged import carries_version, is_same, skip_publishing, source_columns_of
from include.pipelines.unfinished_runs import record_unfinished_runs
from include.quality.conversion import conform_keys
from include.sources.change_log import ChangeLogLost
from include.sources.landing import FILE, Extract, Landed, Source, open_source, record
from include.sources.open_object import ReadRequest
from include.sources.source_schema import cursor_columns, key_columns
from include.telemetry import step

MOST_MISSED_CHANGES = (
    20_000  # rows fetched one by one; with more, the source has changed so much that all of it is read
)
_OFFSET = "[^0-9:.].*$"  # what stands behind a time of day


@step("extract")
def extract_step(
    registry: str,
    table: str,
    run_id: str,
    *,
    is_full: bool = False,
    window: Window | None = None,
    on_rows_landed: Callable[[], None] = lambda: None,
    context: PipelineContext | None = None,
) -> Extracted | Skipped:
    """Land one table, or what is new of it; `Skipped` if there is nothing to publish.

    `on_rows_landed` is called as soon as it is likely that rows will be published, while the source is still busy: new
    rows have landed, or the source's checksum of the others is not the lake's.
    """
    context = context or PipelineContext.from_environment()
    with no_values_escape(f"extracting {registry}.{table}"):
        contract, spec = context.one_table(registry, table)
        done = run_folder.reusable_result(context, spec, run_id, "extracted", Extracted)
        if done is not None:
            return done
        check_engines(context, [spec])
        if has_committed(context.lake, spec, run_id):
            run_folder.ensure_as_begun(context, spec, run_id, "extracted")
        record_unfinished_runs(context, spec, but=run_id)
        at, state = context.now(), last_commit(context.lake, spec)
        plan = plan_extract(
            spec, state, definition_digest=context.definition_digest(spec), is_full=is_full, at=at, window=window
        )
        compares_keys = spec.extract.deletes == "reconcile" and not spec.extract.reads_change_log
        if plan.mode == "incremental" and not compares_keys and waits_for_another_server(context.lake, spec):
            plan = Plan("full", "rows are open whose keys another server had published: it may not have them now")
        try:
            extracted, plan, gone = _land(context, contract, spec, run_id, at, state, plan, on_rows_landed)
        except ChangeLogLost as lost:
            plan = Plan("full", str(lost))
            extracted, plan, gone = _land(context, contract, spec, run_id, at, state, plan, on_rows_landed)
        folder = context.lake.landing_path(registry, table, run_id)
        result = Extracted(
            registry=registry, table=table, run_id=run_id, mode=plan.mode, started_at=at.isoformat(),
            why=plan.why + clock_warning(context.lake, folder, now=context.now()),
            extracted=extracted.rows, gone=gone, drift=extracted.drift, began_upon=reader_of(state),
        )  # fmt: skip
        if state and state.run_id != run_id and is_same(context, contract, spec, plan, is_full, extracted, gone, state):
            return skip_publishing(context, contract, spec, result, extracted)
        return run_folder.save_result(context, spec, "extracted", result)


def _land(
    context: PipelineContext,
    contract: Contract,
    table: Table,
    run_id: str,
    at: datetime,
    state: RunCommit | None,
    plan: Plan,
    on_rows_landed: Callable[[], None],
) -> tuple[Extract, Plan, str | None]:
    """Land the plan's rows, or all if the source cannot do less: the extract, the plan carried out, deleted keys."""
    lake = context.lake
    folder = lake.landing_path(table.registry, table.name, run_id)
    # Who raises the contract's version has looked at the source: what it is now is no drift.
    is_taken_as_it_is = not carries_version(state, contract)
    was: dict[str, Any] = {"since_columns": source_columns_of(state), "is_taken_as_it_is": is_taken_as_it_is}
    started = time.perf_counter()
    try:
        with (
            change_log_of(context, contract, table, plan, state, at) as log,
            open_source(contract, table, lake=lake, at=at, environ=context.environ, **was) as source,
        ):
            landed, gone, uri = None, None, f"{folder}/{FILE}"
            if log is not None and plan.mode == "incremental":
                published = state.live_rows if state else 0
                landed, plan, gone = land_changed_rows(
                    context, table, source, log, plan, run_id, uri, published_rows=published
                )
            elif plan.mode != "full" and (why := source.can_select(table, plan.wanted.since)):
                if plan.mode == "backfill":
                    raise no_part(table, why)
                plan = Plan("full", why)
            if plan.mode == "incremental" and source.anew:
                plan = Plan("full", source.anew)
            if log is None and plan.mode == "incremental" and table.extract.deletes == "reconcile":
                landed, is_known = _land_and_compare_checksum(context, table, source, plan, run_id, uri, on_rows_landed)
                if is_known:
                    plan = replace(plan, why=f"{plan.why}; all others are as the lake has them")
                else:
                    wanted = plan.wanted
                    plan, gone = _reconcile(context, table, source, plan, run_id)
                    landed = landed if plan.wanted == wanted else None
            if plan.mode == "backfill" and table.extract.deleted_when:
                plan = replace(plan, wanted=_with_later_versions(context, table, source, plan.wanted, run_id))
            landed = landed or source.land(uri, plan.wanted)
            seconds = round(time.perf_counter() - started, 3)
            extracted = source.extract(landed, run_id=run_id, mode=plan.mode, seconds=seconds)
            if log is not None:
                extracted, plan = with_position(context, table, log, extracted, state, plan)
    except Exception:
        with suppress(LakeError):
            lake.delete_tree(folder)  # nothing is complete without its record; leave no rows that nobody will read
        raise
    record(lake, folder, extracted)
    return extracted, plan, gone


def _land_and_compare_checksum(
    context: PipelineContext,
    table: Table,
    source: Source,
    plan: Plan,
    run_id: str,
    uri: str,
    on_rows_landed: Callable[[], None],
) -> tuple[Landed | None, bool]:
    """Land the rows of the plan while the source computes the checksum of its others; True if the lake's is the same.

    Where the source cannot compute it, nothing is landed.
    """
    query = source.checksum_query(plan.wanted)
    if query is None:
        return None, False
    folder = context.lake.staging_path(table.registry, table.name, run_id)
    context.lake.make_folder(folder)
    with ThreadPoolExecutor(max_workers=1) as beside:
        said = beside.submit(source.checksum, query)
        landed = source.land(uri, plan.wanted)
        if landed.cursor != landed.since:
            on_rows_landed()
        received = _conformed_keys(context, table, landed.uri, f"{folder}/received-keys.parquet")
        known = lake_checksum(context.lake, table, folder=folder, received=received)
        is_known = known is not None and known == said.result()
        if not is_known and landed.cursor == landed.since:
            on_rows_landed()
        return landed, is_known


def _reconcile(
    context: PipelineContext, table: Table, source: Source, plan: Plan, run_id: str
) -> tuple[Plan, str | None]:
    """Compare all keys of the source with the lake: the plan with the missed rows, and the URI of deleted keys."""
    folder = context.lake.staging_path(table.registry, table.name, run_id)
    names = tuple(dict.fromkeys((*key_columns(table), *cursor_columns(table))))
    keys = source.land(f"{folder}/keys.parquet", ReadRequest(columns=names))
    compared = _conformed_keys(context, table, keys.uri, f"{folder}/keys-conformed.parquet")
    found = reconcile(context.lake, table, conformed_keys=compared, folder=folder)
    if found is None:
        return plan, None
    missed_changes = (
        _fetched_by_key(context, table, keys, found.missed_changes_uri, plan.wanted) if found.missed_changes else ()
    )
    if len(missed_changes) > MOST_MISSED_CHANGES:
        return Plan("full", f"more than {MOST_MISSED_CHANGES:,} rows are in the source that no cursor would find"), None
    why = plan.why + (f", and {len(missed_changes):,} rows by their key" if missed_changes else "")
    return replace(
        plan, why=why, wanted=replace(plan.wanted, keys=missed_changes)
    ), found.gone_uri if found.gone else None


def _conformed_keys(context: PipelineContext, table: Table, keys_uri: str, uri: str) -> str:
    """The key and cursor of every row that was landed."""
    return conform_keys(
        context.lake, table, context.schemas, {*table.primary_key, *table.extract.cursor}, keys_uri, uri
    )


def _fetched_by_key(
    context: PipelineContext, table: Table, keys: Landed, missed_changes_uri: str, wanted: ReadRequest
) -> tuple[tuple[object, ...], ...]:
    """The raw keys of missed rows that the cursor may not bring: at most MOST_MISSED_CHANGES and one more."""
    names = ", ".join(f"k.{quote(name)}" for name in key_columns(table))
    source = f"read_parquet({literal(keys.uri)}, file_row_number = true, hive_partitioning = false)"
    with context.lake.connect() as connection, lake_errors(f"reconciling {table.qualified_name}"):
        rows = connection.execute(
            f"SELECT DISTINCT {names} FROM {source} k JOIN {scan(missed_changes_uri)} s ON k.file_row_number = s._row "
            f"WHERE ({_is_past(table, keys, wanted)}) IS NOT TRUE LIMIT {MOST_MISSED_CHANGES + 1}"
        ).fetchall()
    return tuple(rows)


def _with_later_versions(
    context: PipelineContext, table: Table, source: Source, wanted: ReadRequest, run_id: str
) -> ReadRequest:
    """A stretch of time and the other rows of its keys: a later row may say that the key is deleted.

    All rows from the stretch on, if the key is computed, or there are too many keys to ask for.
    """
    names, from_there_on = key_columns(table), replace(wanted, until=None)
    if table.rows_from_list or any(table.column(name).expression for name in table.primary_key):
        return from_there_on
    folder = context.lake.staging_path(table.registry, table.name, run_id)
    landed = source.land(f"{folder}/stretch-keys.parquet", replace(wanted, columns=names))
    if {name.lower() for name in names} - {column[0].lower() for column in landed.columns}:
        return from_there_on  # it landed under another name
    listed = [quote(name) for name in names]
    with context.lake.connect() as connection, lake_errors(f"reading {table.qualified_name} again"):
        keys = connection.execute(
            f"SELECT DISTINCT {', '.join(listed)} FROM {scan(landed.uri)} "
            f"WHERE {' AND '.join(f'{name} IS NOT NULL' for name in listed)} LIMIT {MOST_MISSED_CHANGES + 1}"
        ).fetchall()
    return from_there_on if len(keys) > MOST_MISSED_CHANGES else replace(wanted, keys=tuple(keys))


def _is_past(table: Table, keys: Landed, wanted: ReadRequest) -> str:
    """SQL: whether a row landed for its key is surely among those past the cursor."""
    first = cursor_columns(table)[0]
    value, since = f"k.{quote(first)}", (wanted.since or ("",))[0]
    kind = {name.lower(): kind for name, kind in keys.columns}[first.lower()]
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"{value} > CAST({literal(since)} AS {kind}) - INTERVAL {int(wanted.lag.total_seconds())} SECOND"
    if kind != "VARCHAR":
        return f"{value} > CAST({literal(since)} AS {kind})"
    try:
        number = Decimal(since)
    except InvalidOperation:  # instants written with a T or a blank, or with two offsets, have no common order
        offset = re.search(_OFFSET, since[11:])
        return (
            f"{value} > {literal(since)} AND {value}[11] = {literal(since[10:11])} "
            f"AND regexp_extract({value}[12:], '{_OFFSET}') = {literal(offset[0] if offset else '')}"
        )
    return f"TRY_CAST({value} AS DECIMAL(38, 9)) > {number:f}"
