"""What the report says, as frozen values: counts, ids, times and the contracts' own words, no value of a registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from include.audit.report_data.freshness import Freshness
from include.audit.report_data.quality_index import Index
from include.audit.report_data.run_history import rejected_percent
from include.contracts import Contract, Language, Table, pick
from include.lake.rejected import OpenRule, RejectionBacklog


@dataclass(frozen=True, slots=True)
class Run:
    """What one published run did to a table."""

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
        """The share of the judged rows that were rejected."""
        return rejected_percent(self.accepted, self.rejected) or 0.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """The last run of a table, whatever came of it."""

    run_id: str
    at: datetime
    verdict: str
    error_type: str
    error: str
    refused_by: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a run left of a table: its published rows, and its rejected rows that are open."""

    run_id: str
    published_rows: int
    open_rows: int

    @property
    def judged(self) -> int:
        """The rows that the rules speak of."""
        return self.published_rows + self.open_rows

    @property
    def open_percent(self) -> float:
        """The share of these that is open."""
        return 100 * self.open_rows / self.judged if self.judged else 0.0


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """A rule: how many of the `rows` of the table as it stands break it, and what the last published run counted.

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
        """What must hold, in one language; empty if no contract says it any more."""
        return pick(language, self.vietnamese, self.description)

    def law(self, language: Language) -> str:
        """What it rests on, in one language; empty if the contract cites nothing."""
        return pick(language, self.legal_source_vietnamese, self.legal_source)

    @property
    def disagrees(self) -> bool:
        """Whether both evaluations of the run counted and did not find the same."""
        return None not in (self.in_run, self.gx_violations) and self.in_run != self.gx_violations

    @property
    def is_size(self) -> bool:
        """Whether it asks for a number of rows: then there is nothing that breaks it."""
        return self.metric == "rowCount"

    @property
    def percent(self) -> float:
        """The share of the judged rows that break the rule."""
        return 100 * (self.violations or 0) / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One published run in the course of a table: how the table stood after it, and its index without Sống.

    Both are None after a run of which that is not on record.
    """

    run: Run
    index: float | None
    standing: Standing | None = None

    @property
    def open_percent(self) -> float | None:
        """The share of the table's rows that was rejected and open."""
        return self.standing.open_percent if self.standing else None


@dataclass(frozen=True, slots=True)
class TableReport:
    """One table. `last` is the run that made what is published; None if nothing is. `open`: its open rejected rows.

    `standing` is None if no run has counted the table yet; the next one will, also if it finds nothing new.
    """

    table: Table
    runs: int
    latest: Attempt | None
    last: Run | None
    freshness: Freshness
    index: Index
    rules: tuple[RuleFigures, ...]
    trend: tuple[TrendPoint, ...]
    open: RejectionBacklog | None = None
    standing: Standing | None = None

    @property
    def live_rows(self) -> int:
        """The rows that are published."""
        return self.last.live_rows if self.last else 0

    @property
    def open_count(self) -> int:
        """The rejected rows that are open."""
        return self.open.total.rows if self.open else 0

    def opened(self, rule_id: str) -> OpenRule | None:
        """Since when the rule rejects rows that are open, and the course of a month; None if it rejects none."""
        return next((rule for rule in self.open.rules if rule.rule_id == rule_id), None) if self.open else None

    @property
    def reasons(self) -> tuple[RuleFigures, ...]:
        """The rules that the open rejected rows break, most frequent first."""
        broken = [r for r in self.rules if r.violations and r.severity == "error" and r.scope != "table"]
        return tuple(sorted(broken, key=lambda rule: (-(rule.violations or 0), rule.rule_id)))

    @property
    def warnings(self) -> tuple[RuleFigures, ...]:
        """The rules that published rows break with a warning, most frequent first."""
        broken = [r for r in self.rules if r.violations and r.severity == "warning" and r.scope != "table"]
        return tuple(sorted(broken, key=lambda rule: (-(rule.violations or 0), rule.rule_id)))


@dataclass(frozen=True, slots=True)
class RegistryReport:
    """One registry: its contract and its tables."""

    contract: Contract
    tables: tuple[TableReport, ...]
    index: Index

    @property
    def name(self) -> str:
        """The registry's id."""
        return self.contract.registry

    def broken(
        self, kind: Literal["reasons", "warnings"]
    ) -> tuple[tuple[TableReport, RuleFigures, OpenRule | None], ...]:
        """The rules of its tables that rows break, most violations first: `reasons` of rejections, or `warnings`."""
        found = [
            (table, rule, table.opened(rule.rule_id))
            for table in self.tables
            for rule in (table.reasons if kind == "reasons" else table.warnings)
        ]
        return tuple(sorted(found, key=lambda broken: (-(broken[1].violations or 0), broken[1].rule_id)))


@dataclass(frozen=True, slots=True)
class GateEvent:
    """A run that its gate held back. `findings`: {what, measured, allowed, message}.

    `refusal` is `declined` or `timed out`; without it and without an approval the run still waits.
    """

    run_id: str
    registry: str
    table: str
    at: datetime
    findings: tuple[Mapping[str, Any], ...]
    approved_by: str
    approval_note: str
    is_published: bool
    refusal: str = ""
    refused_by: str = ""
    refusal_note: str = ""

    @property
    def decision(self) -> str:
        """`published`, `approved`, `declined` or `timed out`; `waiting` if none yet."""
        if self.is_published:
            return "published"
        return self.refusal or ("approved" if self.approved_by else "waiting")

    @property
    def decided_by(self) -> str:
        """Who approved or declined."""
        return self.approved_by or self.refused_by

    @property
    def note(self) -> str:
        """The reason of whoever did."""
        return self.approval_note or self.refusal_note


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole report. `verdicts`: how often each was given, over all runs and tables."""

    at: datetime
    registries: tuple[RegistryReport, ...]
    gate: tuple[GateEvent, ...]
    verdicts: Mapping[str, int]
    index: Index

    @property
    def tables(self) -> tuple[TableReport, ...]:
        """The tables of all registries."""
        return tuple(table for registry in self.registries for table in registry.tables)

    @property
    def is_empty(self) -> bool:
        """Whether no run left evidence yet."""
        return not self.verdicts

    @property
    def open_rows(self) -> int:
        """Rejected rows of all tables that are open."""
        return sum(table.open_count for table in self.tables)

    def total(self, figure: str) -> int:
        """A figure of `Run`, summed over what is published."""
        return sum(getattr(table.last, figure) for table in self.tables if table.last)
