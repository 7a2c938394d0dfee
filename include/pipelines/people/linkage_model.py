"""Linkage model and golden-record rules in use: those beside the contracts, or the ones shipped; training a model.

Scoring never trains. Only where no model at hand compares what the records hold (contracts of another country's names,
say) is one trained on them, once, and kept in the lake as `people/model.json` until somebody gives a better one.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from include.identity.linkage_model import Model, ModelUnusable, Training, fits, load_model, train
from include.identity.linking import thresholds
from include.identity.persons import GoldenRules, load_golden
from include.identity.records import collect
from include.lake.people import people_view
from include.lake.storage import lake_errors
from include.pipelines.audit_log import record_expired, record_files
from include.pipelines.context import PipelineContext
from include.pipelines.errors import REPOSITORY, Misuse, no_values_escape

MODEL_FILE = "models/person.json"
GOLDEN_FILE = "models/golden.yaml"
SEED = 2025
SUBJECT = "people"
_KEPT_AT = "people/model.json"


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model: its file, its version and what it was trained on."""

    path: str
    version: str
    training: Training

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {"path": self.path, "version": self.version, **self.training}


@dataclass(frozen=True, slots=True)
class ThresholdChosen:
    """A model's `link_at` for a wanted precision, and what the last run would have linked, and left to people."""

    path: str
    precision: float
    link_at: float
    link_at_before: float
    links: int
    reviews: int


def golden_rules(context: PipelineContext) -> tuple[GoldenRules, str]:
    """The rules of the golden record, and their digest."""
    path = _given_or_shipped(context, GOLDEN_FILE)
    return load_golden(path), hashlib.sha256(path.read_bytes()).hexdigest()


def model_in_use(context: PipelineContext) -> Model:
    """The model of the last run: the one trained on the lake's own records if there is one, else the one given."""
    kept = _kept(context)
    return kept or load_model(_given_or_shipped(context, MODEL_FILE))


def model_for_records(context: PipelineContext, records_uri: str, at: datetime) -> Model:
    """The model given, if it compares what the records hold; else one trained on them, kept for the next time."""
    given = load_model(_given_or_shipped(context, MODEL_FILE))
    if fits(context.lake, records_uri, given):
        if context.lake.exists(_uri(context)):
            record_expired(context, SUBJECT, [_KEPT_AT])
            context.lake.delete_tree(_uri(context))
        return given
    kept = _kept(context)
    if kept is not None and fits(context.lake, records_uri, kept):
        return kept
    trained = train(context.lake, records_uri, seed=SEED, at=at, on="the lake's records: the model given does not fit")
    context.lake.write_text(_uri(context), json.dumps(asdict(trained), ensure_ascii=False))
    record_files(context, "maintenance", SUBJECT, [_KEPT_AT], model_version=trained.version)
    return trained


def threshold_step(precision: float, *, context: PipelineContext | None = None) -> ThresholdChosen:
    """Set the model's `link_at` so that the pairs it links have this precision, by the links of the last run.

    The model is written where linking reads it first; the next run of linking follows it, and its gate asks as ever.

    Raises:
        Misuse: no share that a precision can be, or persons were never linked.
    """
    context = context or PipelineContext.from_environment()
    if not 0.5 < precision < 1.0:
        raise Misuse(f"a precision is a share between 0.5 and 1, such as 0.99, not {precision:g}")
    with no_values_escape("choosing a threshold"):
        model = model_in_use(context)
        with context.lake.connect() as connection, lake_errors("choosing a threshold"):
            if not people_view(context.lake, connection, "links"):
                raise Misuse("there are no links to choose a threshold by: run `lienthong link` first")
            (chosen,) = thresholds(connection, "links", model, None, (precision,))
        path = context.schemas / MODEL_FILE
        replace(model, link_at=chosen.link_at).save(path)
    return ThresholdChosen(str(path), precision, chosen.link_at, model.link_at, chosen.links, chosen.reviews)


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


def digest(model: Model) -> str:
    """SHA-256 of a model's meaning."""
    return hashlib.sha256(json.dumps(asdict(model), sort_keys=True, default=str).encode()).hexdigest()


def _kept(context: PipelineContext) -> Model | None:
    try:
        return Model(**json.loads(context.lake.read_text(_uri(context))))
    except FileNotFoundError:
        return None


def _uri(context: PipelineContext) -> str:
    return context.lake.path(_KEPT_AT)


def _given_or_shipped(context: PipelineContext, name: str) -> Path:
    given = context.schemas / name
    return given if given.exists() else REPOSITORY / "schemas" / name
