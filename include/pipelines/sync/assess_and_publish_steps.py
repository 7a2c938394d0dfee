"""Assess and publish steps of a sync: conform, split and assess the landed rows; publish the accepted ones.

Each saves its result in the run's folder, so that a run that is started again does not repeat it. The split gets the
published context (published rows that share a key or a unique value with the run's) through a function, because which
rows that needs is known only after the run's rows are conformed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, cast

from include.audit import ledger
from include.audit.verification import INDEX_OF_PAGES, digests_of
from include.cluster import Spark
from include.contracts.model import Contract, Table
from include.lake import run_log
from include.lake.delta import OF_THE_SOURCE, RunCommit, last_commit
from include.lake.publishing import publish, published_context_of
from include.lake.rejected import (
    append_rejected,
    close_rejected,
    only_repeats_open_rejections,
    waits_for_another_server,
)
from include.lake.upsert import Mode, preview
from include.pipelines import run_folder
from include.pipelines.audit_log import record_run
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import about_the_held, approved, outside_tolerance, word_on
from include.pipelines.engine_choice import engine_for
from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.row_history import keep_history
from include.pipelines.step_results import Assessed, Extracted, Held, Provenance, Published, Publishing, Skipped
from include.pipelines.sync.table_quality_record import record_standing
from include.pipelines.sync.unchanged import carries_version, skip_publishing, skipped_before
from include.pipelines.unfinished_runs import publish_contract, record_unfinished_runs
from include.quality import judgement_of, renew_rejected_keys
from include.quality.expectations import Assessment, assess, import_gx_meanwhile
from include.quality.split import SplitResult, conform_and_split
from include.sources.landing import RECORD, Extract
from include.telemetry import step

Watch = Callable[[str, str], None]

SPLIT_RECORD = "_split.json"


@dataclass(frozen=True)
class Approval:
    """A steward's word that a table outside its tolerance shall be published."""

    approved_by: str
    approval_note: str = ""


@step("assess")
def assess_step(extracted: Extracted, *, context: PipelineContext | None = None) -> Assessed | Skipped:
    """Conform, split and assess what was landed, and say whether it stays inside the contract's tolerance.

    `Skipped` if a part was read and all of it is published already, or all that waits for another server still does.

    Raises:
        ContractChanged: since the rows were read.
    """
    context = context or PipelineContext.from_environment()
    run_id, gone = extracted.run_id, extracted.gone
    mode = cast(Mode, extracted.mode)
    with no_values_escape(f"assessing {extracted.registry}.{extracted.table}"):
        contract, table = context.table(extracted.registry, extracted.table)
        done = run_folder.reusable_result(context, table, run_id, "assessed", Assessed)
        if done is not None:
            return done
        if skipped := skipped_before(context, table, extracted):
            return skipped
        run_folder.ensure_as_begun(context, table, run_id, "extracted")
        started = time.perf_counter()
        landed = landed_by(context, table, run_id)
        has_news = landed.rows if landed.change_position else landed.cursor != landed.since
        if mode == "full" or gone or has_news:  # else it may need no assessment
            import_gx_meanwhile()
        spark, engine = engine_for(context, table, landed.rows)
        split = _split(context, table, landed, mode, gone, spark)
        anew = judgement_of(table, context.schemas, context.definition_digest(table))
        changes = preview(context.lake, table, split.staged, mode=mode, gone=gone, judgement=anew, spark=spark)
        may_repeat = mode in ("incremental", "backfill") or waits_for_another_server(context.lake, table)
        is_empty = changes.is_empty and carries_version(last_commit(context.lake, table), contract)
        if may_repeat and is_empty and not landed.moves_log and only_repeats_open_rejections(
            context.lake, table, run_id=run_id, mode=mode, staged=split.staged, extract_uri=landed.uri, gone=gone
        ):  # fmt: skip
            return skip_publishing(context, contract, table, extracted, landed)
        assessment = assess(table, split, lake=context.lake, run_id=run_id, schemas_dir=context.schemas)
        findings = outside_tolerance(context, table, split, changes, mode, extract_uri=landed.uri)
        run_log.append_checks(
            context.lake, registry=table.registry, table=table.name, run_id=run_id, at=context.now(),
            counts=split.counts, gx_counts=assessment.counts,
        )  # fmt: skip
        assessed = extracted.become(
            Assessed,
            accepted=split.accepted,
            rejected=split.rejected,
            superseded=split.superseded,
            findings=findings,
            reasons=_frequent(split),
            bound=digests_of(context.lake, _pages_of(context, assessment)),
            seconds=round(landed.seconds + time.perf_counter() - started, 3),
            engine=engine,
        )
        if findings:
            assessed = replace(assessed, provenance=Provenance.of(context, contract, landed))
            assessed = about_the_held(context, table, split, landed, assessed)
            record_run(context, assessed.become(Held).row(), bound=assessed.bound)
        return run_folder.save_result(context, table, "assessed", assessed)


@step("publish")
def publish_step(
    assessed: Assessed,
    approved_by: str | None = None,
    approval_note: str | None = None,
    *,
    context: PipelineContext | None = None,
) -> Published | Skipped:
    """Publish the accepted rows in one commit and keep the others with their reasons.

    `Skipped` if another run has published meanwhile what this one read.

    Raises:
        Misuse: the table is held back and nobody approved.
        ContractChanged: by the contract as it is, what was assessed would become something else.
    """
    context = context or PipelineContext.from_environment()
    registry, name, run_id = assessed.registry, assessed.table, assessed.run_id
    mode = cast(Mode, assessed.mode)
    with no_values_escape(f"publishing {registry}.{name}"):
        contract, table = context.table(registry, name)
        done = run_folder.reusable_result(context, table, run_id, "published", Published)
        if done is not None:
            record_unfinished_runs(context, table)
            return done
        if skipped := skipped_before(context, table, assessed):
            return skipped
        run_folder.ensure_as_begun(context, table, run_id, "assessed")
        # What the run's folder says of the gate counts, whatever was handed on from step to step.
        assessed = run_folder.saved_result(context, table, run_id, "assessed", Assessed) or assessed
        if assessed.held and not approved_by:
            raise Misuse(f"{registry}.{name} is held back by its gate: a steward must approve it first")
        approved_by, approval_note = approved(context, assessed, approved_by, approval_note)
        started = time.perf_counter()
        landed, gone = landed_by(context, table, run_id), assessed.gone
        spark, _ = engine_for(context, table, landed.rows)
        split = _split_of(context, table, run_id)
        at = datetime.fromisoformat(assessed.started_at)
        state = last_commit(context.lake, table)
        metadata = _metadata(context, contract, table, landed, split, mode, state) | {"approved_by": approved_by}
        metadata |= {"began_upon": assessed.began_upon} if assessed.began_upon is not None else {}
        digest = metadata["table_digest"]
        renew_rejected_keys(context.lake, table, context.schemas, state, digest, run_id=run_id, at=at)
        append_rejected(
            context.lake, table, run_id=run_id, at=at, staged=split.staged, mode=mode, extract_uri=landed.uri,
            snapshot_at=metadata["snapshot_at"], table_digest=digest, began_upon=metadata.get("began_upon"),
        )  # fmt: skip
        publishing = assessed.become(
            Publishing, approved_by=approved_by, approval_note=approval_note,
            provenance=Provenance.of(context, contract, landed),
        )  # fmt: skip
        run_folder.save_result(context, table, "publishing", publishing)
        anew = judgement_of(table, context.schemas, context.definition_digest(table))
        commit = publish(
            context.lake, table, run_id=run_id, at=at, staged=split.staged, metadata=metadata, mode=mode, gone=gone,
            judgement=anew, spark=spark,
        )  # fmt: skip
        close_rejected(context.lake, table, run_id=run_id, at=at, staged=split.staged, mode=mode, gone=gone)
        if commit.overtaken_by:
            why = "another run has read and published the table meanwhile: the next one goes on from there"
            return skip_publishing(context, contract, table, assessed, landed, why=why)
        published = publishing.become(
            Published,
            provenance=assessed.provenance,
            version=commit.version,
            deleted=commit.deleted,
            retained=commit.retained,
            inserted=commit.inserted,
            updated=commit.updated,
            live_rows=commit.live_rows,
            seconds=round(assessed.seconds + time.perf_counter() - started, 3),
        )
        record_standing(context, table)
        run_folder.save_result(context, table, "published", published)
        written = [publish_contract(context, contract)]
        record_run(context, published.row(publishing.provenance), bound=published.bound, written=written)
        keep_history(context, table, run_id)
        context.lake.delete_tree(context.lake.staging_path(registry, name, run_id))
        return published


def assess_and_publish(
    extracted: Extracted,
    approval: Approval | None,
    *,
    watch: Watch = lambda table, step: None,
    context: PipelineContext,
) -> Skipped | Held | Published:
    """Both steps for one table: `Held` where the gate asks and nobody approves."""
    watch(extracted.table, "assess")
    assessed = assess_step(extracted, context=context)
    if isinstance(assessed, Skipped):
        return assessed
    if assessed.held:
        word = word_on(context, assessed, approval.approved_by, approval.approval_note) if approval else None
        if word is None:
            return assessed.become(Held)
        if word.missing:
            return assessed.become(Held, waits=word.missing.english, waits_vi=word.missing.vietnamese)
    watch(extracted.table, "publish")
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
    context: PipelineContext, contract: Contract, table: Table, landed: Extract, split: SplitResult, mode: str,
    state: RunCommit | None,
) -> dict[str, str]:  # fmt: skip
    """The commit's metadata."""
    said: dict[str, Any] = {
        **asdict(Provenance.of(context, contract, landed)),
        **{name: getattr(split, name) for name in ("extracted", "accepted", "rejected", "superseded")},
        "cursor": json.dumps(landed.cursor) if landed.cursor else "",
        "snapshot_at": landed.snapshot_at,
        "since": json.dumps(landed.since) if mode == "incremental" and landed.since else "",
        "change_position": landed.change_position,
        "change_since": landed.change_since,
        "table_digest": context.definition_digest(table),
        "source_columns": json.dumps(landed.source_columns, ensure_ascii=False),
        "next_digest": landed.next_digest if mode in ("full", "incremental") else "",
        "ledger_head": ledger.head(context.lake),
    }
    if state is not None and mode not in ("full", "incremental"):
        said |= {name: state.metadata.get(name, "") for name in OF_THE_SOURCE}
    return {name: str(value) for name, value in said.items()}


def _split(
    context: PipelineContext, table: Table, landed: Extract, mode: Mode, gone: str | None, spark: Spark | None
) -> SplitResult:
    split = conform_and_split(
        table,
        landed.uri,
        lake=context.lake,
        run_id=landed.run_id,
        schemas_dir=context.schemas,
        published_context=partial(published_context_of, context.lake, table, mode=mode, gone=gone),
        spark=spark,
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


def _frequent(split: SplitResult) -> tuple[tuple[str, int], ...]:
    """The rules that rejected rows, with how many, most rows first."""
    broken = [c for c in split.counts if c.violations and c.scope != "table" and c.severity == "error"]
    return tuple((c.rule_id, c.violations) for c in sorted(broken, key=lambda c: (-c.violations, c.rule_id)))
