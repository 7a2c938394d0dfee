"""Ledger entries of decisions and of every look at personal values, appended before they take effect.

An entry without its effect tells of a process that was killed between the two. The effect can be done again: the same
decision of the same person on the same run, or the same answer told again, adds no second entry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from include.audit import ledger
from include.audit.ledger import Record
from include.contracts.words import MAX_NOTE, hidden_character, holds_a_long_number, says_something
from include.pipelines.audit_log import ACTOR
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse

if TYPE_CHECKING:
    from include.identity.persons import Review

Refusal = Literal["declined", "timed out"]


@dataclass(frozen=True, slots=True)
class Answer:
    """How a gate was answered when nothing shall be published. `answered_at` tells two answers to one run apart."""

    verdict: Refusal
    by: str = ""
    note: str = ""
    answered_at: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """Who wants to see personal values, and what for."""

    reader: str
    purpose: str

    @classmethod
    def of(cls, reader: str, purpose: str) -> Look:
        """A look with a purpose.

        Raises:
            Misuse: no purpose is given, one too long or with a person's number, or nobody looks.
        """
        said = " ".join(purpose.split())
        if not says_something(said):
            raise Misuse("say what the values are needed for: it is kept in the ledger")
        if len(said) > MAX_NOTE:
            raise Misuse(f"a purpose has at most {MAX_NOTE} characters, this one has {len(said):,}: shorten it")
        if hidden := hidden_character(said):
            raise Misuse(f"the purpose holds {hidden}, which is not seen: write plain text, it is kept in the ledger")
        if holds_a_long_number(said):
            raise Misuse("a purpose holds no number of a person: it stands in the ledger as it is written")
        if not reader.strip():
            raise Misuse("say who looks at the values: it is kept in the ledger")
        return cls(reader.strip(), said)


@dataclass(frozen=True, slots=True)
class DecidedRun:
    """The run that a decision is about: its id, what its gate found outside tolerance, and the digest of its matter."""

    run_id: str
    findings: tuple[str, ...] = ()
    held_digest: str = ""


def note_approval(
    context: PipelineContext,
    subject: str,
    run: DecidedRun,
    *,
    approved_by: str,
    note: str,
    declined_before: int = 0,
    **more: Any,
) -> None:
    """A steward's word that something is done all the same.

    The same word said again adds nothing, unless the thing was declined in between (`declined_before` counts that).
    """
    payload = _decision(run, note) | {"decision": "approved", "approved_by": approved_by, **more}
    what = _digest(f"{approved_by}/{run.held_digest}/{note}")[:16]
    once = (f"approval/{subject}/{run.run_id}/{what}", declined_before + 1)
    _append(context, Record("approval", subject, payload, once=once), approved_by)


def note_refusal(context: PipelineContext, subject: str, run: DecidedRun, answer: Answer) -> None:
    """A steward's refusal, or that nobody answered in time."""
    payload = _decision(run, answer.note) | {"decision": answer.verdict, "refused_by": answer.by}
    payload |= {"held_digest": run.held_digest} if run.held_digest else {}
    told = _digest(f"{answer.verdict}/{answer.by}/{answer.answered_at}")[:16]
    record = Record("refusal", subject, payload, once=(f"refusal/{subject}/{run.run_id}/{told}", 1))
    _append(context, record, answer.by or ACTOR)


def note_review(context: PipelineContext, review: Review, *, by: str, note: str) -> None:
    """What somebody decided on two records of persons; a digest of their ids stands for them."""
    said = {name: getattr(review, name) for name in ("review_id", "pair_id", "decision", "by", "second_by")}
    once = (f"review/{review.review_id}", int(review.is_complete))
    _append(context, Record("approval", "people/reviews", said | {"note_sha256": _digest(note)}, once=once), by)


def note_look(context: PipelineContext, subject: str, look: Look, *, persons: Iterable[str] = (), **what: Any) -> int:
    """That somebody is shown personal values; `what` says which, by numbers and names. Returns the entry's number.

    `persons` are the ids of the persons whose values they are, as far as they are known: the entry has their digests.
    """
    if digests := sorted(map(person_digest, persons)):
        what["persons_sha256"] = digests
    return _append(context, Record("export", subject, {**what, "purpose": look.purpose}), look.reader)


def person_digest(person_id: str) -> str:
    """What stands for a person in the ledger. An id is random, so nothing leads from its digest to the id."""
    return _digest(f"person/{person_id}")


def _decision(run: DecidedRun, note: str) -> dict[str, object]:
    # The note is free text and might name a person: it stays in audit/, the ledger holds its digest.
    return {
        "run_id": run.run_id,
        "note_sha256": _digest(note),
        "findings": list(run.findings),
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _append(context: PipelineContext, record: Record, actor: str) -> int:
    """The number of the last entry; 0 if the ledger had it."""
    entries = ledger.append(context.lake, [record], at=context.now(), actor=actor)
    return entries[-1].sequence if entries else 0
