"""Effects of a review decision: a preview of what it will do, and its withdrawal before a linking run has used it."""

from __future__ import annotations

import hashlib

from include.audit import ledger
from include.audit.ledger import Record
from include.contracts.words import cleaned
from include.identity.persons import Kept, Outlook, Pair, Review, ReviewRefused, ends, not_followed, outlook, withdraw
from include.pipelines.audit_log import record_commits
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import concerned, steward_named
from include.pipelines.errors import Misuse, no_values_escape


def outlook_step(pair: Pair, *, context: PipelineContext) -> Outlook:
    """What "same" would do to the two persons of a waiting pair."""
    with no_values_escape("looking at what a decision will do"):
        return outlook(context.lake, pair)


def not_followed_step(*, context: PipelineContext) -> tuple[Kept, ...]:
    """Decisions that can still be taken back, the newest first."""
    with no_values_escape("reading the reviews"):
        return not_followed(context.lake)


def withdraw_step(pair: str, *, by: str, note: str, context: PipelineContext | None = None) -> Review:
    """Take back the newest decision on a pair, by its name; the ledger has an entry before.

    Raises:
        Misuse: nobody does it or says why, or a run of linking has followed the decision.
        NotASteward: who does it is steward of neither record's registry, though one of them names stewards.
    """
    context = context or PipelineContext.from_environment()
    with no_values_escape("taking a decision back"):
        note = cleaned(note)
        try:
            by = steward_named(concerned(context.contracts, *ends(context.lake, pair)), by, at=context.now())
            review = withdraw(
                context.lake,
                pair,
                by=by,
                at=context.now(),
                note=note,
                before=lambda review: _note(context, review, note),
            )
        except ReviewRefused as error:
            raise Misuse(str(error)) from None
        record_commits(context, ["people/reviews"])
    return review


def _note(context: PipelineContext, review: Review, note: str) -> None:
    """The ledger's entry. The reason is free text and might name a person: a digest stands for it."""
    payload = {name: getattr(review, name) for name in ("review_id", "pair_id", "decision", "by", "second_by")}
    payload["note_sha256"] = hashlib.sha256(note.encode()).hexdigest()
    record = Record("approval", "people/reviews", payload, once=(f"review/{review.review_id}", 1))
    ledger.append(context.lake, [record], at=context.now(), actor=review.by)
