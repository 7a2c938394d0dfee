"""Former versions of a published table: list them, read one, restore one in a steward's name."""

from __future__ import annotations

import heapq
import time
from collections.abc import Mapping
from dataclasses import dataclass

from include.audit.report_data import RunLine, approval_notes, refused_runs
from include.contracts.model import AT, Contract, Table, needs_two
from include.contracts.words import Finding
from include.lake.delta import RESTORE, Version, last_commit, restore, versions
from include.lake.publishing import ensure_restorable
from include.lake.rejected import restore_rejected
from include.pipelines.audit_log import record_run
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import (
    DecidedRun,
    Matter,
    Word,
    approved_by_all,
    digest_of,
    given,
    steward_named,
)
from include.pipelines.errors import no_values_escape
from include.pipelines.row_history import keep_history
from include.pipelines.step_results import StepResult
from include.pipelines.sync import Approval, record_standing, relationships_step
from include.pipelines.unfinished_runs import record_unfinished_runs


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
        made = [_line(entry, notes, spec) for entry in versions(context.lake, spec, limit=limit)]
        # Versions keep their own order, whatever the clocks of those who made them said.
        return list(heapq.merge(made, refused, key=lambda line: line.at, reverse=True))[:limit]


def restore_step(
    registry: str, table: str, run_id: str, *, version: int, approval: Approval, context: PipelineContext | None = None
) -> RestoredVersion:
    """Go back to a former version: one commit, on record with who approved it. The next sync goes on from there.

    Open are the rejected rows that were open at that version.
    """
    context = context or PipelineContext.from_environment()
    with no_values_escape(f"restoring {registry}.{table}"):
        contract, spec = context.one_table(registry, table)
        name = steward_named((contract,), approval.approved_by, at=context.now())
        record_unfinished_runs(context, spec, but=run_id)
        started, at = time.perf_counter(), context.now()
        matter = _matter(context, contract, spec, version)
        names = ", ".join(tuple(dict.fromkeys([*(given(context, matter) if matter.needs_two else ()), name]))[:2])
        words: list[Word] = []

        def before() -> None:
            ensure_restorable(context.lake, spec, version)
            note = approval.approval_note
            more = {"restored_version": version}
            words[:] = [approved_by_all(context, matter, DecidedRun(run_id), by=name, note=note, **more)]

        done = restore(
            context.lake, spec, version=version, run_id=run_id, at=at, metadata={"approved_by": names},
            before=before,
        )  # fmt: skip
        reopened = restore_rejected(context.lake, spec, run_id=run_id, at=at, undone=done.undone)
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
        keep_history(context, spec, run_id)
        relationships_step(registry, run_id, context=context)
        return result


def _matter(context: PipelineContext, contract: Contract, table: Table, version: int) -> Matter:
    """Going back to a version from the commit that is the newest now."""
    state = last_commit(context.lake, table)
    upon = (state.run_id, state.version) if state else ()
    digest = digest_of(table.qualified_name, RESTORE, version, upon, context.contract_definition_digest(contract))
    note_uri = f"{context.lake.staging_path(table.registry, table.name, f'restore-{digest[:16]}')}/_first.json"
    return Matter(f"registry/{table.qualified_name.replace('.', '/')}", (contract,), needs_two(table), digest, note_uri)


def _line(entry: Version, notes: Mapping[str, str], table: Table) -> VersionLine:
    metadata, mode = entry.metadata, entry.metadata.get("mode", entry.operation.lower())
    server = "" if table.server else metadata.get("server", "")  # the rows are those of its slice
    return VersionLine(
        entry.version,
        entry.at.isoformat(),
        mode,
        metadata.get("run_id", "") + (f"{AT}{server}" if server else ""),
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
