"""Taking a decision back before a run of linking has followed it. It stays on record, with who took it back and why."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from include.identity.persons.review_queue import WITHDRAWN, Review, ReviewRefused, after, one_note, pair_id
from include.lake.people import REVIEWS, extend, people_view
from include.lake.run_log import REFUSALS, link_runs
from include.lake.storage import Lake, lake_errors


@dataclass(frozen=True, slots=True)
class Kept:
    """A decision that no run has followed yet (see `not_followed`)."""

    review_id: str
    left_id: str
    right_id: str
    decision: str
    by: str
    second_by: str
    at: datetime
    note: str

    @property
    def pair_id(self) -> str:
        """The pair's name."""
        return pair_id(self.left_id, self.right_id)


def not_followed(lake: Lake) -> tuple[Kept, ...]:
    """The newest decision on each pair that no run of linking follows; the newest first.

    A run follows what was decided before it began, if it was published or waits at its gate. One that was declined,
    timed out or failed follows nothing. None follows a `same` that waits for a second person.
    """
    runs = link_runs(lake)
    refused = {run.run_id for run in runs if run.verdict in REFUSALS}
    began = [
        run.began for run in runs if run.verdict == "published" or (run.verdict == "held" and run.run_id not in refused)
    ]
    with lake.connect(memory_limit="512MB") as connection, lake_errors("reading the reviews"):
        people_view(lake, connection, "reviews")
        rows = connection.execute(
            f"""SELECT review_id, left_id, right_id, decision, "by", coalesce(second_by, ''), "at",
                       coalesce(note, '')
                FROM (FROM reviews QUALIFY row_number() OVER (
                    PARTITION BY left_id, right_id ORDER BY "at" DESC, review_id DESC) = 1)
                WHERE decision <> '{WITHDRAWN}' AND ($since::TIMESTAMPTZ IS NULL OR "at" > $since::TIMESTAMPTZ
                                                     OR (needs_second AND second_by IS NULL))
                ORDER BY "at" DESC, review_id""",
            {"since": max(began, default=None)},
        ).fetchall()
    return tuple(Kept(*row) for row in rows)


def withdraw(
    lake: Lake,
    name: str,
    *,
    by: str,
    at: datetime,
    note: str,
    before: Callable[[Review], object] = lambda review: None,
) -> Review:
    """Take back the newest decision on the pair of this `pair_id`; what held before it holds again.

    `before` is told of it before it is kept.

    Raises:
        ReviewRefused: nobody does it or says why (briefly), or there is no decision that no run has followed yet.
        LakeConflict: others kept deciding at the same moment.
    """
    if not by.strip() or not note.strip():
        raise ReviewRefused("say who takes the decision back, and why")
    kept = next((kept for kept in not_followed(lake) if kept.pair_id == name), None)
    if kept is None:
        raise ReviewRefused(
            "there is nothing to take back: the pair was not decided, or a run of linking that was published or waits "
            "at its gate has followed the decision; decide otherwise instead"
        )
    review = Review(secrets.token_hex(16), name, WITHDRAWN, by.strip(), "", True, True)
    row = {
        "review_id": review.review_id, "left_id": kept.left_id, "right_id": kept.right_id, "decision": WITHDRAWN,
        "by": review.by, "at": after(kept.at, at), "needs_second": False, "second_by": None,
        "note": one_note(note),
    }  # fmt: skip
    before(review)
    extend(lake, "reviews", pa.Table.from_pylist([row], REVIEWS), run_id=f"review-{review.review_id}")
    return review
