"""From which probability on pairs are linked so that the links have a wanted precision; and what that costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from include.identity.linkage_model import Model
from include.identity.linking.accuracy import Accuracy, Estimate

WANTED = (0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)
"""The precisions that a run tells the cost of."""
_MOST = 0.999999

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A wanted precision of what the model links, the `link_at` that gives it, and what a run would find with that.

    `links`, `reviews`: pairs linked, and left to people. `recall` is None where it is not estimable.
    """

    precision: float
    link_at: float
    links: int
    reviews: int
    recall: Estimate | None


def thresholds(
    connection: duckdb.DuckDBPyConnection, links: str, model: Model, accuracy: Accuracy | None, wanted: Iterable[float]
) -> tuple[Threshold, ...]:
    """What each wanted precision comes to.

    Precision is of the pairs that the model alone links, whatever share of all links they are: the mean of their
    probabilities, which is what the model expects of them, and never surer than the model is right. Each pair is
    taken to join or part two persons by itself.

    Args:
        connection: reads `links`.
        links: a run's pairs with `pass`, `probability` and `decision`, as SQL.
        model: with the thresholds that made them.
        accuracy: of the run; None to leave recall out.
        wanted: shares of pairs, above 0 and below 1.
    """
    pairs = connection.execute(
        f"""SELECT probability FROM {links} WHERE pass = 'model' AND decision IN ('link', 'review')
        AND probability >= {model.review_at!r} ORDER BY probability DESC"""
    ).fetchnumpy()
    others = connection.execute(f"SELECT count(*) FROM {links} WHERE pass <> 'model' AND decision = 'link'").fetchone()
    likely: Probabilities = np.asarray(pairs["probability"], np.float64)
    made = []
    for precision in wanted:
        link_at = _least(likely, precision, model.review_at)
        linked = int((likely >= link_at).sum())
        made.append(
            Threshold(
                precision, link_at, linked + (int(others[0]) if others else 0), len(likely) - linked,
                _recall(likely, link_at, model.link_at, accuracy),
            )
        )  # fmt: skip
    return tuple(made)


def _least(likely: Probabilities, precision: float, review_at: float) -> float:
    """The lowest probability, of six digits, down to which the mean is as wanted."""
    if not likely.size:
        return min(precision, _MOST)
    steps = np.floor(likely * 1e6) / 1e6
    means = np.cumsum(likely) / np.arange(1, len(likely) + 1)
    is_end = np.append(steps[1:] < steps[:-1], True)  # pairs of one probability are linked together or not
    enough = np.flatnonzero(is_end & (means >= precision))
    return min(max(float(steps[enough[-1]]), review_at), _MOST) if enough.size else _MOST


def _recall(likely: Probabilities, link_at: float, now: float, accuracy: Accuracy | None) -> Estimate | None:
    if accuracy is None or accuracy.missed is None:
        return None
    more = float(likely[likely >= link_at].sum() - likely[likely >= now].sum())
    missed, pairs = accuracy.missed, accuracy.pairs
    shares = (
        (pairs + more) / max(pairs + count, pairs + more, 1.0) for count in (missed.value, missed.upper, missed.lower)
    )
    return Estimate(*shares)
