"""How good the links are, estimated on every run without knowing the truth.

Two witnesses: the model, whose probabilities add up to the matches it expects in a band of weights, and people, who
said of some pairs what they are. Where enough pairs of a band were reviewed the people are believed, else the model.
Records that neither an id number nor the model linked are estimated, table by table, from how often the model misses
what an id number finds (capture and recapture: Lincoln 1930, Chapman 1951); there are never more of them than records
without any link. Intervals per band are Wilson's (1927), at 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from include.lake.storage import Lake, lake_errors, scan

Z = 1.959964
ENOUGH_REVIEWS = 20
WEIGHTS = (0, 4, 8, 12, 16, 20)
"""Where one band of match weights (log2 Bayes factors) ends and the next begins."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Band:
    """Pairs of one band of weights that are linked, or not. `rate`: the share that is one person, by `basis`."""

    low: float | None
    high: float | None
    is_linked: bool
    pairs: int
    expected: float
    reviewed: int
    same: int
    rate: Estimate
    basis: str


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Precision and recall of the links of a run over pairs. `unseen`: records that no pass linked, as estimated."""

    bands: tuple[Band, ...]
    precision: Estimate
    recall: Estimate
    unseen: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def wilson(successes: float, trials: float, z: float = Z) -> Estimate:
    """The share and its score interval (Wilson, 1927): honest with few trials and with shares near 0 and 1."""
    if trials <= 0:
        return Estimate(0.0, 0.0, 1.0)
    share = successes / trials
    square = z * z
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = z / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    return Estimate(share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half)))


def estimate(
    lake: Lake, *, links_uri: str, index_uri: str, reviews_uri: str, link_weight: float, id_weight: float = 0.0
) -> Accuracy:
    """The accuracy of a run's links.

    Args:
        lake: whose engine reads.
        links_uri: Parquet of the pairs, with `weight`, `probability`, `pass`, `decision` and `holds`.
        index_uri: Parquet of the persons of all records.
        reviews_uri: Parquet of the decisions that hold (left_id, right_id, decision).
        link_weight: the weight from which on the model alone links a pair.
        id_weight: what an equal id number adds to the weight of a pair that was linked by it.
    """
    connection = lake.connect()
    try:
        with lake_errors("estimating the accuracy"):
            connection.execute(f"CREATE TEMP VIEW pair AS FROM {scan(links_uri)}")
            connection.execute(f"CREATE TEMP VIEW member AS FROM {scan(index_uri)}")
            connection.execute(f"CREATE TEMP VIEW review AS FROM {scan(reviews_uri)}")
            rows = connection.execute(_BANDS).fetchall()
            captured = connection.execute(_CAPTURED, {"link": link_weight, "id": id_weight}).fetchall()
    finally:
        connection.close()
    unseen = sum(min(by_id * by_model / (both + 1), alone) for both, by_id, by_model, alone in captured)
    return combine([_band(*row) for row in rows], unseen=float(unseen))


def combine(bands: Iterable[Band], *, unseen: float) -> Accuracy:
    """Precision and recall over all bands: each counts by its pairs, its interval as independent of the others'."""
    bands = tuple(bands)
    linked = [band for band in bands if band.is_linked]
    found, error = _matches(linked)
    missed, missed_error = _matches([band for band in bands if not band.is_linked])
    pairs = sum(band.pairs for band in linked)
    precision = _interval(found, pairs, error)
    missed += unseen
    # Chapman's estimate has a spread of about its own size; half of it is taken as its standard error.
    missed_error = math.hypot(missed_error, unseen / 2)
    total = found + missed
    if total <= 0:
        return Accuracy(bands, precision, Estimate(0.0, 0.0, 1.0), unseen)
    slope = math.hypot(missed / total**2 * error, found / total**2 * missed_error)
    recall = found / total
    return Accuracy(
        bands, precision, Estimate(recall, max(0.0, recall - Z * slope), min(1.0, recall + Z * slope)), unseen
    )


def _matches(bands: list[Band]) -> tuple[float, float]:
    """How many pairs of these bands are one person, and the standard error of that."""
    count = sum(band.pairs * band.rate.value for band in bands)
    error = math.sqrt(sum((band.pairs * (band.rate.upper - band.rate.lower) / (2 * Z)) ** 2 for band in bands))
    return count, error


def _interval(found: float, pairs: int, error: float) -> Estimate:
    if not pairs:
        return Estimate(0.0, 0.0, 1.0)
    share, half = found / pairs, Z * error / pairs
    return Estimate(share, max(0.0, share - half), min(1.0, share + half))


def _band(number: int, is_linked: bool, pairs: int, expected: float, reviewed: int, same: int) -> Band:
    low = None if number == 0 else float(WEIGHTS[number - 1])
    high = None if number == len(WEIGHTS) else float(WEIGHTS[number])
    is_reviewed = reviewed >= min(ENOUGH_REVIEWS, pairs)
    rate = wilson(same, reviewed) if is_reviewed else wilson(expected, pairs)
    return Band(low, high, is_linked, pairs, expected, reviewed, same, rate, "reviews" if is_reviewed else "model")


# Of the records of each table: linked by an id number and strongly enough without it, by one of the two, or not at all.
_CAPTURED = """
    WITH side AS (
        SELECT unnest([left_id, right_id]) AS record_id, pass IN ('personal_id', 'old_id') AS has_id,
               pass = 'model' AS alike, weight
        FROM pair WHERE holds AND pass IN ('personal_id', 'old_id', 'model')
    ), linked AS (
        SELECT record_id, bool_or(has_id) AS by_id,
               bool_or(weight - CASE WHEN has_id THEN $id ELSE 0 END >= $link OR alike) AS by_model
        FROM side GROUP BY record_id
    ), sized AS (SELECT *, count(*) OVER (PARTITION BY person_id) AS records FROM member)
    SELECT count(*) FILTER (by_id AND by_model), count(*) FILTER (by_id AND NOT by_model),
           count(*) FILTER (by_model AND NOT by_id), count(*) FILTER (records = 1)
    FROM sized LEFT JOIN linked USING (record_id) GROUP BY registry, "table"
"""

# A doubtful pair that holds because both records are linked to a third is no link of its own, and nothing was missed.
_BANDS = f"""
    SELECT len(list_filter({list(WEIGHTS)}, lambda bound: weight >= bound)) AS band, holds, count(*) AS pairs,
           sum(probability) AS expected,
           count(*) FILTER (review.decision IN ('same', 'different')) AS reviewed,
           count(*) FILTER (review.decision = 'same') AS same
    FROM pair LEFT JOIN review USING (left_id, right_id)
    WHERE CASE WHEN holds THEN pair.decision = 'link' ELSE pair.decision <> 'finding' END
    GROUP BY ALL ORDER BY ALL
"""
