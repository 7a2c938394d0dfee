"""The gate of a table: what it asks a steward, and what it was answered, on record before anything follows from it."""

from __future__ import annotations

from include.contracts.finding import Finding
from include.contracts.model import Table
from include.lake.changes import Changes, Mode
from include.lake.rejections import count_known
from include.pipelines.decisions import Answer, note_approval, note_refusal
from include.pipelines.errors import no_values_escape
from include.pipelines.facts import Facts
from include.pipelines.trail import record_run
from include.pipelines.workplace import Workplace
from include.quality.gate import judge
from include.quality.results import SplitResult


def outside_tolerance(
    place: Workplace, table: Table, split: SplitResult, changes: Changes, mode: Mode
) -> tuple[Finding, ...]:
    """What a steward must be asked about. A replay that would publish nothing asks nobody.

    Rejected rows that an earlier run left open are not asked for again when the lag, or a replay, brings them again.
    """
    if mode == "replay":
        return () if changes.is_empty else judge(table, split, changes, mode=mode, known=split.rejected)
    known = count_known(place.lake, table, split.staged) if mode != "full" and split.rejected else 0
    return judge(table, split, changes, mode=mode, known=known)


def approved(place: Workplace, assessed: Facts, by: str | None, note: str | None) -> tuple[str, str]:
    """Who approved what is about to be published, and why; nobody, where the gate held nothing back."""
    if not assessed["held"] or not by:
        return "", ""
    note_approval(place, _subject(assessed), assessed, approved_by=by, note=note or "")
    return by, note or ""


def approve_step(
    assessed: Facts, approved_by: str, approval_note: str, *, workplace: Workplace | None = None
) -> dict[str, str]:
    """A steward's approval as it is given; returns what `publish_step` wants to know."""
    place = workplace or Workplace.from_environment()
    with no_values_escape(f"approving {assessed['registry']}.{assessed['table']}"):
        by, note = approved(place, assessed, approved_by, approval_note)
    return {"approved_by": by, "approval_note": note}


def refuse_step(assessed: Facts, answer: Answer, *, workplace: Workplace | None = None) -> Facts:
    """A steward declined to publish what the gate held back, or nobody answered: on record, and the lake as it was."""
    place = workplace or Workplace.from_environment()
    with no_values_escape(f"refusing {assessed['registry']}.{assessed['table']}"):
        note_refusal(place, _subject(assessed), assessed, answer)
        refused = {"verdict": answer.verdict, "refused_by": answer.by, "refusal_note": answer.note}
        facts = {**assessed, **refused, "version": None, "deleted": 0}
        record_run(place, facts)
        return facts


def _subject(assessed: Facts) -> str:
    return f"registry/{assessed['registry']}/{assessed['table']}"
