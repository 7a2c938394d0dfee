"""Decisions on pairs, and resolution of old person ids."""

from __future__ import annotations

from functools import partial

from include.contracts.model import Steward
from include.identity.persons import Resolved, Review, ReviewRefused, decide, ends, resolve
from include.pipelines.audit_log import record_commits
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import concerned, free_stewards, note_review, reason_given, steward_named
from include.pipelines.errors import Misuse, no_values_escape


def decide_step(
    pair: str,
    decision: str,
    *,
    by: str,
    note: str = "",
    other: str | None = None,
    context: PipelineContext | None = None,
) -> Review:
    """Keep a decision on a waiting pair (by its name), or on any two records (`pair` and `other` are their ids).

    The ledger has an entry (kind `approval`, a digest for the pair) before the decision is kept.

    Raises:
        Misuse: there is no such pair or decision, or the one who decides gives no name or no reason.
        NotASteward: who decides is steward of neither record's registry, though one of them names stewards.
    """
    context = context or PipelineContext.from_environment()
    note = reason_given(note)
    with no_values_escape("keeping a decision"):
        at = context.now()
        try:
            left, right = (pair, other) if other else ends(context.lake, pair)
            by = steward_named(concerned(context.contracts, left, right), by, at=at)
            tell = partial(note_review, context, by=by, note=note)
            review = decide(context.lake, left, right, decision, by=by, at=at, note=note, before=tell)
        except ReviewRefused as error:
            raise Misuse(str(error)) from None
        record_commits(context, ["people/reviews"])
    return review


def reviewers_step(
    left: str, right: str, first_by: str, *, context: PipelineContext | None = None
) -> tuple[Steward, ...]:
    """Who may decide on a pair of the queue now; empty where neither contract names a steward: whoever may review.

    `left`, `right`: tables of the records (`registry.table`). `first_by` has decided before.

    Raises:
        NotASteward: stewards are named, and none who may decide is in office.
    """
    context = context or PipelineContext.from_environment()
    with no_values_escape("asking about a pair"):
        contracts = concerned(context.contracts, left, right)
        return free_stewards(contracts, first_by, at=context.now())


def resolve_step(person_id: str, *, context: PipelineContext | None = None) -> Resolved:
    """Where an id leads today."""
    context = context or PipelineContext.from_environment()
    with no_values_escape("following an id"):
        return resolve(context.lake, person_id.strip().lower().replace("-", ""))
