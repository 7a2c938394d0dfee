"""Model of the report of one table: frozen values with counts, ids, times and texts of contracts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from include.audit.report_data.freshness import Freshness
from include.audit.report_data.quality_index import Index
from include.audit.report_data.run_history import rejected_percent
from include.contracts.model import Table
from include.contracts.words import Language, pick
from include.lake.rejected import OpenRule, RejectionBacklog


@dataclass(frozen=True, slots=True)
class RunCounts:
    """Counts of one published run of a table."""

    run_id: str
    at: datetime
    seconds: float
    version: int
    contract_version: str
    source: str
    approved_by: str
    extracted: int
    accepted: int
    rejected: int
    superseded: int
    deleted: int
    retained: int
    inserted: int
    updated: int
    live_rows: int
    bytes: int

    @property
    def rejected_percent(self) -> float:
        """Percentage of judged rows that were rejected."""
        return rejected_percent(self.accepted, self.rejected) or 0.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """The last run of a table, whatever its verdict."""

    run_id: str
    at: datetime
    verdict: str
    error_type: str
    error: str
    refused_by: str = ""
    drift: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableCounts:
    """Counts of a table after a run: published rows and open rejected rows."""

    run_id: str
    published_rows: int
    open_rows: int

    @property
    def judged(self) -> int:
        """Number of rows that the rules judge."""
        return self.published_rows + self.open_rows

    @property
    def open_percent(self) -> float:
        """Percentage of these that are open rejections."""
        return 100 * self.open_rows / self.judged if self.judged else 0.0


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """Counts of one rule: violations among the `rows` of the whole table, and in the last published run.

    `in_run` of `in_run_rows` by the split, `gx_violations` by Great Expectations (None: not counted).
    """

    rule_id: str
    columns: tuple[str, ...]
    metric: str
    scope: str
    severity: str
    dimension: str
    description: str
    legal_source: str
    bound: str
    rows: int | None
    violations: int | None
    in_run_rows: int | None
    in_run: int | None
    gx_violations: int | None
    vietnamese: str = ""
    legal_source_vietnamese: str = ""

    def text(self, language: Language) -> str:
        """The rule's text in one language; empty if no contract has it any more."""
        return pick(language, self.vietnamese, self.description)

    def law(self, language: Language) -> str:
        """The rule's legal references in one language; empty if the contract cites none."""
        return pick(language, self.legal_source_vietnamese, self.legal_source)

    @property
    def disagrees(self) -> bool:
        """Whether the two evaluations of the run differ."""
        return None not in (self.in_run, self.gx_violations) and self.in_run != self.gx_violations

    @property
    def is_size(self) -> bool:
        """Whether it bounds the row count, which has no violating rows."""
        return self.metric == "rowCount"

    @property
    def percent(self) -> float:
        """Percentage of judged rows that break the rule."""
        return 100 * (self.violations or 0) / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One point of a table's trend: table counts after a published run, and its index without Sống.

    Both are None if they were not recorded.
    """

    run: RunCounts
    index: float | None
    standing: TableCounts | None = None

    @property
    def open_percent(self) -> float | None:
        """Percentage of the table's rows that were open rejections."""
        return self.standing.open_percent if self.standing else None


@dataclass(frozen=True, slots=True)
class TableReport:
    """Report of one table. `last` is the last published run, or None; `open` are its open rejected rows.

    `standing` is None if no run has counted the table yet; the next one will, also if it finds nothing new. Of a table
    that several servers deliver, every figure is the sum over `slices`, the reports of their parts.
    """

    table: Table
    runs: int
    latest: Attempt | None
    last: RunCounts | None
    freshness: Freshness
    index: Index
    rules: tuple[RuleFigures, ...]
    trend: tuple[TrendPoint, ...]
    open: RejectionBacklog | None = None
    standing: TableCounts | None = None
    slices: tuple[TableReport, ...] = ()

    @property
    def live_rows(self) -> int:
        """Number of published rows."""
        return self.last.live_rows if self.last else 0

    @property
    def open_count(self) -> int:
        """Number of open rejected rows."""
        return self.open.total.rows if self.open else 0

    def opened(self, rule_id: str) -> OpenRule | None:
        """Open rejections by a rule, with age and trend; None if it has none."""
        return next((rule for rule in self.open.rules if rule.rule_id == rule_id), None) if self.open else None

    @property
    def reasons(self) -> tuple[RuleFigures, ...]:
        """Rules broken by open rejected rows, most frequent first."""
        broken = [r for r in self.rules if r.violations and r.severity == "error" and r.scope != "table"]
        return tuple(sorted(broken, key=lambda rule: (-(rule.violations or 0), rule.rule_id)))

    @property
    def warnings(self) -> tuple[RuleFigures, ...]:
        """Warning rules broken by published rows, most frequent first."""
        broken = [r for r in self.rules if r.violations and r.severity == "warning" and r.scope != "table"]
        return tuple(sorted(broken, key=lambda rule: (-(rule.violations or 0), rule.rule_id)))
