"""Gathering of the report's data from the run log and the contracts.

The pages in Airflow show the same values, so it must be quick: SQL aggregates, and only shown rows are fetched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from include.audit.report_data.figures import FIGURES, Row, open_run_log
from include.audit.report_data.freshness import NEVER, freshness_of
from include.audit.report_data.model import (
    Attempt,
    GateEvent,
    Overview,
    RegistryReport,
    RuleFigures,
    RunCounts,
    TableCounts,
    TableReport,
    TrendPoint,
)
from include.audit.report_data.quality_index import NOT_MEASURED, Counted, Index, mean_index, table_index
from include.contracts.model import Contract, Rule, Table
from include.lake.rejected import RejectionBacklog, rejection_backlog
from include.lake.run_log import CROSS_CHECKS, REFUSALS, REJECTED_TARGET
from include.lake.storage import Lake

GATE_EVENTS = 100


def gather(lake: Lake, contracts: Mapping[str, Contract], *, at: datetime) -> Overview:
    """Report data of the registries of these contracts at the instant `at`."""
    with open_run_log(lake) as log_views:
        latest = {_name(row): row for row in log_views.latest()}
        good = {_name(row): row for row in log_views.last_good()}
        published: dict[tuple[str, str], list[RunCounts]] = {}
        for row in log_views.published():
            published.setdefault(_name(row), []).append(_run(row))
        checks: dict[tuple[str, str], list[Row]] = {}
        for row in log_views.checks([run.run_id for runs in published.values() for run in runs]):
            checks.setdefault(_name(row), []).append(row)
        stood: dict[tuple[str, str], list[Row]] = {}
        for row in log_views.table_checks([run.run_id for runs in published.values() for run in runs]):
            stood.setdefault(_name(row), []).append(row)
        relationships: dict[tuple[str, str], list[Row]] = {}
        for row in log_views.relationships():
            relationships.setdefault(_name(row), []).append(row)
        gate = tuple(_event(row) for row in log_views.gate(GATE_EVENTS))
        verdicts = log_views.verdicts()
    registries = []
    for contract in contracts.values():
        tables = []
        for table in contract.tables:
            name = (contract.registry, table.name)
            tables.append(
                _table(contract, table, latest.get(name), good.get(name), published.get(name, []),
                       checks.get(name, []), stood.get(name, []), relationships.get(name, []),
                       rejection_backlog(lake, table, at=at), at)
            )  # fmt: skip
        registries.append(RegistryReport(contract, tuple(tables), mean_index(t.index for t in tables)))
    return Overview(at, tuple(registries), gate, verdicts, mean_index(registry.index for registry in registries))


def _table(
    contract: Contract, table: Table, latest: Row | None, good: Row | None, runs: list[RunCounts], checks: list[Row],
    stood: list[Row], relationships: list[Row], opened: RejectionBacklog | None, at: datetime,
) -> TableReport:  # fmt: skip
    stands = NEVER
    if good:
        stands = freshness_of(contract.sla, last_good_at=_utc(good["started_at"]), seconds=good["seconds"], at=at)
    last = runs[-1] if runs else None
    in_run = {row["rule_id"]: row for row in checks if last and row["run_id"] == last.run_id}
    after: dict[str, dict[str, Row]] = {}
    for row in stood:
        after.setdefault(row["run_id"], {})[row["rule_id"]] = row
    newest = _newest(stood, runs)
    counts = after[newest["run_id"]] if newest else {}
    if last:
        counts = counts | {row["rule_id"]: row for row in relationships}
    bounds = {rule.rule_id: rule for rule in table.rules}
    index = _index(counts, bounds, stands.score) if last else NOT_MEASURED
    trend = tuple(_point(run, after.get(run.run_id, {}), bounds) for run in runs)
    return TableReport(
        table,
        runs=latest["runs"] if latest else 0,
        latest=_attempt(latest) if latest else None,
        last=last,
        freshness=stands,
        index=index,
        rules=_rules(table, counts, in_run),
        trend=trend,
        open=opened,
        standing=_standing(newest) if newest else None,
    )


def _newest(stood: list[Row], runs: list[RunCounts]) -> Row | None:
    """Newest row of each rule, by the table's id (a recreated table has another) and version.

    `runs` are in recording order, regardless of workers' clocks.
    """
    ids = {row["run_id"]: row["table_id"] for row in stood}
    table_id = next((ids[run.run_id] for run in reversed(runs) if run.run_id in ids), "")
    return max((row for row in stood if row["table_id"] == table_id), key=lambda row: row["version"], default=None)


def _point(run: RunCounts, counts: Mapping[str, Row], rules: Mapping[str, Rule]) -> TrendPoint:
    standing = next(map(_standing, counts.values()), None)
    return TrendPoint(run, _index(counts, rules, None).overall, standing)


def _standing(row: Row) -> TableCounts:
    return TableCounts(row["run_id"], row["published_rows"], row["open_rows"])


def _index(counts: Mapping[str, Row], rules: Mapping[str, Rule], score: float | None) -> Index:
    counted = [
        Counted(
            rule_id,
            row["dimension"],
            row["metric"],
            row["scope"],
            row["rows"],
            row["violations"],
            bound=rules[rule_id].bound if rule_id in rules else None,
        )
        for rule_id, row in counts.items()
        if score is not None or row["dimension"] != "timeliness"
    ]
    return table_index(counted, freshness=score)


def _rules(table: Table, counts: Mapping[str, Row], in_run: Mapping[str, Row]) -> tuple[RuleFigures, ...]:
    """Every rule of the contract, counted or not, then other counted rules (relationships, rules since removed)."""
    listed = []
    for rule in table.rules:
        row, found = counts.get(rule.rule_id, {}), in_run.get(rule.rule_id, {})
        listed.append(
            RuleFigures(
                rule.rule_id, rule.columns, rule.metric, rule.scope, rule.severity, rule.dimension, rule.description,
                rule.legal_source, str(rule.bound or ""), row.get("rows"), row.get("violations"),
                found.get("rows"), found.get("violations"), found.get("gx_violations"), rule.vietnamese,
                rule.legal_source_vietnamese,
            )
        )  # fmt: skip
    rule_ids = {rule.rule_id for rule in table.rules}
    for rule_id, row in counts.items():
        if rule_id in rule_ids:
            continue
        columns, english, vietnamese = _followed(table, rule_id) if row["metric"] in CROSS_CHECKS else ((), "", "")
        listed.append(
            RuleFigures(
                rule_id, columns, row["metric"], row["scope"], row["severity"], row["dimension"], english, "", "",
                row["rows"], row["violations"], None, None, None, vietnamese,
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


def _run(row: Row) -> RunCounts:
    texts: dict[str, Any] = {name: row[name] or "" for name in ("run_id", "contract_version", "source", "approved_by")}
    counts: dict[str, Any] = {name: row[name] or 0 for name in ("version", *FIGURES)}
    return RunCounts(at=_utc(row["started_at"]), seconds=row["seconds"] or 0.0, **texts, **counts)


def _attempt(row: Row) -> Attempt:
    texts = (row[name] or "" for name in ("error_type", "error", "refused_by"))
    return Attempt(row["run_id"], _utc(row["started_at"]), row["verdict"], *texts)


def _event(row: Row) -> GateEvent:
    findings: Sequence[Mapping[str, Any]] = json.loads(row["findings"] or "[]")
    return GateEvent(
        row["run_id"], row["registry"], row["table"], _utc(row["started_at"]), tuple(findings), row["approved_by"],
        row["approval_note"], row["verdict"] == "published",
        row["verdict"] if row["verdict"] in REFUSALS else "", row["refused_by"], row["refusal_note"],
    )  # fmt: skip


def _name(row: Row) -> tuple[str, str]:
    return row["registry"], row["table"]


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
