"""How good the links are, estimated on every run without knowing the truth; and where that cannot be told.

Precision: the model's probabilities add up to the matches it expects among the pairs it links; where enough pairs of a
band of weights were reviewed, people are believed of the others. A reviewed pair counts where the model alone had it: a
decision moves its pair among the links or out of them. The probabilities of a Fellegi-Sunter model are too sure where
agreements go together (Belin and Rubin 1995), so the interval takes a pair that nobody reviewed to be no surer than the
threshold it passed.

Recall: the model cannot tell what it never saw (Winkler 2006). It is estimated over pairs of records by capture and
recapture (Chapman 1951) with two lists made apart, what id numbers join and what everything else joins, table by
table. Two lists need not be independent, and no data can show it: the interval holds for every odds ratio between them
from 1/DEPENDENCE to DEPENDENCE (Gerritse, van der Heijden and Bakker 2015). Both lists are the model's alone; pairs
that people joined are some of those that neither has. Where id numbers join fewer than
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
    """Pairs of one band of weights that the model alone links, or not. `rate`: the share of one person, by `basis`.

    `reviewed` of them are known, as people decided them, and `same` of these are one person.
    """

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
    """Pairs of records between two tables that have one person id: joined by the model, by either list or by both.

    `by_people`: pairs that have one person id because people said so.
    `cut`, `apart`: pairs that share an id number and have two person ids: as the model expects, and all of them.
    """

    pairs: float
    by_number: float
    without: float
    both: float
    by_people: float = 0.0
    cut: float = 0.0
    apart: float = 0.0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Precision and recall of a run over pairs of records. `missed`: pairs of one person with two person ids.

    `settled`: links that people made of two records; they are right, and no band has them.
    `recall` and `missed` are None where they are not estimable, and `reason` says why.
    """

    bands: tuple[Band, ...]
    precision: Estimate
    recall: Estimate | None
    missed: Estimate | None
    pairs: float
    settled: int = 0

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
    lake: Lake, *, links_uri: str, edges_uri: str, clusters_uri: str, index_uri: str, reviews_uri: str, link_at: float
) -> Accuracy:
    """The accuracy of a run's links.

    Args:
        lake: whose engine reads.
        links_uri: Parquet of the pairs, with `weight`, `probability`, `pass`, `decision` and `holds`.
        edges_uri: Parquet of EDGES, as the model alone decides.
        clusters_uri: Parquet of CLUSTERS, as those edges alone make them.
        index_uri: Parquet of the persons of all records.
        reviews_uri: Parquet of the decisions that hold (left_id, right_id, decision).
        link_at: the probability from which on the model alone links a pair.
    """
    with lake.connect() as connection, lake_errors("estimating the accuracy"):
        for name, uri in {
            "pair": links_uri, "edge": edges_uri, "clustered": clusters_uri, "member": index_uri, "review": reviews_uri
        }.items():  # fmt: skip
            connection.execute(f"CREATE TEMP VIEW {name} AS FROM {scan(uri)}")
        bands = tuple(_band(*row, link_at=link_at) for row in connection.execute(_BANDS).fetchall())
        settled = _number(connection, "SELECT count(*) FROM pair WHERE pass = 'review' AND holds")
        captured = _captured(connection, link_at)
    found = _recall(captured)
    recall, missed = found or (None, None)
    pairs = sum(one.pairs + one.by_people for one in captured if one.without)
    return Accuracy(bands, _precision(bands, settled), recall, missed, pairs, settled)


def _precision(bands: Iterable[Band], settled: int) -> Estimate:
    """Each band counts by its pairs that nobody reviewed; at the ends of the interval all of them err to one side."""
    linked = [band for band in bands if band.is_linked]
    pairs = settled + sum(band.pairs - band.reviewed for band in linked)
    if not pairs:
        return Estimate(0.0, 0.0, 1.0)
    right = (
        settled + sum((band.pairs - band.reviewed) * getattr(band.rate, end) for band in linked)
        for end in ("value", "lower", "upper")
    )
    return Estimate(*(count / pairs for count in right))


def _recall(captured: Iterable[Captured]) -> tuple[Estimate, Estimate] | None:
    """Recall, and the pairs that were missed; None where numbers join too few pairs to tell.

    Between two tables with too few of them, what holds of all tables together is taken to hold. What a chain of both
    kinds of links joins is taken to be missed as often as what one kind joins.
    """
    captured = [one for one in captured if one.without]
    whole = Captured(*(sum(getattr(one, name) for one in captured) for name in Captured.__dataclass_fields__))
    if whole.by_number < ENOUGH_PAIRS:
        return None
    unseen = lower = upper = 0.0
    for one in captured:
        known = one if one.by_number >= ENOUGH_PAIRS else whole
        most = wilson(known.both, known.by_number).upper
        least = max(wilson(known.both, known.by_number + known.apart).lower, 1e-6)
        alone = one.without - one.both
        scale = one.pairs / max(one.by_number + alone, 1.0)
        unseen += scale * alone * (known.by_number + known.cut - known.both) / (known.both + 1)
        lower += scale * alone * (1 - most) / most / DEPENDENCE
        upper += scale * (alone + Z * math.sqrt(alone)) * (1 - least) / least * DEPENDENCE
    missed = whole.cut + max(0.0, unseen - whole.by_people)
    lower = max(0.0, lower - Z * math.sqrt(lower) - whole.by_people)
    upper = max(0.0, upper + Z * math.sqrt(upper) - whole.by_people) + whole.apart + Z * Z / 2
    count = Estimate(missed, min(lower, missed), max(upper, missed))
    pairs = whole.pairs + whole.by_people
    shares = (pairs / (pairs + number) for number in (count.value, count.upper, count.lower))
    return Estimate(*shares), count


def _captured(connection: duckdb.DuckDBPyConnection, link_at: float) -> list[Captured]:
    """What each list joins between any two tables, from `edge` and `member`.

    A list joins what a path of its links leads to, inside what is one person today.
    """
    connection.execute(
        "CREATE TEMP TABLE node AS SELECT row_number() OVER (ORDER BY record_id) - 1 AS n, record_id, person_id, "
        "registry || '.' || \"table\" AS source FROM member"
    )
    connection.execute(
        "CREATE TEMP TABLE joined AS SELECT l.n AS l, r.n AS r, l.source AS l_source, r.source AS r_source, "
        "l.person_id = r.person_id AS is_one, e.pass <> 'model' AS by_number, e.decision, probability, "
        f"e.pass = 'model' OR coalesce(blind, 0.0) >= {link_at!r} AS without, TRUE AS by_model "
        "FROM edge AS e JOIN node AS l ON l.record_id = left_id JOIN node AS r ON r.record_id = right_id "
        "LEFT JOIN review USING (left_id, right_id) WHERE review.decision IS DISTINCT FROM 'different'"
    )
    labels = {"n": np.arange(_number(connection, "SELECT count(*) FROM node"))}
    for name in ("by_model", "by_number", "without"):
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
    for counts in found.values():
        counts["by_people"] -= counts["pairs"]
    return [Captured(**counts) for _, counts in sorted(found.items())]


def _number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
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
    "by_people": "person_id",
    "pairs": "person_id, by_model",
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
# A reviewed pair stands where the model alone had it: a decision takes it from there, and proves nothing of others.
_BANDS = f"""
    WITH judged AS (
        SELECT weight, probability, decision, holds, NULL AS said FROM pair
        ANTI JOIN (FROM review WHERE decision IN ('same', 'different')) USING (left_id, right_id)
        UNION ALL
        SELECT weight, probability, edge.decision, l.cluster = r.cluster AS holds, review.decision AS said
        FROM edge JOIN review USING (left_id, right_id)
        JOIN clustered AS l ON l.record_id = left_id JOIN clustered AS r ON r.record_id = right_id
        WHERE review.decision IN ('same', 'different')
    )
    SELECT len(list_filter({list(WEIGHTS)}, lambda bound: weight >= bound)) AS band, holds, count(*) AS pairs,
           sum(probability) AS expected, count(said) AS reviewed, count(*) FILTER (said = 'same') AS same
    FROM judged WHERE CASE WHEN holds THEN decision = 'link' ELSE decision <> 'finding' END
    GROUP BY ALL ORDER BY ALL
"""
