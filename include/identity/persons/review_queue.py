"""The grey zone: pairs that wait for a person, and what people decided. Decisions are data and outlive models.

`people/reviews` only grows. What holds for a pair is its newest decision that is complete: `same` for two persons who
both have had their id for more than LONG_STANDING needs two people, because it ends an id that others rely on.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import duckdb
import pyarrow as pa

from include.contracts.model import normalised_name
from include.contracts.words import MAX_NOTE
from include.identity.persons.id_ages import is_long_standing, view_ages
from include.lake.people import REVIEWS, extend, people_table, people_view
from include.lake.storage import Lake, lake_errors, literal, retry_on_conflict

Verdict = Literal["same", "different", "cannot_tell"]
WITHDRAWN: Literal["withdrawn"] = "withdrawn"
"""Stands in place of a verdict where the one before was taken back."""


class ReviewRefused(ValueError):
    """A decision that cannot be taken; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that may be one person, and in words what agrees (`why`; no values).

    `first_by`: who said `same` and waits for a second person to agree.
    """

    pair_id: str
    left_id: str
    right_id: str
    left_person: str
    right_person: str
    found_by: str
    weight: float
    probability: float
    why: str
    needs_second: bool
    first_by: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """A decision as it was kept. `is_complete` is False while a second person has to agree."""

    review_id: str
    pair_id: str
    decision: Verdict | Literal["withdrawn"]
    by: str
    second_by: str
    is_complete: bool
    is_new: bool


def pair_id(left_id: str, right_id: str) -> str:
    """A pair's name for addresses, logs and the ledger: a digest, because a record's id can hold a personal id."""
    return hashlib.sha256("\n".join(sorted((left_id, right_id))).encode()).hexdigest()[:16]


def after(earlier: datetime, at: datetime) -> datetime:
    """When a decision stands in the order of its pair's: behind the one before, whatever this machine's clock says."""
    return max(at, earlier.astimezone(at.tzinfo) + timedelta(microseconds=1))


_PAIR_ID = "left(sha256(left_id || chr(10) || right_id), 16)"

# A decision that was taken back counts for nothing, nor does the taking back.
_STANDING = f"""(
    SELECT * FROM reviews QUALIFY decision <> '{WITHDRAWN}' AND coalesce(lead(decision) OVER (
        PARTITION BY left_id, right_id ORDER BY "at", review_id) <> '{WITHDRAWN}', true))"""
# Complete decisions and, apart from them, the newest `same` that still waits for a second person.
_DECIDED = f"""
    SELECT left_id, right_id, arg_max(decision, ROW("at", review_id)) AS decision, max("at") AS decided_at
    FROM {_STANDING} WHERE NOT needs_second OR second_by IS NOT NULL GROUP BY ALL
"""
_PENDING = f"""
    SELECT left_id, right_id, "by" FROM {_STANDING}
    QUALIFY row_number() OVER (PARTITION BY left_id, right_id ORDER BY "at" DESC, review_id DESC) = 1
            AND needs_second AND second_by IS NULL
"""
# A pair waits if the model is not sure of it, or if a link was set aside because it would join two citizens. One that
# people called the same waits again where the last run could not join it, because other decisions keep it apart. One
# that a first person calls the same waits for a second, whatever was decided before.
_WAITING = f"""
    WITH decided AS ({_DECIDED}), pending AS ({_PENDING})
    SELECT {_PAIR_ID} AS pair_id, left_id, right_id, l.person_id, r.person_id, pass, weight, probability, why,
           coalesce({is_long_standing("lm.minted_at")} AND {is_long_standing("rm.minted_at")}, false) AS needs_second,
           coalesce(pending."by", '') AS first_by
    FROM links k LEFT JOIN decided USING (left_id, right_id)
    JOIN index l ON k.left_id = l.record_id JOIN index r ON k.right_id = r.record_id
    LEFT JOIN pending USING (left_id, right_id)
    LEFT JOIN minted lm ON lm.person_id = l.person_id LEFT JOIN minted rm ON rm.person_id = r.person_id
    WHERE (k.decision = 'review' OR (k.decision = 'link' AND NOT k.holds)) AND l.person_id <> r.person_id
      AND (decided.decision IS NULL OR (decided.decision = 'same' AND k.pass = 'review') OR pending."by" IS NOT NULL)
"""


def queue(
    lake: Lake, *, at: datetime, limit: int = 20, offset: int = 0, registries: Collection[str] | None = None
) -> tuple[int, tuple[Pair, ...]]:
    """How many pairs wait, and some of them: those half decided first, then the likeliest.

    Where `registries` are given, pairs of which another registry has a record are neither counted nor shown.
    """
    chosen = f"SELECT * FROM ({_WAITING})"
    given: dict[str, object] = {"at": at}
    if registries is not None:
        sides = [f"list_contains($registries, split_part({side}, '.', 1))" for side in ("left_id", "right_id")]
        chosen, given["registries"] = f"{chosen} WHERE {' AND '.join(sides)}", sorted(registries)
    with _connect(lake) as connection, lake_errors("reading the review queue"):
        connection.execute(f"CREATE TEMP TABLE waiting AS {chosen}", given)
        total = connection.execute("SELECT count(*) FROM waiting").fetchall()[0][0]
        order = "ORDER BY first_by = '', weight DESC, left_id, right_id LIMIT $limit OFFSET $offset"
        rows = connection.execute(f"FROM waiting {order}", {"limit": limit, "offset": offset}).fetchall()
    return int(total), tuple(Pair(*row) for row in rows)


def find_pair(lake: Lake, name: str, *, at: datetime) -> Pair:
    """The waiting pair of this `pair_id`. Raises ReviewRefused if none waits under it."""
    rows = _ask(lake, f"SELECT * FROM ({_WAITING}) WHERE pair_id = $name", at=at, name=name)
    if not rows:
        raise ReviewRefused("no pair waits under this name: it was decided, or a later run settled it; see the queue")
    return Pair(*rows[0])


def ends(lake: Lake, name: str) -> tuple[str, str]:
    """The two records of a pair that was linked, waits or was decided. Raises ReviewRefused if there is none."""
    known = "SELECT left_id, right_id FROM links UNION SELECT left_id, right_id FROM reviews"
    rows = _ask(lake, f"SELECT left_id, right_id FROM ({known}) WHERE {_PAIR_ID} = $name", name=name)
    if not rows:
        raise ReviewRefused("no pair has this name: see `lienthong link queue`")
    return rows[0][0], rows[0][1]


def decide(
    lake: Lake,
    left_id: str,
    right_id: str,
    decision: str,
    *,
    by: str,
    at: datetime,
    note: str = "",
    before: Callable[[Review], object] = lambda review: None,
) -> Review:
    """Keep what somebody decided on two records, of the queue or not. The next run of linking follows it.

    `same` for two persons with long-standing ids is complete when another person says `same` too. `before` is told of a
    new decision before it is kept; of the same one again, if others decided at the same moment.

    Raises:
        ReviewRefused: no such decision, nobody decides, the note is too long, or a record is not in the index.
        LakeConflict: others kept deciding at the same moment.
    """
    if decision not in get_args(Verdict):
        raise ReviewRefused(f"there is no decision `{decision}`: say {', '.join(get_args(Verdict))}")
    if not by.strip():
        raise ReviewRefused("say who decides: a decision has a name")
    left, right = sorted((left_id, right_id))
    if left == right:
        raise ReviewRefused("a decision is about two records, these are one")
    said, review_id = one_note(note), secrets.token_hex(16)
    return retry_on_conflict(
        lake,
        people_table(lake, "reviews"),
        lambda: _decide(lake, left, right, decision, by.strip(), at, said, review_id, before),
    )


def one_note(note: str) -> str:
    """A note on one line. Raises ReviewRefused if it has more than `MAX_NOTE` characters."""
    said = " ".join(note.split())
    if len(said) > MAX_NOTE:
        raise ReviewRefused(f"a note has at most {MAX_NOTE} characters, this one has {len(said):,}: shorten it")
    return said


def _decide(
    lake: Lake,
    left: str,
    right: str,
    decision: str,
    by: str,
    at: datetime,
    note: str,
    review_id: str,
    before: Callable[[Review], object],
) -> Review:
    with _connect(lake) as connection, lake_errors("looking at a pair"):
        newest = connection.execute(
            f"""SELECT review_id, decision, "by", needs_second, second_by,
                       (SELECT max("at") FROM reviews WHERE left_id = $left AND right_id = $right)
                FROM {_STANDING} WHERE left_id = $left AND right_id = $right
                ORDER BY "at" DESC, review_id DESC LIMIT 1""",
            {"left": left, "right": right},
        ).fetchone()
        needs_second = decision == "same" and _ends_a_long_standing_id(connection, left, right, at)
    first, second = by, None
    if newest is not None:
        earlier_id, said, said_by, needed, seconded_by, said_at = newest
        at = after(said_at, at)
        is_pending = needed and seconded_by is None
        if said == decision and normalised_name(by) in {normalised_name(said_by), normalised_name(seconded_by or "")}:
            # Said again by the same person: nothing is added, and a second person is still wanted.
            return Review(earlier_id, pair_id(left, right), said, said_by, seconded_by or "", not is_pending, False)
        if is_pending and decision == "same":
            first, second, needs_second = said_by, by, True
    row = {
        "review_id": review_id, "left_id": left, "right_id": right, "decision": decision, "by": first,
        "at": at, "needs_second": needs_second, "second_by": second, "note": note,
    }  # fmt: skip
    is_complete = not needs_second or second is not None
    review = Review(review_id, pair_id(left, right), decision, first, second or "", is_complete, True)  # type: ignore[arg-type]
    before(review)
    extend(lake, "reviews", pa.Table.from_pylist([row], REVIEWS), run_id=f"review-{review_id}")
    return review


def _ends_a_long_standing_id(connection: duckdb.DuckDBPyConnection, left: str, right: str, at: datetime) -> bool:
    found = connection.execute("SELECT record_id, person_id FROM index WHERE record_id IN (?, ?)", [left, right])
    persons = dict(found.fetchall())
    if len(persons) < 2:
        raise ReviewRefused("the index does not hold both records: see `lienthong link queue`, or link first")
    if persons[left] == persons[right]:
        return False
    old = connection.execute(
        f"SELECT count(*) FROM minted WHERE person_id IN (SELECT unnest($ids)) AND {is_long_standing('minted_at')}",
        {"ids": [*persons.values()], "at": at},
    ).fetchone()
    return old == (2,)


def decided(lake: Lake, uri: str) -> tuple[int, str]:
    """Write the decisions that hold (left_id, right_id, decision, decided_at); their number and a digest."""
    with _connect(lake) as connection, lake_errors("reading the reviews"):
        connection.execute(f"COPY (FROM ({_DECIDED}) ORDER BY ALL) TO {literal(uri)} (FORMAT parquet)")
        count, digest = connection.execute(
            f"SELECT count(*), md5(coalesce(string_agg({_PAIR_ID} || decision, ',' "
            f"ORDER BY left_id, right_id), '')) FROM ({_DECIDED})"
        ).fetchall()[0]
    return int(count), str(digest)


def _ask(lake: Lake, sql: str, **values: Any) -> list[Any]:
    with _connect(lake) as connection, lake_errors("reading the review queue"):
        return connection.execute(sql, values).fetchall()


def _connect(lake: Lake) -> duckdb.DuckDBPyConnection:
    connection = lake.connect()
    for name in ("index", "links", "reviews"):
        people_view(lake, connection, name)
    view_ages(lake, connection)
    return connection
