"""Gathering of the report's data from the run log and the contracts.

The pages in Airflow show the same values, so it must be quick: SQL aggregates, and no rows but those shown or exported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from include.audit.report_data.figures import GoodRun, LatestRun, RuleCount, open_run_log
from include.audit.report_data.freshness import NEVER, freshness_of
from include.audit.report_data.model import Overview, RegistryReport, ServerReport
from include.audit.report_data.quality_index import NOT_MEASURED, mean_index
from include.audit.report_data.servers import servers_of, slices_of
from include.audit.report_data.sums import (
    Counts,
    index_of,
    standing_of,
    summed_counts,
    summed_table,
    summed_trend,
)
from include.audit.report_data.table_report import RuleFigures, RunCounts, TableReport, TrendPoint
from include.contracts.model import AT, Contract, Rule, Table
from include.lake.rejected import RejectionBacklog, rejection_backlog
from include.lake.run_log import CROSS_CHECKS, REJECTED_TARGET
from include.lake.storage import Lake

_Name = tuple[str, str]
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class _Log:
    """What the run log has of every table, by registry and table. `places`: of runs, in recording order.

    `after`: counts of the table's rules after each of its runs, by run and rule.
    """

    latest: Mapping[_Name, LatestRun]
    good: Mapping[_Name, GoodRun]
    published: Mapping[_Name, list[RunCounts]]
    checks: Mapping[_Name, list[RuleCount]]
    stood: Mapping[_Name, list[RuleCount]]
    after: Mapping[_Name, Mapping[str, Counts]]
    relationships: Mapping[_Name, list[RuleCount]]
    places: Mapping[str, int]


def gather(lake: Lake, contracts: Mapping[str, Contract], *, at: datetime) -> Overview:
    """Report data of the registries of these contracts at the instant `at`; those that published nothing come last."""
    with open_run_log(lake) as log_views:
        rows = log_views.published()
        published = {name: [run.counts for run in of] for name, of in _by_table(rows).items()}
        places: dict[str, int] = {}
        for run in rows:
            places[run.counts.run_id] = max(run.place, places.get(run.counts.run_id, -1))
        stood = _by_table(log_views.table_checks(sorted(places)))
        log = _Log(
            latest={_name(row): row for row in log_views.latest()},
            good={_name(row): row for row in log_views.last_good()},
            published=published,
            checks=_by_table(log_views.checks(sorted({runs[-1].run_id for runs in published.values()}))),
            stood=stood,
            after={name: _by_run(of) for name, of in stood.items()},
            relationships=_by_table(log_views.relationships()),
            places=places,
        )
        gate = tuple(log_views.gate())
        verdicts = log_views.verdicts()
    reports = [_registry(lake, contract, log, at) for contract in contracts.values()]
    registries = tuple(sorted(reports, key=lambda registry: registry.index.overall is None))
    return Overview(at, registries, gate, verdicts, mean_index(registry.index for registry in registries))


def _registry(lake: Lake, contract: Contract, log: _Log, at: datetime) -> RegistryReport:
    if not contract.is_federated:
        backlogs = _backlogs(lake, contract.tables, at)
        tables = tuple(_table(contract, table, log, backlogs[table.name], at) for table in contract.tables)
        return RegistryReport(contract, tables, mean_index(table.index for table in tables))
    published = (name.partition(AT)[2] for registry, name in log.published if registry == contract.registry)
    listed = [(facts, slices_of(contract, facts)) for facts in servers_of(contract, published, at)]
    backlogs = _backlogs(lake, [table for _, tables in listed for table in tables], at)
    servers = []
    for facts, parts in listed:
        slices = tuple(_table(contract, table, log, backlogs[table.name], at) for table in parts)
        servers.append(ServerReport(facts, slices, mean_index(one.index for one in slices)))
    tables = tuple(_whole(table, servers, log) for table in contract.tables)
    return RegistryReport(contract, tables, mean_index(table.index for table in tables), tuple(servers))


def _whole(table: Table, servers: Sequence[ServerReport], log: _Log) -> TableReport:
    """The report of a table that several servers deliver."""
    found = [(server, one) for server in servers for one in server.slices if one.table.base_name == table.name]
    slices = [one for _, one in found]
    rules = {rule.rule_id: rule for one in slices for rule in one.table.rules} | {r.rule_id: r for r in table.rules}
    runs = [log.published.get(_of(one.table), []) for one in slices]
    after = [log.after.get(_of(one.table), {}) for one in slices]
    counts = summed_counts(_standing_counts(log, one.table) for one in slices)
    if any(runs):
        counts |= {row.rule_id: row for row in log.relationships.get(_of(table), [])}
    listed = _rules(replace(table, rules=tuple(rules.values())), counts, {})
    read = [one for server, one in found if server.facts.is_read]
    return summed_table(table, slices, read, counts, rules, summed_trend(runs, after, rules, log.places), listed)


def _backlogs(lake: Lake, tables: Sequence[Table], at: datetime) -> dict[str, RejectionBacklog | None]:
    """Open rejections of the tables of a registry, by name; a hundred slices are a hundred small Delta tables."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(lambda table: rejection_backlog(lake, table, at=at), tables))
    return {table.name: backlog for table, backlog in zip(tables, found, strict=True)}


def _table(contract: Contract, table: Table, log: _Log, backlog: RejectionBacklog | None, at: datetime) -> TableReport:
    name, stands = _of(table), NEVER
    if good := log.good.get(name):
        stands = freshness_of(contract.sla, last_good_at=good.started_at.astimezone(UTC), seconds=good.seconds, at=at)
    latest, runs = log.latest.get(name), log.published.get(name, [])
    last = runs[-1] if runs else None
    in_run = {row.rule_id: row for row in log.checks.get(name, []) if last and row.run_id == last.run_id}
    after, standing = log.after.get(name, {}), _standing_counts(log, table)
    counts = dict(standing)
    if last:
        counts |= {row.rule_id: row for row in log.relationships.get(name, [])}
    bounds = {rule.rule_id: rule for rule in table.rules}
    return TableReport(
        table,
        runs=latest.runs if latest else 0,
        latest=latest.attempt if latest else None,
        last=last,
        freshness=stands,
        index=index_of(counts, bounds, stands.score) if last else NOT_MEASURED,
        rules=_rules(table, counts, in_run),
        trend=tuple(_point(run, after.get(run.run_id, {}), bounds) for run in runs),
        open=backlog,
        standing=standing_of(standing) if standing else None,
    )


def _standing_counts(log: _Log, table: Table) -> Counts:
    """The newest counts of a table's rules; empty if no run has counted it yet."""
    newest = _newest(log.stood.get(_of(table), []), log.published.get(_of(table), []))
    return log.after[_of(table)][newest.run_id] if newest else {}


def _newest(stood: Sequence[RuleCount], runs: Sequence[RunCounts]) -> RuleCount | None:
    """Newest row of each rule, by the table's id (a recreated table has another) and version.

    `runs` are in recording order, regardless of workers' clocks.
    """
    ids = {row.run_id: row.table_id for row in stood}
    table_id = next((ids[run.run_id] for run in reversed(runs) if run.run_id in ids), "")
    return max((row for row in stood if row.table_id == table_id), key=lambda row: row.version, default=None)


def _point(run: RunCounts, counts: Counts, rules: Mapping[str, Rule]) -> TrendPoint:
    return TrendPoint(run, index_of(counts, rules, None).overall, standing_of(counts) if counts else None)


def _rules(table: Table, counts: Counts, in_run: Counts) -> tuple[RuleFigures, ...]:
    """Every rule of the contract, counted or not, then other counted rules (relationships, rules since removed)."""
    listed = []
    for rule in table.rules:
        whole, last = counts.get(rule.rule_id), in_run.get(rule.rule_id)
        listed.append(
            RuleFigures(
                rule.rule_id, rule.columns, rule.metric, rule.scope, rule.severity, rule.dimension, rule.description,
                rule.legal_source, str(rule.bound or ""), whole.rows if whole else None,
                whole.violations if whole else None, last.rows if last else None, last.violations if last else None,
                last.gx_violations if last else None, rule.vietnamese, rule.legal_source_vietnamese,
            )
        )  # fmt: skip
    rule_ids = {rule.rule_id for rule in table.rules}
    for rule_id, row in counts.items():
        if rule_id in rule_ids:
            continue
        columns, english, vietnamese = _followed(table, rule_id) if row.metric in CROSS_CHECKS else ((), "", "")
        listed.append(
            RuleFigures(
                rule_id, columns, row.metric, row.scope, row.severity, row.dimension, english, "", "",
                row.rows, row.violations, None, None, None, vietnamese,
            )
        )  # fmt: skip
    return tuple(listed)


def _followed(table: Table, rule_id: str) -> tuple[tuple[str, ...], str, str]:
    """Columns and texts (English, Vietnamese) of a relationship."""
    for relationship in table.relationships:
        name = f"{table.qualified_name}.{'+'.join(relationship.columns)}.relationship"
        to = f"{relationship.registry}.{relationship.table}"
        if relationship.registry == "reference":
            continue
        columns = ", ".join(relationship.columns)
        labels = ", ".join(table.column(column).business_name or column for column in relationship.columns)
        if rule_id in (name, f"{name}.{to}"):
            english = f"{columns} must be found in {to}, which is published; where it is nowhere, both owners compare"
            vietnamese = "phải có trong {to} đang công bố; nếu không có, cơ quan chủ quản hai bên đối chiếu"
        elif rule_id in (f"{name}{REJECTED_TARGET}", f"{name}.{to}{REJECTED_TARGET}"):
            english = (
                f"What {columns} refers to in {to} must not be rejected; the owner of {relationship.registry} mends it"
            )
            vietnamese = "bản ghi được tham chiếu trong {to} không bị loại; nếu bị loại, cơ quan chủ quản bên đó sửa"
        else:
            continue
        return relationship.columns, english, f"{labels}: {vietnamese.format(to=to)}"
    return (), "", ""


class _OfTable(Protocol):
    @property
    def registry(self) -> str: ...
    @property
    def table(self) -> str: ...


_Row = TypeVar("_Row", bound=_OfTable)


def _by_table(rows: Iterable[_Row]) -> dict[_Name, list[_Row]]:
    found: dict[_Name, list[_Row]] = {}
    for row in rows:
        found.setdefault(_name(row), []).append(row)
    return found


def _by_run(rows: Iterable[RuleCount]) -> dict[str, Counts]:
    found: dict[str, dict[str, RuleCount]] = {}
    for row in rows:
        found.setdefault(row.run_id, {})[row.rule_id] = row
    return dict(found)


def _name(row: _OfTable) -> _Name:
    return row.registry, row.table


def _of(table: Table) -> _Name:
    return table.registry, table.name
