"""Data of the quality pages in Airflow, read from the run log and cached while it does not change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from include.audit.report_data import (
    AgreementFacts,
    Check,
    Overview,
    RunLine,
    RunPage,
    TableReport,
    gather,
    run_of,
    runs_of,
)
from include.audit.verification import LedgerState, Verification, ledger_state
from include.contracts.model import Contract, Table
from include.contracts.reading import contract_files, readable_contracts
from include.contracts.words import day_of
from include.contracts.yaml_files import ContractError, Problem, files_of
from include.lake.rejected import RejectionBacklog, rejection_backlog
from include.pipelines.audit_log import verify_lake
from include.pipelines.context import PipelineContext
from include.pipelines.delivered_servers import DeliveredServers
from include.pipelines.errors import no_values_escape
from include.pipelines.rejected import RejectedRow, read_values, rejected_rows
from include.pipelines.reporting.agreements import agreement_facts
from include.pipelines.reporting.requests import OpenRequests, open_requests
from include.pipelines.status import delivered_in
from include.sharing.agreements import Agreement, agreement_paths, readable_agreements

RUNS_A_PAGE = 25
ROWS_A_PAGE = 50
FRESH_SECONDS = 60
"""How long an overview serves although nothing was recorded: lateness grows by the clock alone."""

Found = TypeVar("Found")


@dataclass
class QualityPages:
    """Everything the pages ask for. One lives as long as the server; its answers are safe to share among threads."""

    context: PipelineContext
    _known: dict[str, tuple[Hashable, Any]] = field(default_factory=dict)
    _gathering: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def lake_uri(self) -> str:
        """The lake that is shown."""
        return self.context.lake.uri

    def contracts(self) -> dict[str, Contract]:
        """The contracts that can be read, by registry; read again when a file changes."""
        return self._readable()[0]

    def agreed(self) -> dict[str, Agreement]:
        """The agreements that can be read, by id; read again when a file changes."""
        return self._read_agreements()[0]

    def broken(self) -> tuple[str, ...]:
        """Names of the files of contracts and agreements that have mistakes, and so are not shown."""
        return files_of([*self._readable()[1], *self._read_agreements()[1]])

    def _readable(self) -> tuple[dict[str, Contract], list[Problem]]:
        stamps = _stamps(contract_files(self.context.schemas))
        return self._remember("contracts", stamps, lambda: readable_contracts(self.context.schemas))

    def _read_agreements(self) -> tuple[dict[str, Agreement], list[Problem]]:
        stamps = _stamps(agreement_paths(self.context.schemas))
        return self._remember("agreements", stamps, lambda: readable_agreements(self.context.schemas))

    def overview(self) -> Overview:
        """All registries: index, freshness, last runs."""
        with no_values_escape("gathering the overview"):
            contracts = self.contracts()
            at = self.context.now()
            key = (self._version("runs"), self._version("checks"), id(contracts), int(at.timestamp()) // FRESH_SECONDS)
            return self._remember("overview", key, lambda: gather(self.context.lake, contracts, at=at))

    def table(self, registry: str, table: str) -> TableReport | None:
        """One table, or a server's slice of one, as the overview has it; None if no contract names it."""
        return self.overview().table(registry, table)

    def delivered(self) -> dict[str, DeliveredServers]:
        """Of each registry on several servers, which are up to date."""
        return delivered_in(self.overview())

    def runs(self, table: Table, page: int) -> RunPage:
        """The runs of a table, newest first; `page` counts from 1."""
        with no_values_escape("reading the runs"):
            return runs_of(
                self.context.lake, table.registry, table.name, limit=RUNS_A_PAGE, offset=(page - 1) * RUNS_A_PAGE
            )

    def run(self, table: Table, run_id: str) -> tuple[RunLine, tuple[Check, ...]] | None:
        """One run and its checks; None if it is not on record."""
        with no_values_escape("reading a run"):
            return run_of(self.context.lake, table.registry, table.name, run_id)

    def rejected(self, table: Table) -> RejectionBacklog | None:
        """What is rejected of a table and open, by rule and age, and how that went; None if nothing ever was."""
        with no_values_escape("reading what was rejected"):
            at = self.context.now()
            uri = self.context.lake.rejected_table(table.registry, table.name)
            if not self.context.lake.is_table(uri):
                return None
            key = (self.context.lake.table(uri).version(), self._version("runs"), day_of(at))
            what = f"rejected {table.qualified_name}"
            return self._remember(what, key, lambda: rejection_backlog(self.context.lake, table, at=at))

    def rejected_rows(
        self, table: Table, *, rule_id: str | None, run_id: str | None = None, page: int
    ) -> tuple[RejectedRow, ...]:
        """Open rows by run and number, with their reasons; no value."""
        with no_values_escape("reading what was rejected"):
            offset = (page - 1) * ROWS_A_PAGE
            of = {"rule_id": rule_id, "run_id": run_id}
            return rejected_rows(self.context, table, **of, limit=ROWS_A_PAGE, offset=offset)

    def rejected_values(
        self, table: Table, *, rule_id: str | None, run_id: str | None, offset: int, reader: str, purpose: str
    ) -> tuple[RejectedRow, ...]:
        """Rows as received, with an entry in the ledger; ask only for a reader who may."""
        of = {"rule_id": rule_id, "run_id": run_id}
        return read_values(self.context, table, **of, offset=offset, reader=reader, purpose=purpose)

    def agreements(self) -> tuple[AgreementFacts, ...]:
        """Every agreement that can be read and what its recipient can read now."""
        with no_values_escape("reading the agreements"):
            loaded = self.agreed()
            try:
                contracts = self.contracts()
            except ContractError:  # there is no folder of them: what was agreed is shown all the same
                contracts = {}
            return agreement_facts(loaded.values(), contracts, self.context.lake, at=self.context.now())

    def open_requests(self, table: Table) -> OpenRequests:
        """Requests and disputed rows about a table that wait."""
        return open_requests(self.context, table.registry, table.base_name)

    def ledger(self) -> LedgerState:
        """Where the ledger stands, without walking it."""
        with no_values_escape("reading the ledger"):
            return ledger_state(self.context.lake)

    def verify(self) -> Verification:
        """Walk the ledger and remember what was found."""
        return verify_lake(self.context)

    def _version(self, name: str) -> int | None:
        uri = self.context.lake.audit_table(name)
        return self.context.lake.table(uri).version() if self.context.lake.is_table(uri) else None

    def _remember(self, what: str, key: Hashable, find: Callable[[], Found]) -> Found:
        """What was found for this key, or find it; one thread at a time, so that a busy server gathers once."""
        with self._gathering:
            known = self._known.get(what)
            if known is not None and known[0] == key:
                return known[1]  # type: ignore[no-any-return]
            found = find()
            self._known[what] = (key, found)
            return found


def _stamps(paths: Mapping[str, Path]) -> tuple[tuple[str, int], ...]:
    return tuple((name, path.stat().st_mtime_ns) for name, path in paths.items())
