"""Results of the split of a table's run: URIs and counts, never a row."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from include.contracts.model import Rule, Scope, Severity
from include.lake.delta import StagedFiles


@dataclass(frozen=True, slots=True)
class RuleCount:
    """Count of the `rows` that a rule judged and of its violations. For `rowCount`, `violations` is the row count.

    A `row` rule judges every extracted row, a `set` rule the rows that pass the row rules and are the newest of their
    key, a `table` rule the accepted rows and the published context.
    """

    rule_id: str
    metric: str
    scope: Scope
    severity: Severity
    dimension: str
    violations: int
    rows: int
    columns: tuple[str, ...]

    @classmethod
    def of(cls, rule: Rule, violations: int, rows: int) -> RuleCount:
        """The count of a rule."""
        return cls(rule.rule_id, rule.metric, rule.scope, rule.severity, rule.dimension, violations, rows, rule.columns)


@dataclass(frozen=True, slots=True)
class SplitResult:
    """Outcome counts of one table's run: extracted = accepted + rejected + superseded.

    `beside` is the URI of the published context, `elsewhere` of the keys that other servers have published; empty if
    there are none.
    """

    staged: StagedFiles
    extracted: int
    accepted: int
    rejected: int
    superseded: int
    counts: tuple[RuleCount, ...]
    seconds: float
    beside: str = ""
    elsewhere: str = ""

    def count(self, rule_id: str) -> RuleCount:
        """The count of that rule; KeyError if the table has no such rule."""
        for count in self.counts:
            if count.rule_id == rule_id:
                return count
        raise KeyError(rule_id)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for XCom and JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SplitResult:
        """The inverse of `to_dict`, also after JSON."""
        counts = tuple(RuleCount(**{**c, "columns": tuple(c["columns"])}) for c in values["counts"])
        return cls(**{**values, "staged": StagedFiles(**values["staged"]), "counts": counts})
