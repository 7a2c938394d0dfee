"""Model of the report: frozen values with counts, ids, times and texts of contracts, no value of a registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from include.audit.report_data.freshness import Freshness, combined
from include.audit.report_data.quality_index import Index
from include.audit.report_data.servers import ServerFacts
from include.audit.report_data.table_report import RuleFigures, TableReport
from include.contracts.model import Contract
from include.contracts.words import RecordedFinding
from include.lake.rejected import OpenRule

WORST_FIRST = ("failed", "held", "declined", "timed out", "published", "unchanged")


@dataclass(frozen=True, slots=True)
class ServerReport:
    """Report of one server of a registry, over its slices of the tables."""

    facts: ServerFacts
    slices: tuple[TableReport, ...]
    index: Index

    @property
    def freshness(self) -> Freshness:
        """Freshness of its slices together."""
        return combined([one.freshness for one in self.slices])

    @property
    def is_missing(self) -> bool:
        """Whether it is read, and one of its slices is late or never came."""
        return self.facts.is_read and not self.freshness.is_fresh

    @property
    def delivered_at(self) -> datetime | None:
        """When all of its tables were last delivered; None if one of them never was."""
        stands = self.freshness
        return stands.last_good_at if all(part.last_good_at for part in stands.parts) else None

    @property
    def live_rows(self) -> int:
        """Number of published rows."""
        return sum(one.live_rows for one in self.slices)

    @property
    def open_count(self) -> int:
        """Number of open rejected rows."""
        return sum(one.open_count for one in self.slices)

    @property
    def open_percent(self) -> float | None:
        """Percentage of its judged rows that are open rejections; None if none was judged."""
        judged = sum(one.standing.judged for one in self.slices if one.standing)
        opened = sum(one.standing.open_rows for one in self.slices if one.standing)
        return 100 * opened / judged if judged else None

    @property
    def verdict(self) -> str:
        """The worst verdict of the newest runs of its tables; empty without a run."""
        verdicts = {one.latest.verdict for one in self.slices if one.latest}
        return next((verdict for verdict in WORST_FIRST if verdict in verdicts), "")

    @property
    def drift(self) -> tuple[tuple[TableReport, str], ...]:
        """What the newest runs noted of changes at the source, by table."""
        return tuple((one, note) for one in self.slices if one.latest for note in one.latest.drift)


@dataclass(frozen=True, slots=True)
class RegistryReport:
    """Report of one registry: its contract and its tables; of several servers also theirs, in the contract's order."""

    contract: Contract
    tables: tuple[TableReport, ...]
    index: Index
    servers: tuple[ServerReport, ...] = ()

    @property
    def ranked(self) -> tuple[ServerReport, ...]:
        """The servers that are read: by index, of equal ones the fresher and then the one with less rejected first."""

        def place(server: ServerReport) -> tuple[float, float, float, str]:
            index, score = server.index.overall, server.freshness.score
            return (-(index or 0.0), -(score or 0.0), server.open_percent or 0.0, server.facts.name)

        return tuple(sorted((server for server in self.servers if server.facts.is_read), key=place))

    @property
    def name(self) -> str:
        """The registry's id."""
        return self.contract.registry

    @property
    def not_read(self) -> tuple[ServerReport, ...]:
        """The servers that have ended or that the contract no longer has."""
        return tuple(server for server in self.servers if not server.facts.is_read)

    def broken(
        self, kind: Literal["reasons", "warnings"]
    ) -> tuple[tuple[TableReport, RuleFigures, OpenRule | None], ...]:
        """Broken rules of its tables, most violations first: `reasons` of rejections, or `warnings`."""
        found = [
            (table, rule, table.opened(rule.rule_id))
            for table in self.tables
            for rule in (table.reasons if kind == "reasons" else table.warnings)
        ]
        return tuple(sorted(found, key=lambda broken: (-(broken[1].violations or 0), broken[1].rule_id)))


@dataclass(frozen=True, slots=True)
class GateEvent:
    """A run held back by its gate.

    `refusal` is `declined` or `timed out`; with neither refusal nor approval the run still waits.
    """

    run_id: str
    registry: str
    table: str
    at: datetime
    findings: tuple[RecordedFinding, ...]
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
        """The steward who approved or declined."""
        return self.approved_by or self.refused_by

    @property
    def note(self) -> str:
        """The steward's reason."""
        return self.approval_note or self.refusal_note


@dataclass(frozen=True, slots=True)
class Overview:
    """Data of the whole report. `verdicts`: number of runs by verdict, over all tables."""

    at: datetime
    registries: tuple[RegistryReport, ...]
    gate: tuple[GateEvent, ...]
    verdicts: Mapping[str, int]
    index: Index

    @property
    def tables(self) -> tuple[TableReport, ...]:
        """The tables of all registries."""
        return tuple(table for registry in self.registries for table in registry.tables)

    def table(self, registry: str, name: str) -> TableReport | None:
        """The table of that name, or a server's slice of it; None if no contract has it."""
        whole = [table for table in self.tables if table.table.registry == registry]
        every = (*whole, *(one for table in whole for one in table.slices))
        return next((table for table in every if table.table.name == name), None)

    @property
    def is_empty(self) -> bool:
        """Whether no run is recorded yet."""
        return not self.verdicts

    @property
    def open_rows(self) -> int:
        """Number of open rejected rows of all tables."""
        return sum(table.open_count for table in self.tables)

    def total(self, figure: str) -> int:
        """Sum of a count of `RunCounts` over the last published runs."""
        return sum(getattr(table.last, figure) for table in self.tables if table.last)
