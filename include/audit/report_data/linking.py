"""Report data on linking of persons: runs of linking, and the persons in the lake after the last one.

Counts, shares and names of tables only; the caller passes the model, which belongs to `include.identity`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from include.audit.report_data.figures import TREND_RUNS
from include.audit.report_data.model import GateEvent
from include.lake.people import people_view
from include.lake.run_log import REFUSALS, LinkRunRow, RecordedBand, RecordedThreshold, link_runs
from include.lake.storage import Lake, lake_errors

SUBJECT = ("people", "index")
DECISIONS = ("link", "review", "finding")
_COUNTS = (
    "records", "persons", "candidates", "links", "grey", "waiting", "minted", "merged", "split", "retired",
    "duplicates", "shared_ids", "largest", "reviews",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Share:
    """An estimated share (0 to 1) with its interval at 95 %."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class LinkRun:
    """One published run of linking. `waiting`: pairs awaiting review when it ended.

    `unseen`: estimated missed links. It and `recall` are None where they are not estimable;
    `recall_reason` is then a key of NO_RECALL.
    """

    run_id: str
    at: datetime
    mode: str
    model_version: str
    approved_by: str
    seconds: float
    records: int
    persons: int
    candidates: int
    links: int
    grey: int
    waiting: int
    minted: int
    merged: int
    split: int
    retired: int
    duplicates: int
    shared_ids: int
    largest: int
    reviews: int
    unseen: float | None
    precision: Share
    recall: Share | None
    recall_reason: str


@dataclass(frozen=True, slots=True)
class Pass:
    """Pairs kept by one pass: linked, sent to review, or reported to the owners of the registries."""

    name: str
    link: int
    review: int
    finding: int


@dataclass(frozen=True, slots=True)
class WeightBand:
    """Pairs of one band of match weights that the model alone links, or not, as RecordedBand has them."""

    low: float | None
    high: float | None
    is_linked: bool
    pairs: int
    expected: float
    reviewed: int
    same: int
    basis: str
    rate: Share


@dataclass(frozen=True, slots=True)
class PrecisionTarget:
    """A wanted precision of what the model links: from which probability on it links then, and what that costs."""

    precision: float
    link_at: float
    links: int
    reviews: int
    recall: Share | None


@dataclass(frozen=True, slots=True)
class TablePersons:
    """Records of one table and their persons; `elsewhere`: persons that other tables have too."""

    registry: str
    table: str
    records: int
    persons: int
    elsewhere: int


@dataclass(frozen=True, slots=True)
class OwnerFindings:
    """Number of findings of a kind (`duplicate`, `shared_id`) reported to the owner of a table."""

    kind: str
    registry: str
    table: str
    owner: str
    findings: int


@dataclass(frozen=True, slots=True)
class Level:
    """A level of a comparison, with its probability among matching pairs (m) and non-matching pairs (u)."""

    name: str
    m: float | None
    u: float | None
    is_by_frequency: bool

    @property
    def weight(self) -> float | None:
        """The level's match weight in bits, log2(m / u); None where m or u is unknown."""
        return math.log2(self.m / self.u) if self.m and self.u else None


@dataclass(frozen=True, slots=True)
class ComparisonLevels:
    """A comparison of two records and its levels, from most to least similar."""

    name: str
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The current linkage model. `persons`: the number of persons for which weights of id numbers are shown.

    `is_of_last_run` is False if the last run used another model or edition.
    """

    name: str
    version: str
    link_at: float
    review_at: float
    persons: int
    is_of_last_run: bool
    trained_on: str
    trained_at: datetime | None
    seed: int | None
    records: int | None
    sampled: int | None
    splink: str
    comparisons: tuple[ComparisonLevels, ...]


@dataclass(frozen=True, slots=True)
class Linking:
    """Report data on linking; only `gate` can be filled before the first published run.

    `trend`: the last published runs, oldest first. `sizes`: persons by number of records, each class named by its
    greatest number. `gate`: runs held back, newest first.
    """

    trend: tuple[LinkRun, ...] = ()
    passes: tuple[Pass, ...] = ()
    bands: tuple[WeightBand, ...] = ()
    thresholds: tuple[PrecisionTarget, ...] = ()
    sizes: tuple[tuple[str, int], ...] = ()
    tables: tuple[TablePersons, ...] = ()
    told: tuple[OwnerFindings, ...] = ()
    gate: tuple[GateEvent, ...] = ()
    digest_of_model: str = ""

    @property
    def last(self) -> LinkRun | None:
        """The last published run; None before the first."""
        return self.trend[-1] if self.trend else None

    @property
    def waits(self) -> GateEvent | None:
        """The held run still awaiting a decision: not refused, and not followed by a published run."""
        newest = self.gate[0] if self.gate else None
        if newest is None or newest.is_published or newest.refusal or (self.last and self.last.at > newest.at):
            return None
        return newest


def gather_linking(lake: Lake) -> Linking:
    """Report data from the linking log and the tables of persons; empty without a run."""
    runs = link_runs(lake)
    published = [row for row in runs if row.verdict == "published"]
    gate = _gate(runs)
    if not published:
        return Linking(gate=gate)
    last = published[-1]
    tables, told = _people(lake)
    return Linking(
        trend=tuple(_run(row) for row in published[-TREND_RUNS:]),
        passes=tuple(
            Pass(name, *(by_decision.get(decision, 0) for decision in DECISIONS))
            for name, by_decision in sorted((last.passes or {}).items(), key=lambda found: -sum(found[1].values()))
        ),
        bands=tuple(map(_band, last.bands or ())),
        thresholds=tuple(map(_threshold, last.thresholds or ())),
        sizes=tuple((last.sizes or {}).items()),
        tables=tables,
        told=told,
        gate=gate,
        digest_of_model=(last.basis or {}).get("model", ""),
    )


def _run(row: LinkRunRow) -> LinkRun:
    counts: dict[str, Any] = {name: getattr(row, name) or 0 for name in _COUNTS}
    texts: dict[str, Any] = {
        name: getattr(row, name) or "" for name in ("mode", "model_version", "approved_by", "recall_reason")
    }
    return LinkRun(
        run_id=row.run_id,
        at=row.began.astimezone(UTC),
        seconds=row.seconds or 0,
        unseen=row.unseen,
        precision=_ends(row.precision, row.precision_lower, row.precision_upper) or Share(0.0, 0.0, 1.0),
        recall=_ends(row.recall, row.recall_lower, row.recall_upper),
        **counts,
        **texts,
    )


def _ends(value: float | None, lower: float | None, upper: float | None) -> Share | None:
    return None if value is None or lower is None or upper is None else Share(value, lower, upper)


def _threshold(found: RecordedThreshold) -> PrecisionTarget:
    recall = Share(**found["recall"]) if found["recall"] else None
    return PrecisionTarget(found["precision"], found["link_at"], found["links"], found["reviews"], recall)


def _band(found: RecordedBand) -> WeightBand:
    return WeightBand(
        found["low"], found["high"], found["is_linked"], found["pairs"], found["expected"], found["reviewed"],
        found["same"], found["basis"], Share(**found["rate"]),
    )  # fmt: skip


def _gate(runs: Sequence[LinkRunRow]) -> tuple[GateEvent, ...]:
    """Held runs with their outcome, newest first; `runs` are in recording order."""
    events = {}
    order = {row.run_id: place for place, row in enumerate(runs)}
    for row in sorted(runs, key=lambda row: {"held": 0, "published": 2}.get(row.verdict, 1)):
        if row.findings:
            events[row.run_id] = GateEvent(
                row.run_id, *SUBJECT, row.began.astimezone(UTC), tuple(row.findings), row.approved_by or "",
                row.approval_note or "", row.verdict == "published", row.verdict if row.verdict in REFUSALS else "",
                row.refused_by or "", row.refusal_note or "",
            )  # fmt: skip
    return tuple(event for _, event in sorted(events.items(), key=lambda named: order[named[0]], reverse=True))


def _people(lake: Lake) -> tuple[tuple[TablePersons, ...], tuple[OwnerFindings, ...]]:
    with lake.connect() as connection, lake_errors("counting persons by table"):
        people_view(lake, connection, "index", called="member")
        people_view(lake, connection, "findings", called="finding")
        tables = connection.execute(_TABLES).fetchall()
        told = connection.execute(_OWNER_FINDINGS).fetchall()
    return tuple(TablePersons(*row) for row in tables), tuple(OwnerFindings(*row) for row in told)


_TABLES = """
    WITH known AS (
        SELECT registry, "table", person_id, count(*) AS records, count(*) OVER (PARTITION BY person_id) AS tables
        FROM member GROUP BY registry, "table", person_id
    )
    SELECT registry, "table", sum(records)::BIGINT, count(*), count(*) FILTER (tables > 1)
    FROM known GROUP BY registry, "table" ORDER BY registry, "table"
"""

_OWNER_FINDINGS = """
    SELECT kind, registry, "table", owner, count(*) FROM finding GROUP BY ALL ORDER BY kind, registry, "table", owner
"""
