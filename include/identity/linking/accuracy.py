"""How good the links are, estimated on every run without knowing the truth; and where that cannot be told.

Precision: the model's probabilities add up to the matches it expects among the pairs it links; where enough pairs of a
band of weights were reviewed, people are believed instead. The probabilities of a Fellegi-Sunter model are too sure
where agreements go together (Belin and Rubin 1995), so the interval takes a pair that nobody reviewed to be no surer
than the threshold it passed.

Recall: the model cannot tell what it never saw (Winkler 2006). It is estimated over pairs of records by capture and
recapture (Chapman 1951) with two lists made apart, what id numbers join and what everything else joins, table by
table. Two lists need not be independent, and no data can show it: the interval holds for every odds ratio between them
from 1/DEPENDENCE to DEPENDENCE (Gerritse, van der Heijden and Bakker 2015). Where id numbers join fewer than
ENOUGH_PAIRS there is only one list, and recall is not estimable. Pairs with a table that nothing but numbers can join
(cards without a name) are left out. Intervals of shares are Wilson's (1927), at 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from include.identity.persons import components
from include.lake.storage import Lake, lake_errors, scan

Z = 1.959964
ENOUGH_REVIEWS = 20
ENOUGH_PAIRS = 30
DEPENDENCE = 3.0
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
class Captured:
    """Pairs of records between two tables that have one person id: all, and those joined by either list or by both.

    `cut`, `apart`: pairs that share an id number and have two person ids: as the model expects, and all of them.
    """

    pairs: float
    by_number: float
    without: float
    both: float
    cut: float = 0.0
    apart: float = 0.0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Precision and recall of a run over pairs of records. `missed`: pairs of one person with two person ids.

    `recall` and `missed` are None where they are not estimable, and `reason` says why.
    """

    bands: tuple[Band, ...]
    precision: Estimate
    recall: Estimate | None
    missed: Estimate | None
    pairs: float

    @property
    def reason(self) -> str:
        """Why recall is not estimable, as a key of NO_RECALL; empty where it is."""
        return "" if self.recall else "numbers"


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
    lake: Lake, *, links_uri: str, edges_uri: str, index_uri: str, reviews_uri: str, link_at: float
) -> Accuracy:
    """The accuracy of a run's links.

    Args:
        lake: whose engine reads.
        links_uri: Parquet of the pairs, with `weight`, `probability`, `pass`, `decision` and `holds`.
        edges_uri: Parquet of EDGES, which the links were made of.
        index_uri: Parquet of the persons of all records.
        reviews_uri: Parquet of the decisions that hold (left_id, right_id, decision).
        link_at: the probability from which on the model alone links a pair.
    """
    with lake.connect() as connection, lake_errors("estimating the accuracy"):
        for name, uri in (("pair", links_uri), ("edge", edges_uri), ("member", index_uri), ("review", reviews_uri)):
            connection.execute(f"CREATE TEMP VIEW {name} AS FROM {scan(uri)}")
        bands = tuple(_band(*row, link_at=link_at) for row in connection.execute(_BANDS).fetchall())
        captured = _captured(connection, link_at)
    found = _recall(captured)
    recall, missed = found or (None, None)
    return Accuracy(bands, _precision(bands), recall, missed, sum(one.pairs for one in captured if one.without))


def _precision(bands: Iterable[Band]) -> Estimate:
    """Each band counts by its pairs; at the ends of the interval all of them err to one side."""
    linked = [band for band in bands if band.is_linked]
    pairs = sum(band.pairs for band in linked)
    if not pairs:
        return Estimate(0.0, 0.0, 1.0)
    ends = ("value", "lower", "upper")
    return Estimate(*(sum(band.pairs * getattr(band.rate, end) for band in linked) / pairs for end in ends))


def _recall(captured: Iterable[Captured]) -> tuple[Estimate, Estimate] | None:
    """Recall, and the pairs that were missed; None where numbers join too few pairs to tell.

    Between two tables with too few of them, what holds of all tables together is taken to hold. What a chain of both
    kinds of links joins is taken to be missed as often as what one kind joins.
    """
    captured = [one for one in captured if one.without]
    whole = Captured(*(sum(getattr(one, name) for one in captured) for name in Captured.__dataclass_fields__))
    if whole.by_number < ENOUGH_PAIRS:
        return None
    missed = lower = upper = 0.0
    for one in captured:
        known = one if one.by_number >= ENOUGH_PAIRS else whole
        most = wilson(known.both, known.by_number).upper
        least = max(wilson(known.both, known.by_number + known.apart).lower, 1e-6)
        alone = one.without - one.both
        scale = one.pairs / max(one.by_number + alone, 1.0)
        missed += one.cut + scale * alone * (known.by_number + known.cut - known.both) / (known.both + 1)
        lower += scale * alone * (1 - most) / most / DEPENDENCE
        upper += scale * (alone + Z * math.sqrt(alone)) * (1 - least) / least * DEPENDENCE
    lower = max(0.0, lower - Z * math.sqrt(lower))
    upper += whole.apart + Z * math.sqrt(upper) + Z * Z / 2
    count = Estimate(missed, min(lower, missed), max(upper, missed))
    shares = (whole.pairs / (whole.pairs + number) for number in (count.value, count.upper, count.lower))
    return Estimate(*shares), count


def _captured(connection: duckdb.DuckDBPyConnection, link_at: float) -> list[Captured]:
    """What each list joins between any two tables, from `edge` and `member`.

    A list joins what a path of its links leads to. What people called one person no number told them.
    """
    connection.execute(
        "CREATE TEMP TABLE node AS SELECT row_number() OVER (ORDER BY record_id) - 1 AS n, record_id, person_id, "
        "registry || '.' || \"table\" AS source FROM member"
    )
    connection.execute(
        "CREATE TEMP TABLE joined AS SELECT l.n AS l, r.n AS r, l.source AS l_source, r.source AS r_source, "
        "l.person_id = r.person_id AS is_one, e.pass NOT IN ('model', 'review') AS by_number, decision, probability, "
        f"e.pass IN ('model', 'review') OR coalesce(blind, 0.0) >= {link_at!r} AS without "
        "FROM edge AS e JOIN node AS l ON l.record_id = left_id JOIN node AS r ON r.record_id = right_id"
    )
    labels = {"n": np.arange(_count(connection, "node"))}
    for name in ("by_number", "without"):
        ends = connection.execute(f"SELECT l, r FROM joined WHERE {name} AND is_one AND decision = 'link'").fetchnumpy()
        labels[name] = components(len(labels["n"]), np.asarray(ends["l"], np.int64), np.asarray(ends["r"], np.int64))
    connection.register("labelled", pa.table(labels))
    connection.execute("CREATE TEMP TABLE sorted AS SELECT * FROM node JOIN labelled USING (n)")
    found: dict[tuple[str, str], dict[str, float]] = {}
    for name, keys in _LISTS.items():
        for one, other, pairs in connection.execute(_PAIRS.format(keys=keys)).fetchall():
            found.setdefault((one, other), dict.fromkeys(Captured.__dataclass_fields__, 0.0))[name] = pairs
    for one, other, cut, apart in connection.execute(_APART).fetchall():
        if (one, other) in found:
            found[one, other] |= {"cut": cut, "apart": apart}
    return [Captured(**counts) for _, counts in sorted(found.items())]


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


def _band(
    number: int, is_linked: bool, pairs: int, expected: float, reviewed: int, same: int, *, link_at: float
) -> Band:
    low = None if number == 0 else float(WEIGHTS[number - 1])
    high = None if number == len(WEIGHTS) else float(WEIGHTS[number])
    if reviewed >= min(ENOUGH_REVIEWS, pairs):
        return Band(low, high, is_linked, pairs, expected, reviewed, same, wilson(same, reviewed), "reviews")
    share = min(expected / pairs, 1.0)
    rate = Estimate(share, min(share, link_at), 1.0) if is_linked else Estimate(share, 0.0, 1.0)
    return Band(low, high, is_linked, pairs, expected, reviewed, same, rate, "model")


_LISTS = {
    "pairs": "person_id",
    "by_number": "person_id, by_number",
    "without": "person_id, without",
    "both": "person_id, by_number, without",
}

# Pairs of records that agree on the keys, between any two tables.
_PAIRS = """
    WITH counted AS (SELECT {keys}, source, count(*)::DOUBLE AS records FROM sorted GROUP BY ALL)
    SELECT l.source, r.source, sum(CASE WHEN l.source = r.source THEN l.records * (l.records - 1) / 2
                                        ELSE l.records * r.records END) AS pairs
    FROM counted AS l JOIN counted AS r USING ({keys}) WHERE l.source <= r.source GROUP BY ALL HAVING pairs > 0
"""

_APART = """
    SELECT least(l_source, r_source), greatest(l_source, r_source),
           coalesce(sum(probability) FILTER (decision = 'link'), 0.0), count(*)::DOUBLE
    FROM joined WHERE by_number AND NOT is_one GROUP BY ALL
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
