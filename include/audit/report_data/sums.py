"""Figures of a table that several servers deliver: the sums over its slices, and the index of these sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from include.audit.report_data.figures import FIGURES, TREND_RUNS, RuleCount
from include.audit.report_data.freshness import combined
from include.audit.report_data.quality_index import NOT_MEASURED, Counted, Index, table_index
from include.audit.report_data.table_report import RuleFigures, RunCounts, TableCounts, TableReport, TrendPoint
from include.contracts.model import Rule, Table
from include.lake.rejected import OpenRule, RejectionBacklog

Counts = Mapping[str, RuleCount]
"""Counts of a table's rules by rule id."""


def index_of(counts: Counts, rules: Mapping[str, Rule], score: float | None) -> Index:
    """The index of these counts; `score` is the table's freshness, None for an index without timeliness."""
    counted = [
        Counted(
            rule_id,
            row.dimension,
            row.metric,
            row.scope,
            row.rows,
            row.violations,
            bound=rules[rule_id].bound if rule_id in rules else None,
        )
        for rule_id, row in counts.items()
        if score is not None or row.dimension != "timeliness"
    ]
    return table_index(counted, freshness=score)


def summed_counts(parts: Iterable[Counts]) -> dict[str, RuleCount]:
    """Rows and violations of each rule, summed over the slices that counted it."""
    summed: dict[str, RuleCount] = {}
    for counts in parts:
        for rule_id, row in counts.items():
            known = summed.get(rule_id, replace(row, rows=0, violations=0))
            summed[rule_id] = replace(known, rows=known.rows + row.rows, violations=known.violations + row.violations)
    return summed


def summed_table(
    table: Table, slices: Sequence[TableReport], read: Sequence[TableReport], counts: Counts, rules: Mapping[str, Rule],
    trend: tuple[TrendPoint, ...], listed: tuple[RuleFigures, ...],
) -> TableReport:  # fmt: skip
    """The report of a whole table from those of its slices; its freshness is that of the slices that are `read`."""
    stands = combined([one.freshness for one in read])
    last = _summed_runs([one.last for one in slices if one.last])
    return TableReport(
        table,
        runs=sum(one.runs for one in slices),
        latest=max((one.latest for one in slices if one.latest), key=lambda attempt: attempt.at, default=None),
        last=last,
        freshness=stands,
        index=index_of(counts, rules, stands.score) if last else NOT_MEASURED,
        rules=tuple(_with_last_runs(rule, slices) for rule in listed),
        trend=trend,
        open=summed_backlog([one.open for one in slices if one.open]),
        standing=_summed_standing([one.standing for one in slices if one.standing]),
        slices=tuple(slices),
    )


def summed_trend(
    runs: Sequence[Sequence[RunCounts]], after: Sequence[Mapping[str, Counts]], rules: Mapping[str, Rule],
    places: Mapping[str, int],
) -> tuple[TrendPoint, ...]:  # fmt: skip
    """The course of the sums: after each run, of what it published and what all slices then were.

    `runs` and `after` are by slice; `places` are those of the runs in the order in which they were recorded.
    """
    by_run = [{run.run_id: run for run in of} for of in runs]
    order = sorted({run_id for of in by_run for run_id in of}, key=lambda run_id: (places[run_id], run_id))
    live = [0] * len(runs)
    stood: list[Counts] = [{}] * len(runs)
    points = []
    for number, run_id in enumerate(order):
        made = []
        for at, of in enumerate(by_run):
            if run_id in of:
                made.append(of[run_id])
                live[at] = of[run_id].live_rows
                stood[at] = after[at].get(run_id) or stood[at]
        total = _summed_runs(made)
        if total and number >= len(order) - TREND_RUNS:
            standing = _summed_standing([standing_of(counts) for counts in stood if counts])
            index = index_of(summed_counts(stood), rules, None).overall
            points.append(TrendPoint(replace(total, live_rows=sum(live)), index, standing))
    return tuple(points)


def standing_of(counts: Counts) -> TableCounts:
    """The table as it stood when these counts, which may not be empty, were made."""
    row = next(iter(counts.values()))
    return TableCounts(row.run_id, row.published_rows, row.open_rows)


def summed_backlog(parts: Sequence[RejectionBacklog]) -> RejectionBacklog | None:
    """Open rejections of all slices, by rule; None if nothing of them was ever rejected."""
    if not parts:
        return None
    by_rule: dict[str, list[OpenRule]] = {}
    for part in parts:
        for rule in part.rules:
            by_rule.setdefault(rule.rule_id, []).append(rule)
    rules = sorted(map(_summed_rule, by_rule.values()), key=lambda rule: (-rule.rows, rule.rule_id))
    return RejectionBacklog(_summed_rule([part.total for part in parts]), tuple(rules))


def _summed_rule(rules: Sequence[OpenRule]) -> OpenRule:
    since: list[datetime] = [rule.since for rule in rules if rule.since]
    return replace(
        rules[0],
        message=next((rule.message for rule in rules if rule.message), ""),
        rows=sum(rule.rows for rule in rules),
        since=min(since, default=None),
        ages=tuple(map(sum, zip(*(rule.ages for rule in rules), strict=True))),
        trend=tuple(map(sum, zip(*(rule.trend for rule in rules), strict=True))),
    )


def _summed_runs(runs: Sequence[RunCounts]) -> RunCounts | None:
    """The newest of these runs with the counts of all."""
    if not runs:
        return None
    newest = max(runs, key=lambda run: run.version)
    return replace(
        newest,
        seconds=sum(run.seconds for run in runs),
        source=", ".join(sorted({run.source for run in runs if run.source})),
        approved_by=", ".join(sorted({run.approved_by for run in runs if run.approved_by})),
        **{name: sum(getattr(run, name) for run in runs) for name in FIGURES},
    )


def _summed_standing(parts: Sequence[TableCounts]) -> TableCounts | None:
    if not parts:
        return None
    published, opened = (sum(getattr(part, name) for part in parts) for name in ("published_rows", "open_rows"))
    return TableCounts(max(part.run_id for part in parts), published, opened)


def _with_last_runs(rule: RuleFigures, slices: Sequence[TableReport]) -> RuleFigures:
    """The rule with both counts of the slices' last published runs."""
    found = [own for one in slices for own in one.rules if own.rule_id == rule.rule_id and own.in_run is not None]
    if not found:
        return rule
    second = [own.gx_violations for own in found]
    return replace(
        rule,
        in_run_rows=sum(own.in_run_rows or 0 for own in found),
        in_run=sum(own.in_run or 0 for own in found),
        gx_violations=None if None in second else sum(count or 0 for count in second),
    )
