"""Pairs that wait for review: what was compared, and both records side by side for those who may read them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from include.identity.persons import Pair, ReviewRefused, find_pair, queue
from include.identity.scoring import Step
from include.lake.people import people_view
from include.lake.storage import lake_errors, quote
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import Look, note_look
from include.pipelines.errors import no_values_escape
from include.pipelines.people.explanations import steps_of, with_rivals

PAIRS_A_PAGE = 25
ATTRIBUTES = (
    "name", "birth_date", "birth_precision", "sex", "place", "place_province", "personal_id", "old_id", "tax_code",
    "insurance_number", "health_card", "passport", "nationality", "mother_id", "father_id", "address_key", "phone",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Beside:
    """One attribute of two records. `state`: same, differs, one_sided or unknown; a value only for who may read it."""

    attribute: str
    state: str
    left: str | None = None
    right: str | None = None


@dataclass(frozen=True, slots=True)
class ShownPair:
    """A pair with the registry and table of either record, and the waterfall of its weights."""

    pair: Pair
    left: tuple[str, str]
    right: tuple[str, str]
    steps: tuple[Step, ...] = ()

    @property
    def registries(self) -> set[str]:
        """Whose data the two records are."""
        return {self.left[0], self.right[0]}

    def to_dict(self) -> dict[str, Any]:
        """Plain values without the keys of the records, for XCom and `--json`."""
        of_pair = {name: value for name, value in asdict(self.pair).items() if name not in ("left_id", "right_id")}
        sides = {"left": ".".join(self.left), "right": ".".join(self.right)}
        return {**of_pair, **sides, "steps": [asdict(step) for step in self.steps]}


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """How many pairs wait for a person, and some of them."""

    total: int
    pairs: tuple[ShownPair, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {"total": self.total, "pairs": [pair.to_dict() for pair in self.pairs]}


def queue_step(*, limit: int, with_steps: bool = False, context: PipelineContext | None = None) -> ReviewQueue:
    """Pairs that wait for a person, at most `limit`. `with_steps`: also what every comparison found and weighs."""
    context = context or PipelineContext.from_environment()
    with no_values_escape("reading the review queue"):
        total, pairs = queue(context.lake, at=context.now(), limit=limit)
        if not with_steps:
            return ReviewQueue(total, tuple(_shown(pair) for pair in pairs))
        steps = steps_of(context, [(pair.left_id, pair.right_id) for pair in pairs])
        return ReviewQueue(total, tuple(_shown(pair, found) for pair, found in zip(pairs, steps, strict=True)))


def waiting_pairs(
    context: PipelineContext, page: int, *, registries: Collection[str]
) -> tuple[int, tuple[ShownPair, ...]]:
    """How many pairs wait between the registries named, and one page of them; `page` counts from 1."""
    first = (page - 1) * PAIRS_A_PAGE
    with no_values_escape("reading the review queue"):
        total, pairs = queue(context.lake, at=context.now(), limit=PAIRS_A_PAGE, offset=first, registries=registries)
    return total, tuple(_shown(pair) for pair in pairs)


def waiting_pair(context: PipelineContext, name: str) -> ShownPair | None:
    """One waiting pair with its waterfall; None if none waits under this name."""
    with no_values_escape("reading a pair"):
        try:
            pair = find_pair(context.lake, name, at=context.now())
        except ReviewRefused:
            return None
        return _shown(pair, steps_of(context, [(pair.left_id, pair.right_id)])[0])


def beside(context: PipelineContext, shown: ShownPair) -> tuple[Beside, ...]:
    """What the two records say, without saying it: where they agree, differ, or are silent."""
    return tuple(Beside(row.attribute, row.state) for row in _beside(context, shown))


def read_beside(
    context: PipelineContext, shown: ShownPair, *, registries: Collection[str], reader: str, purpose: str
) -> tuple[Beside, ...]:
    """The same with the values of the registries that the reader may read, who says what for.

    The ledger has an entry (kind `export`) before the first value is handed out.

    Raises:
        Misuse: no purpose is given.
    """
    look = Look.of(reader, purpose)
    with no_values_escape("reading two records"):
        rows = _beside(context, shown)
        readable = sorted(shown.registries & set(registries))
        sides = ((shown.left, shown.pair.left_person), (shown.right, shown.pair.right_person))
        persons = {person for (registry, _), person in sides if registry in readable}
        note_look(
            context, "people/records", look, pair_id=shown.pair.pair_id, registries=readable, persons=persons
        )  # fmt: skip
    return tuple(
        Beside(
            row.attribute,
            row.state,
            row.left if shown.left[0] in readable else None,
            row.right if shown.right[0] in readable else None,
        )
        for row in rows
    )


def _beside(context: PipelineContext, shown: ShownPair) -> list[Beside]:
    columns = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name in ATTRIBUTES)
    with context.lake.connect(memory_limit="512MB") as connection, lake_errors("reading two records"):
        people_view(context.lake, connection, "records")
        rows = {
            row[0]: row[1:]
            for row in connection.execute(
                f"SELECT record_id, {columns} FROM records WHERE record_id IN (?, ?)",
                [shown.pair.left_id, shown.pair.right_id],
            ).fetchall()
        }
    nothing = (None,) * len(ATTRIBUTES)
    sides = zip(
        ATTRIBUTES, rows.get(shown.pair.left_id, nothing), rows.get(shown.pair.right_id, nothing), strict=True
    )  # fmt: skip
    return [Beside(name, _state(left, right), left, right) for name, left, right in sides]


def _state(left: str | None, right: str | None) -> str:
    if left is None and right is None:
        return "unknown"
    if left is None or right is None:
        return "one_sided"
    return "same" if left == right else "differs"


def _shown(pair: Pair, steps: tuple[Step, ...] = ()) -> ShownPair:
    return ShownPair(pair, _table(pair.left_id), _table(pair.right_id), with_rivals(steps, pair.probability))


def _table(record_id: str) -> tuple[str, str]:
    registry, _, table = record_id.partition(":")[0].partition(".")
    return registry, table
