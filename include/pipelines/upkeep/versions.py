"""Former versions of a published table: list them, read one, restore one in a steward's name."""

from __future__ import annotations

import hashlib
import heapq
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from include.audit.report_data import RunLine, approval_notes, refused_runs
from include.contracts.model import Contract, Table, needs_two
from include.contracts.sql import SqlRefused, names_in, rewritten
from include.contracts.words import Finding
from include.lake.delta import RESTORE, Version, last_commit, open_version, restore, version_at, versions, view_of
from include.lake.rejected import reopen_rejected
from include.lake.storage import lake_errors, literal, quote, restrict_access
from include.pipelines.audit_log import record_run
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import (
    DecidedRun,
    Look,
    Matter,
    Word,
    approved_by_all,
    digest_of,
    given,
    note_look,
    steward_named,
)
from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.step_results import StepResult
from include.pipelines.sync import Approval, record_standing, relationships_step
from include.pipelines.unfinished_runs import record_unfinished_runs

OPEN_TO_ALL = ("public", "internal")
_FORMATS = {
    ".parquet": "FORMAT parquet, COMPRESSION zstd",
    ".csv": "FORMAT csv, HEADER",
}


@dataclass(frozen=True, slots=True)
class VersionRows:
    """Rows of a version as plain values, or how many were written to a file; `hidden` columns are left out."""

    version: int
    columns: tuple[str, ...]
    hidden: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    written: int = 0


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version of a table, or a refused run (mode `declined` or `timed out`), which made none.

    `at` is ISO text; `note` is the reason of who approved or refused; counts of rows are None where none are recorded.
    """

    version: int | None
    at: str
    mode: str
    run_id: str
    contract_version: str | None
    approved_by: str
    inserted: int | None = None
    updated: int | None = None
    deleted: int | None = None
    live_rows: int | None = None
    restored_version: int | None = None
    refused_by: str | None = ""
    note: str | None = ""


@dataclass(frozen=True, kw_only=True)
class RestoredVersion(StepResult):
    """A table is as it was in `restored_version`; the counts of its extract are those of the run that made that."""

    _VERDICT = "published"

    restored_version: int
    extracted: int
    accepted: int
    rejected: int
    superseded: int
    deleted: int
    retained: int = 0
    bytes: int
    version: int
    inserted: int
    updated: int
    live_rows: int
    reopened: int
    undone: tuple[str, ...]
    contract_version: str
    contract_digest: str
    extract_digest: str
    source: str = RESTORE
    approved_by: str
    approval_note: str
    held: bool = False
    findings: tuple[Finding, ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()
    seconds: float


def list_versions(context: PipelineContext, registry: str, table: str, *, limit: int) -> list[VersionLine]:
    """What each version was made by, newest first: plain figures. Runs that were refused stand among them."""
    spec = context.table(registry, table)[1]
    with no_values_escape(f"reading the history of {registry}.{table}"):
        refused = [_refused(run) for run in refused_runs(context.lake, registry, table, limit=limit)]
        notes = approval_notes(context.lake, registry, table)
        made = [_line(entry, notes) for entry in versions(context.lake, spec, limit=limit)]
        # Versions keep their own order, whatever the clocks of those who made them said.
        return list(heapq.merge(made, refused, key=lambda line: line.at, reverse=True))[:limit]


def read_version(
    context: PipelineContext,
    registry: str,
    table: str,
    *,
    version: int | None = None,
    at: str = "",
    where: str = "",
    limit: int | None = None,
    out: Path | None = None,
    look: Look | None = None,
) -> VersionRows:
    """Rows of a table as of a version or an instant (default: the newest), in key order; to a file if `out` is given.

    Without a `look`, only columns that the contract classifies as public or internal: the others are personal. With
    one, the ledger has an entry (kind `export`) before a value is shown or written: who, which version, what for.

    Args:
        context: the lake and the contracts.
        registry: the registry.
        table: its table.
        version: a version of its history.
        at: ISO instant (UTC unless it says otherwise); a day stands for its end.
        where: an SQL condition over the table's columns.
        limit: at most this many rows.
        out: a file to write instead, `.parquet` or `.csv`.
        look: who wants every column, and what for.

    Raises:
        Misuse: both version and instant, an unknown format, a condition that is none.
        VersionGone: that version cannot be had any more.
    """
    if version is not None and at:
        raise Misuse("say either --version or --at, not both")
    if out is not None and out.suffix.lower() not in _FORMATS:
        raise Misuse(f"{out.name} has no format that can be written: end it with {' or '.join(_FORMATS)}")
    spec = context.table(registry, table)[1]
    with no_values_escape(f"reading {registry}.{table}"):
        if at:
            version = version_at(context.lake, spec, instant(at))
        delta = open_version(context.lake, spec, version)
        names = [field.name for field in delta.schema().fields]
        shown = [name for name in names if look or name in _open_columns(spec)]
        condition = f"WHERE {_condition(where, names, shown)}" if where else ""
        order = ", ".join(quote(name) for name in spec.primary_key if name in names) or "ALL"
        query = f"SELECT {', '.join(quote(name) for name in shown)} FROM published {condition} ORDER BY {order}" + (
            f" LIMIT {limit}" if limit is not None else ""
        )
        with context.lake.connect() as connection:
            files = delta.file_uris()
            view_of(connection, "published", delta, files)
            file = str(out.absolute()) if out is not None else ""
            restrict_access(connection, reads=files, writes=[file] if file else [])
            hidden = tuple(name for name in names if name not in shown)
            columns, number = tuple(shown), int(delta.version())
            with lake_errors(f"reading {spec.qualified_name}"):
                if look is not None:
                    _run(connection, f"DESCRIBE {query}")  # what cannot be read is refused before it is on record
                    _note(context, spec, look, version=number, where=where, limit=limit, is_file=out is not None)
                if out is None:
                    return VersionRows(number, columns, hidden, _run(connection, query))
                rows = _run(connection, f"COPY ({query}) TO {literal(file)} ({_FORMATS[out.suffix.lower()]})")
                return VersionRows(number, columns, hidden, [], written=int(rows[0][0]))


def restore_step(
    registry: str, table: str, run_id: str, *, version: int, approval: Approval, context: PipelineContext | None = None
) -> RestoredVersion:
    """Go back to a former version: one commit, on record with who approved it. The next sync goes on from there.

    Rejected rows that undone runs had closed are open again.
    """
    context = context or PipelineContext.from_environment()
    with no_values_escape(f"restoring {registry}.{table}"):
        contract, spec = context.table(registry, table)
        name = steward_named((contract,), approval.approved_by, at=context.now())
        record_unfinished_runs(context, spec, but=run_id)
        started, at = time.perf_counter(), context.now()
        matter = _matter(context, contract, spec, version)
        names = ", ".join(tuple(dict.fromkeys([*(given(context, matter) if matter.needs_two else ()), name]))[:2])
        words: list[Word] = []

        def before() -> None:
            note = approval.approval_note
            more = {"restored_version": version}
            words[:] = [approved_by_all(context, matter, DecidedRun(run_id), by=name, note=note, **more)]

        done = restore(
            context.lake, spec, version=version, run_id=run_id, at=at, metadata={"approved_by": names},
            before=before,
        )  # fmt: skip
        reopened = reopen_rejected(context.lake, spec, run_id=run_id, at=at, closed_by=done.undone)
        record_standing(context, spec)
        extracted, accepted, rejected, superseded, size = (
            int(done.metadata.get(name) or 0) for name in ("extracted", "accepted", "rejected", "superseded", "bytes")
        )
        result = RestoredVersion(
            registry=registry, table=table, run_id=run_id, mode=RESTORE, started_at=at.isoformat(),
            restored_version=version, extracted=extracted, accepted=accepted, rejected=rejected, superseded=superseded,
            bytes=size, version=done.version,
            inserted=done.inserted, updated=done.updated, deleted=done.deleted, live_rows=done.live_rows,
            reopened=reopened, undone=done.undone,
            contract_version=done.metadata.get("contract_version", ""),
            contract_digest=done.metadata.get("contract_digest", ""),
            extract_digest=done.metadata.get("extract_digest", ""),
            approved_by=names, approval_note=words[0].note if words else approval.approval_note,
            seconds=round(time.perf_counter() - started, 3),
        )  # fmt: skip
        record_run(context, result.row())
        relationships_step(registry, run_id, context=context)
        return result


def _matter(context: PipelineContext, contract: Contract, table: Table, version: int) -> Matter:
    """Going back to a version from the commit that is the newest now."""
    state = last_commit(context.lake, table)
    upon = (state.run_id, state.version) if state else ()
    digest = digest_of(table.qualified_name, RESTORE, version, upon, context.contract_definition_digest(contract))
    note_uri = f"{context.lake.staging_path(table.registry, table.name, f'restore-{digest[:16]}')}/_first.json"
    return Matter(f"registry/{table.qualified_name.replace('.', '/')}", (contract,), needs_two(table), digest, note_uri)


def _line(entry: Version, notes: Mapping[str, str]) -> VersionLine:
    metadata, mode = entry.metadata, entry.metadata.get("mode", entry.operation.lower())
    return VersionLine(
        entry.version,
        entry.at.isoformat(),
        mode,
        metadata.get("run_id", ""),
        metadata.get("contract_version", ""),
        metadata.get("approved_by", ""),
        inserted=entry.figure("inserted"),
        updated=entry.figure("updated"),
        deleted=entry.figure("deleted"),
        live_rows=entry.figure("live_rows"),
        restored_version=entry.figure("restored_version") if mode == RESTORE else None,
        note=notes.get(metadata.get("run_id", ""), ""),
    )


def _refused(run: RunLine) -> VersionLine:
    return VersionLine(
        None, run.at.isoformat(), run.verdict, run.run_id, run.texts["contract_version"], "",
        refused_by=run.texts["refused_by"], note=run.texts["refusal_note"],
    )  # fmt: skip


def _note(context: PipelineContext, table: Table, look: Look, *, where: str, **what: Any) -> None:
    """The look on record. The condition may hold a value, so its digest stands for it."""
    digest = {"where_sha256": hashlib.sha256(where.encode()).hexdigest()} if where else {}
    note_look(context, f"registry/{table.registry}/{table.name}", look, **what, **digest)


def instant(text: str) -> datetime:
    """An ISO instant; UTC unless it says otherwise, and a day alone stands for its end.

    Raises:
        Misuse: it is none.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Misuse(f"`{text}` is no instant: write 2026-01-31, or 2026-01-31T08:00+07:00") from None
    if len(text.strip()) <= len("2026-01-31"):
        at += timedelta(days=1, microseconds=-1)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _open_columns(table: Table) -> set[str]:
    return {column.name for column in table.columns if column.classification in OPEN_TO_ALL}


def _condition(text: str, names: list[str], shown: list[str]) -> str:
    """The condition, parsed: over the columns that are shown only, as it would tell what others hold."""
    remedy = "write one condition over the table's columns, e.g. status = 'active'"
    try:
        condition = rewritten(text)
    except SqlRefused as refused:
        raise Misuse(f"--where {refused}: {remedy if str(refused) == 'is not SQL' else refused.remedy}") from None
    known = {name.lower() for name in names}
    if unknown := [name for name in names_in(condition) if name.lower() not in known]:
        raise Misuse(f"--where speaks of `{unknown[0]}`, which this version has not; columns: {', '.join(names)}")
    open_to_it = {name.lower() for name in shown}
    if hidden := [name for name in names_in(condition) if name.lower() not in open_to_it]:
        raise Misuse(f"--where speaks of `{hidden[0]}`, which holds personal values: add --values and --purpose")
    return f"({condition})"


def _run(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    try:
        return connection.execute(query).fetchall()
    except (duckdb.BinderException, duckdb.ConversionException) as error:
        raise Misuse(f"--where does not fit the columns' types ({type(error).__name__}): cast the values") from None
