"""Maintenance of the lake: compacts and vacuums tables, deletes expired extracts and left-over staging folders."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from include.contracts.model import Sla
from include.contracts.reading import contract_paths, load_contract
from include.contracts.yaml_files import ContractError, Problem
from include.lake.delta import clear_scratch, expire_landing, expire_staging, find_landed, find_tables, maintain_table
from include.lake.storage import LakeConflict
from include.pipelines.audit_log import record_commits, record_expired
from include.pipelines.clock import ensure_not_ahead
from include.pipelines.context import PipelineContext
from include.pipelines.errors import no_values_escape
from include.pipelines.row_history import maintain_histories
from include.pipelines.unfinished_runs import record_unfinished_runs
from include.telemetry import step


@dataclass(frozen=True, slots=True)
class MaintenanceDone:
    """What maintenance did, in counts; `busy` are the tables left for next time, as somebody was writing to them."""

    tables: int
    busy: tuple[str, ...]
    files_before: int
    files_after: int
    files_vacuumed: int
    bytes: int
    landing_folders_expired: int
    landing_bytes_freed: int
    staging_folders_removed: int
    scratch_folders_removed: int

    @property
    def summary(self) -> str:
        """The same for people, in one line."""
        waiting = f"; left for next time, being written to: {', '.join(self.busy)}" if self.busy else ""
        return (
            f"{self.tables} tables: {self.files_before} files became {self.files_after}, {self.files_vacuumed} old "
            f"ones removed; {self.landing_folders_expired} expired extracts removed "
            f"({self.landing_bytes_freed:,} bytes)"
            f"{waiting}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the summary, for XCom and `--json`."""
        return {**asdict(self), "summary": self.summary}


@step("maintain")
def maintain_lake(context: PipelineContext, *, at: datetime) -> MaintenanceDone:
    """Maintain every table and expire what the contracts let go; a table somebody writes to is left for next time.

    Extracts of a registry whose contract is broken or gone expire after the default retention.

    Raises:
        ClockAhead: this machine's clock is ahead of the lake's: files that readers need would go.
        ContractError: contracts are broken, told when all else is done; or there are none at all: then nobody can say
            how long extracts are kept, and none of them expires.
    """
    lake = context.lake
    maintained, busy = [], []
    with no_values_escape("maintaining the lake"):
        ensure_not_ahead(lake, now=datetime.now(UTC))  # the clock by which old versions are found
        _heal(context)
        maintain_histories(context, at=at)  # before the change feed that they are made from is cut
        for name in find_tables(lake):
            try:
                maintained.append(maintain_table(lake, name))
                record_commits(context, [name])
            except LakeConflict:
                busy.append(name)
        staging = expire_staging(lake, at=at)
        scratch = clear_scratch(lake)
        retention, problems = _retention(context)
        landing = [
            expire_landing(
                lake,
                registry,
                at=at,
                retention=retention.get(registry, Sla().landing_retention),
                before_removal=partial(record_expired, context, f"landing/{registry}"),
            )
            for registry in find_landed(lake)
        ]
        if problems:
            raise ContractError(problems)
    return MaintenanceDone(
        tables=len(maintained),
        busy=tuple(busy),
        files_before=sum(t.files_before for t in maintained),
        files_after=sum(t.files_after for t in maintained),
        files_vacuumed=sum(t.files_vacuumed for t in maintained),
        bytes=sum(t.bytes for t in maintained),
        landing_folders_expired=sum(e.folders for e in landing),
        landing_bytes_freed=sum(e.bytes for e in landing),
        staging_folders_removed=staging.folders,
        scratch_folders_removed=scratch,
    )


def _heal(context: PipelineContext) -> None:
    """Put on record what runs committed and, killed, did not record; of registries whose contract can be read."""
    for registry in context.registries:
        with suppress(ContractError):
            for table in context.contract(registry).source_tables:
                record_unfinished_runs(context, table, last=None)


def _retention(context: PipelineContext) -> tuple[dict[str, timedelta], list[Problem]]:
    """How long each registry's extracts are kept by its contract, and what is wrong with contracts that do not tell."""
    retention: dict[str, timedelta] = {}
    problems: list[Problem] = []
    for registry, path in contract_paths(context.schemas).items():
        try:
            retention[registry] = load_contract(path).sla.landing_retention
        except ContractError as error:
            problems.extend(error.problems)
    return retention, problems
