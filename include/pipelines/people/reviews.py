"""Decisions on pairs, resolution of old person ids, training."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from include.contracts.model import Steward
from include.identity.linkage_model import ModelUnusable, Training, train
from include.identity.persons import Resolved, Review, ReviewRefused, decide, ends, resolve
from include.identity.records import collect
from include.pipelines.audit_log import record_commits
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import concerned, free_stewards, note_review, reason_given, steward_named
from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.people.linkage_model import MODEL_FILE, model_in_use


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model: its file, its version and what it was trained on."""

    path: str
    version: str
    training: Training

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {"path": self.path, "version": self.version, **self.training}


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
    reason_given(note)
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


def train_step(*, seed: int, out: Path | None = None, context: PipelineContext | None = None) -> Trained:
    """Train a model on the published tables and write it, by default where linking reads it. Scoring never trains.

    The thresholds are a choice, not something to learn: those of the model in use stay.
    """
    context = context or PipelineContext.from_environment()
    with no_values_escape("training a model"):
        at = context.now()
        folder = context.lake.path("staging", "people", "train", f"run={at:%Y%m%dT%H%M%SZ}")
        try:
            collect(context.lake, context.contracts.values(), context.schemas, f"{folder}/records.parquet")
            model = train(context.lake, f"{folder}/records.parquet", seed=seed, at=at)
            with suppress(ModelUnusable):
                before = model_in_use(context)
                model = replace(model, link_at=before.link_at, review_at=before.review_at)
        finally:
            context.lake.delete_tree(folder)
        path = out or context.schemas / MODEL_FILE
        model.save(path)
    return Trained(str(path), model.version, model.training)
