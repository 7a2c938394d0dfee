"""The steps of a sync after the extract: conform, split and assess what was landed; publish what was accepted.

Each leaves what it came to in the run's folder, so that a run begun again does not do it twice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from include.audit import ledger
from include.audit.verification import INDEX_OF_PAGES, digests_of
from include.contracts import Contract, Table
from include.lake import run_log
from include.lake.delta import OF_THE_SOURCE, last_commit
from include.lake.publishing import publish, published_context_of
from include.lake.rejected import append_rejected, close_rejected, only_repeats_open_rejections
from include.lake.upsert import Mode, preview
from include.pipelines import run_folder
from include.pipelines.audit_log import record_run
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import about_the_held, approved, outside_tolerance, word_on
from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.step_results import Facts, provenance
from include.pipelines.sync.table_quality import record_standing
from include.pipelines.sync.unchanged import carries_version, skip_publishing, skipped_before
from include.pipelines.unfinished_runs import publish_contract, record_unfinished_runs
from include.quality.expectations import Assessment, assess, import_gx_meanwhile
from include.quality.split import SplitResult, conform_and_split
from include.sources.landing import RECORD, Extract

Watch = Callable[[str, str], None]

SPLIT_RECORD = "_split.json"


@dataclass(frozen=True)
class Approval:
    """A steward's word that a table outside its tolerance shall be published."""

    approved_by: str
    approval_note: str = ""


def assess_step(extracted: Facts, *, context: PipelineContext | None = None) -> Facts:
    """Conform, split and assess what was landed, and say whether it stays inside the contract's tolerance.

    The verdict is `unchanged` if a part was read and all of it is published already.

    Raises:
        ContractChanged: since the rows were read.
    """
    context = context or PipelineContext.from_environment()
    registry, name, run_id, mode = (extracted[field] for field in ("registry", "table", "run_id", "mode"))
    with no_values_escape(f"assessing {registry}.{name}"):
        contract, table = context.table(registry, name)
        done = run_folder.reusable_result(context, table, run_id, "assessed")
        if done is not None:
            return done
        if ended := skipped_before(context, table, extracted):
            return ended
        run_folder.ensure_as_begun(context, table, run_id, "extracted")
        started = time.perf_counter()
        landed = landed_by(context, table, run_id)
        if mode == "full" or landed.cursor != landed.since:  # an increment without news may need no assessment
            import_gx_meanwhile()
        split = _split(context, table, landed, mode, extracted["gone"])
        changes = preview(context.lake, table, staged=split.staged, mode=mode, gone=extracted["gone"])
        run: dict[str, Any] = {"run_id": run_id, "mode": mode, "staged": split.staged, "gone": extracted["gone"]}
        is_part = mode in ("incremental", "backfill")
        is_empty = changes.is_empty and carries_version(last_commit(context.lake, table), contract)
        if is_part and is_empty and only_repeats_open_rejections(context.lake, table, **run):
            return skip_publishing(context, contract, table, extracted, landed)
        assessment = assess(table, split, lake=context.lake, run_id=run_id, schemas_dir=context.schemas)
        findings = outside_tolerance(context, table, split, changes, mode)
        run_log.append_checks(
            context.lake, registry=registry, table=name, run_id=run_id, at=context.now(),
            counts=split.counts, gx_counts=assessment.counts,
        )  # fmt: skip
        facts = {
            **extracted,
            "accepted": split.accepted,
            "rejected": split.rejected,
            "superseded": split.superseded,
            "findings": [f.to_dict() for f in findings],
            "held": bool(findings),
            "reasons": _frequent(split),
            "bound": digests_of(context.lake, _pages_of(context, assessment)),
            "seconds": round(landed.seconds + time.perf_counter() - started, 3),
        }
        if findings:
            facts |= provenance(context, contract, landed)
            facts |= about_the_held(context, table, split, landed, facts)
            record_run(context, {**facts, "verdict": "held"})
        return run_folder.save_result(context, table, "assessed", facts)


def publish_step(
    assessed: Facts,
    approved_by: str | None = None,
    approval_note: str | None = None,
    *,
    context: PipelineContext | None = None,
) -> Facts:
    """Publish the accepted rows in one commit and keep the others with their reasons.

    Raises:
        Misuse: the table is held back and nobody approved.
        ContractChanged: by the contract as it is, what was assessed would become something else.
    """
    context = context or PipelineContext.from_environment()
    registry, name, run_id, mode = (assessed[field] for field in ("registry", "table", "run_id", "mode"))
    with no_values_escape(f"publishing {registry}.{name}"):
        contract, table = context.table(registry, name)
        done = run_folder.reusable_result(context, table, run_id, "published")
        if done is not None:
            record_unfinished_runs(context, table)
            return done
        if ended := skipped_before(context, table, assessed):
            return ended
        run_folder.ensure_as_begun(context, table, run_id, "assessed")
        # What the run's folder says of the gate counts, whatever was handed on from step to step.
        assessed = run_folder.saved_result(context, table, run_id, "assessed") or assessed
        if assessed["held"] and not approved_by:
            raise Misuse(f"{registry}.{name} is held back by its gate: a steward must approve it first")
        approved_by, approval_note = approved(context, assessed, approved_by, approval_note)
        started = time.perf_counter()
        landed, gone = landed_by(context, table, run_id), assessed["gone"]
        split = _split_of(context, table, run_id)
        at = datetime.fromisoformat(assessed["started_at"])
        metadata = _metadata(context, contract, table, landed, split, mode) | {"approved_by": approved_by}
        metadata |= {"began_upon": assessed["began_upon"]} if "began_upon" in assessed else {}
        run: dict[str, Any] = {"run_id": run_id, "at": at, "staged": split.staged, "mode": mode}
        append_rejected(
            context.lake, table, **run, extract_uri=landed.uri, snapshot_at=metadata["snapshot_at"],
            table_digest=metadata["table_digest"], began_upon=metadata.get("began_upon"),
        )  # fmt: skip
        known = {
            **assessed,
            "verdict": "published",
            "approved_by": approved_by,
            "approval_note": approval_note,
            **provenance(context, contract, landed),
        }
        run_folder.save_result(
            context, table, "publishing", known
        )  # for whoever must record it if this process is killed
        commit = publish(context.lake, table, **run, gone=gone, metadata=metadata)
        close_rejected(context.lake, table, **run, gone=gone)
        if commit.overtaken_by:
            why = "another run has read and published the table meanwhile: the next one goes on from there"
            return skip_publishing(context, contract, table, {**assessed, "why": why}, landed)
        facts = {
            **assessed,
            "verdict": "published",
            "version": commit.version,
            "deleted": commit.deleted,
            "retained": commit.retained,
            "inserted": commit.inserted,
            "updated": commit.updated,
            "live_rows": commit.live_rows,
            "approved_by": approved_by,
            "approval_note": approval_note,
            "seconds": round(assessed["seconds"] + time.perf_counter() - started, 3),
        }
        record_standing(context, table)
        run_folder.save_result(context, table, "published", facts)
        record_run(
            context, {**facts, **provenance(context, contract, landed)}, written=[publish_contract(context, contract)]
        )
        context.lake.delete_tree(context.lake.staging_path(registry, name, run_id))
        return facts


def assess_and_publish(
    extracted: Facts, approval: Approval | None, *, watch: Watch = lambda table, step: None, context: PipelineContext
) -> Facts:
    """From what was landed to what is published, or to the verdict `held` where the gate asks and nobody approves."""
    name = extracted["table"]
    watch(name, "assess")
    assessed = assess_step(extracted, context=context)
    if assessed["verdict"] == "unchanged":
        return assessed
    if assessed["held"]:
        word = word_on(context, assessed, approval.approved_by, approval.approval_note) if approval else None
        if word is None or word.missing:
            return {**assessed, "verdict": "held", "version": None, "deleted": 0, **(word.to_dict() if word else {})}
    watch(name, "publish")
    if approval is None:
        return publish_step(assessed, context=context)
    return publish_step(assessed, approval.approved_by, approval.approval_note, context=context)


def _pages_of(context: PipelineContext, assessment: Assessment) -> list[str]:
    """Paths in the lake of what an assessment wrote for readers."""
    written = (assessment.results, assessment.data_docs, context.lake.path(INDEX_OF_PAGES))
    return [uri.removeprefix(f"{context.lake.uri}/") for uri in written]


def landed_by(context: PipelineContext, table: Table, run_id: str) -> Extract:
    """What the run landed of a table.

    Raises:
        Misuse: nothing.
    """
    folder = context.lake.landing_path(table.registry, table.name, run_id)
    try:
        return Extract.from_dict(json.loads(context.lake.read_text(f"{folder}/{RECORD}")))
    except FileNotFoundError:
        raise Misuse(f"run {run_id} landed nothing for {table.qualified_name}: run the extract step first") from None


def _metadata(
    context: PipelineContext, contract: Contract, table: Table, landed: Extract, split: SplitResult, mode: str
) -> dict[str, str]:
    """What the commit says of the run."""
    said: dict[str, Any] = {
        **provenance(context, contract, landed),
        **{name: getattr(split, name) for name in ("extracted", "accepted", "rejected", "superseded")},
        "cursor": json.dumps(landed.cursor) if landed.cursor else "",
        "snapshot_at": landed.snapshot_at,
        "since": json.dumps(landed.since) if mode == "incremental" else "",
        "table_digest": context.definition_digest(table),
        "source_columns": json.dumps(landed.source_columns, ensure_ascii=False),
        "ledger_head": ledger.head(context.lake),
    }
    state = last_commit(context.lake, table)
    if state is not None and mode not in ("full", "incremental"):
        said |= {name: state.metadata.get(name, "") for name in OF_THE_SOURCE}
    return {name: str(value) for name, value in said.items()}


def _split(context: PipelineContext, table: Table, landed: Extract, mode: Mode, gone: str | None) -> SplitResult:
    split = conform_and_split(
        table,
        landed.uri,
        lake=context.lake,
        run_id=landed.run_id,
        schemas_dir=context.schemas,
        beside=partial(published_context_of, context.lake, table, mode=mode, gone=gone),
    )
    context.lake.write_text(_split_record(context, table, landed.run_id), json.dumps(split.to_dict()))
    return split


def _split_of(context: PipelineContext, table: Table, run_id: str) -> SplitResult:
    try:
        return SplitResult.from_dict(json.loads(context.lake.read_text(_split_record(context, table, run_id))))
    except FileNotFoundError:
        raise Misuse(
            f"the work folder of run {run_id} for {table.qualified_name} is gone (kept for a week): begin a new run"
        ) from None


def _split_record(context: PipelineContext, table: Table, run_id: str) -> str:
    return f"{context.lake.staging_path(table.registry, table.name, run_id)}/{SPLIT_RECORD}"


def _frequent(split: SplitResult) -> list[list[Any]]:
    """The rules that rejected rows, most frequent first: [[rule_id, rows], ...]."""
    broken = [c for c in split.counts if c.violations and c.scope != "table" and c.severity == "error"]
    return [[c.rule_id, c.violations] for c in sorted(broken, key=lambda c: (-c.violations, c.rule_id))]
