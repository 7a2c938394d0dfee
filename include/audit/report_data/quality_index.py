"""Quality index of a table: 0 to 100 for each of the Government's five criteria: Đúng, Đủ, Sạch, Sống, Thống nhất.

Each criterion (word) starts at 100 and loses the share of rows that break its rules:

    word = max(0, 100 * (1 - sum over the word's rules of violations / rows))

over the table's published rows and open rejections. So it is a lower bound of the share of rows without fault by this
criterion: a row that breaks two rules is deducted twice, and no rule that always holds can raise the index. Sống starts
from the table's freshness instead of 100. A criterion without rules is not measured.
docs/explanation/quality-index.md explains it, with the SQL by which an auditor repeats it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from include.contracts.model import Bound

Word = Literal["accuracy", "completeness", "cleanliness", "timeliness", "consistency"]
WORDS: tuple[Word, ...] = get_args(Word)

OF_DIMENSION: Mapping[str, Word] = {
    "accuracy": "accuracy",
    "completeness": "completeness",
    "coverage": "completeness",
    "conformity": "cleanliness",
    "uniqueness": "cleanliness",
    "timeliness": "timeliness",
    "consistency": "consistency",
}
"""Criterion of each ODCS dimension."""

FRESHNESS = "freshness"


@dataclass(frozen=True, slots=True)
class Counted:
    """One rule's count in `audit/table_checks`, with the contract's bound if it is a rule over the whole table."""

    rule_id: str
    dimension: str
    metric: str
    scope: str
    rows: int
    violations: int
    bound: Bound | None = None


@dataclass(frozen=True, slots=True)
class Deduction:
    """Points (of 100) that one rule deducts from a criterion."""

    word: Word
    source: str
    violations: int
    rows: int
    points: float


@dataclass(frozen=True, slots=True)
class Index:
    """Index by criterion (None: not measured) and its deductions, the largest first."""

    words: Mapping[Word, float | None]
    deductions: tuple[Deduction, ...] = ()

    @property
    def overall(self) -> float | None:
        """The mean of the measured criteria."""
        return _mean(self.words.values())

    @property
    def without_timeliness(self) -> float | None:
        """The mean of the measured criteria without Sống: what the rows are worth, whatever their age."""
        return _mean(value for word, value in self.words.items() if word != "timeliness")


NOT_MEASURED = Index(dict.fromkeys(WORDS))


def table_index(counts: Iterable[Counted], *, freshness: float | None) -> Index:
    """The index of one table, from its rules' counts over the whole table and its freshness (0 to 100)."""
    deductions: list[Deduction] = []
    measured: set[Word] = set()
    for count in counts:
        word = OF_DIMENSION.get(count.dimension)
        if word is None:
            continue
        measured.add(word)
        if points := _points(count):
            deductions.append(Deduction(word, count.rule_id, count.violations, count.rows, points))
    if freshness is not None:
        measured.add("timeliness")
        if freshness < 100:
            deductions.append(Deduction("timeliness", FRESHNESS, 0, 0, 100 - freshness))
    lost = {word: sum(d.points for d in deductions if d.word == word) for word in WORDS}
    words = {word: max(0.0, 100 - lost[word]) if word in measured else None for word in WORDS}
    return Index(words, tuple(sorted(deductions, key=lambda d: (-d.points, WORDS.index(d.word), d.source))))


def mean_index(indices: Iterable[Index]) -> Index:
    """The unweighted mean of indices: a registry's from its tables', the country's from its registries'."""
    listed = list(indices)
    return Index({word: _mean(index.words[word] for index in listed) for word in WORDS})


def _points(count: Counted) -> float:
    """100 x violations / rows. A rule over the whole table takes nothing while its bound holds."""
    if count.scope != "table":
        return 100 * count.violations / count.rows if count.rows else 0.0
    bound = count.bound
    share = count.violations / count.rows if count.rows else 0.0
    if count.metric == "rowCount":  # `rowCount` has no violations
        return 0.0 if bound is None or bound.holds(count.rows) else 100.0
    if bound is None or bound.holds(100 * share if bound.unit == "percent" else count.violations):
        return 0.0
    return 100 * (1 - share) if bound.operator in (">", ">=") else 100 * share


def _mean(values: Iterable[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None
