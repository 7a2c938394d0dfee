"""Gate of a table: the question to a steward and the answer, recorded before it takes effect."""

from __future__ import annotations

from dataclasses import replace

from include.contracts.model import Table, needs_two
from include.contracts.words import Finding, cleaned
from include.lake.delta import last_commit, rows_digest
from include.lake.rejected import broken_rules, count_repeats
from include.lake.upsert import Changes, Mode
from include.pipelines.audit_log import record_run
from include.pipelines.context import PipelineContext
from include.pipelines.decisions.approvals import Asked, Matter, Word, approve, approved_by_all, digest_of, whom_to_ask
from include.pipelines.decisions.authority import reason_given, steward_named
from include.pipelines.decisions.ledger_entries import Answer, DecidedRun, note_refusal
from include.pipelines.errors import no_values_escape
from include.pipelines.step_results import Assessed, Refused
from include.quality import judge
from include.quality.split import SplitResult
from include.sources.landing import Extract


def outside_tolerance(
    context: PipelineContext, table: Table, split: SplitResult, changes: Changes, mode: Mode, *, extract_uri: str
) -> tuple[Finding, ...]:
    """What a steward must be asked about. A replay that would publish nothing asks nobody.

    Rejected rows that an earlier run left open are not asked for again when the lag, or a replay, brings them again.
    """
    if mode == "replay":
        return () if changes.is_empty else judge(table, split, changes, mode=mode, repeats=split.rejected)
    known = 0
    if mode != "full" and split.rejected:
        known = count_repeats(context.lake, table, split.staged, extract_uri=extract_uri)
    return judge(table, split, changes, mode=mode, repeats=known)


def about_the_held(
    context: PipelineContext, table: Table, split: SplitResult, landed: Extract, assessed: Assessed
) -> Assessed:
    """The held result with what a steward is told of it, and the digest of what an approval rests on."""
    state = last_commit(context.lake, table)
    rows = landed.digest or rows_digest(context.lake, landed.uri)
    gone = rows_digest(context.lake, assessed.gone) if assessed.gone else ""
    upon = (state.run_id, state.metadata.get("mode", "")) if state else ()
    found = [(finding.what, finding.measured) for finding in assessed.findings]
    contract_digest = assessed.provenance.contract_digest if assessed.provenance else ""
    of = (assessed.registry, assessed.table, assessed.mode, contract_digest)
    return replace(
        assessed,
        broken=tuple((b.rule_id, b.rows, b.keys) for b in broken_rules(context.lake, table, split.staged)),
        held_digest=digest_of(of, rows, gone, upon, found),
    )


def matter_of(context: PipelineContext, assessed: Assessed) -> Matter:
    """What a steward decides about when a run of a table is held back."""
    digest = assessed.held_digest or ""
    contract, table = context.table(assessed.registry, assessed.table)
    note_uri = f"{context.lake.staging_path(table.registry, table.name, f'held-{digest[:16]}')}/_first.json"
    return Matter(_subject(assessed), (contract,), needs_two(table), digest, note_uri)


def approved(context: PipelineContext, assessed: Assessed, by: str | None, note: str | None) -> tuple[str, str]:
    """Who approved what is about to be published, and why; nobody, where the gate held nothing back.

    Raises:
        NotASteward: that name may not decide.
        SecondApprovalWanted: another steward must approve first.
    """
    if not assessed.held or not by:
        return "", ""
    word = approved_by_all(context, matter_of(context, assessed), _run(assessed), by=by, note=note or "")
    return ", ".join(word.names), word.note


def word_on(context: PipelineContext, assessed: Assessed, by: str, note: str) -> Word:
    """A steward's approval of a held run, put on record; it may wait for a second one."""
    return approve(context, matter_of(context, assessed), _run(assessed), by=by, note=note)


def approve_step(
    assessed: Assessed, approved_by: str, approval_note: str, *, context: PipelineContext | None = None
) -> dict[str, str]:
    """A steward's approval as it is given; returns what `publish_step` wants to know."""
    context = context or PipelineContext.from_environment()
    approval_note = reason_given(approval_note)
    with no_values_escape(f"approving {assessed.registry}.{assessed.table}"):
        word_on(context, assessed, approved_by, approval_note)
    return {"approved_by": approved_by, "approval_note": approval_note}


def ask_step(assessed: Assessed, *, context: PipelineContext | None = None) -> Asked:
    """Whom the gate asks about a held run.

    Raises:
        NotASteward: nobody may answer.
    """
    context = context or PipelineContext.from_environment()
    with no_values_escape(f"asking about {assessed.registry}.{assessed.table}"):
        return whom_to_ask(context, matter_of(context, assessed))


def note_gate(assessed: Assessed, path: str, *, context: PipelineContext | None = None) -> None:
    """Leave in the run's folder on which page of Airflow it is asked about, for the run's own page."""
    context = context or PipelineContext.from_environment()
    with no_values_escape(f"asking about {assessed.registry}.{assessed.table}"):
        context.lake.write_text(_asked_uri(context, assessed.registry, assessed.table, assessed.run_id), path)


def gate_page(context: PipelineContext, table: Table, run_id: str) -> str:
    """The page of Airflow on which a run was asked about; empty if it was not, or the run is over."""
    try:
        return context.lake.read_text(_asked_uri(context, table.registry, table.name, run_id))
    except FileNotFoundError:
        return ""


def _asked_uri(context: PipelineContext, registry: str, table: str, run_id: str) -> str:
    return f"{context.lake.staging_path(registry, table, run_id)}/_asked.txt"


def refuse_step(assessed: Assessed, answer: Answer, *, context: PipelineContext | None = None) -> Refused:
    """A steward declined to publish what the gate held back, or nobody answered: on record, and the lake as it was.

    Raises:
        NotASteward: who declined may not decide.
    """
    context = context or PipelineContext.from_environment()
    with no_values_escape(f"refusing {assessed.registry}.{assessed.table}"):
        answer = by_a_steward(context, matter_of(context, assessed), answer)
        note_refusal(context, _subject(assessed), _run(assessed), answer)
        refused = assessed.become(Refused, refusal=answer.verdict, refused_by=answer.by, refusal_note=answer.note)
        record_run(context, refused.row(), bound=refused.bound)
        return refused


def by_a_steward(context: PipelineContext, matter: Matter, answer: Answer) -> Answer:
    """The answer in the name of a steward who may give it; that nobody answered needs none. Its note is cleaned."""
    answer = replace(answer, note=cleaned(answer.note))
    if answer.verdict != "declined":
        return answer
    return replace(answer, by=steward_named(matter.contracts, answer.by, at=context.now()))


def _subject(assessed: Assessed) -> str:
    return f"registry/{assessed.registry}/{assessed.table}"


def _run(assessed: Assessed) -> DecidedRun:
    findings = tuple(finding.what for finding in assessed.findings)
    return DecidedRun(assessed.run_id, findings, assessed.held_digest or "")
