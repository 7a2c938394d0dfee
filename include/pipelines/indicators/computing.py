"""Compute indicators for a period from one set of table versions, and record what differs as new editions."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from include.audit import ledger
from include.audit.ledger import Record
from include.audit.verification import commit_records
from include.contracts.yaml_files import load_each
from include.indicators.computation import AGENCIES, Computed, IndicatorFailed, compute, tables_of
from include.indicators.definitions import (
    Catalogue,
    CompiledIndicator,
    Indicator,
    Period,
    PeriodRefused,
    compile_indicators,
    indicator_paths,
    load_indicator,
    period_of,
)
from include.indicators.values import SUBJECT, Recorded, record_values
from include.pipelines.audit_log import ACTOR
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.indicators.open_tables import tables_with_histories
from include.pipelines.sync import publish_code_lists
from include.telemetry import step


@dataclass(frozen=True, slots=True)
class ComputedIndicator:
    """How computing one indicator ended: `verdict` is `recorded`, `unchanged` or `failed`; numbers are decimal text."""

    indicator: str
    verdict: str
    period: str
    edition: int = 0
    value: str = ""
    numerator: str = ""
    denominator: str = ""
    reason: str = ""
    missing: tuple[str, ...] = ()
    unknown: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class IndicatorsResult:
    """A computation of indicators; the verdict is `failed` if one of them failed, else `computed`."""

    run_id: str
    period: str
    indicators: tuple[ComputedIndicator, ...]

    @property
    def verdict(self) -> str:
        """Computed or failed."""
        return "failed" if any(one.error for one in self.indicators) else "computed"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for XCom and `--json`."""
        return {**asdict(self), "verdict": self.verdict}


@step("compute")
def compute_step(
    period: str, run_id: str, *, indicators: Sequence[str] = (), context: PipelineContext | None = None
) -> IndicatorsResult:
    """Compute all indicators, or those named, for a period, and record what differs from the newest editions.

    An indicator whose definition is mistaken fails alone. Without names, those whose scheme has no such period are left
    out.

    Raises:
        Misuse: there is no such indicator, or none has such a period.
    """
    context = context or PipelineContext.from_environment()
    now = context.now()
    with no_values_escape("computing indicators"):
        publish_code_lists(context)
        chosen, failed = _compiled(context, period, indicators)
        computed, broken = _computed(context, chosen, run_id, now)
        recorded = record_values(context.lake, computed, run_id=run_id, at=now)
        _record(context, recorded, run_id, now)
    done = [*(_told(one) for one in recorded), *failed, *broken]
    return IndicatorsResult(run_id, period, tuple(sorted(done, key=lambda one: one.indicator)))


def _catalogue(context: PipelineContext) -> Catalogue:
    return Catalogue.of(context.readable[0], context.schemas)


def _compiled(
    context: PipelineContext, period: str, names: Sequence[str]
) -> tuple[list[tuple[CompiledIndicator, Period]], list[ComputedIndicator]]:
    """The indicators to compute, with their periods, and a result for each whose definition is mistaken."""
    paths = {name: path_of(context, name) for name in names or indicator_paths(context.schemas)}
    readable, problems = load_each(paths, load_indicator)
    periods = {name: _period(one, period, is_named=bool(names)) for name, one in readable.items()}
    compiled, others = compile_indicators([readable[name] for name in periods if periods[name]], _catalogue(context))
    chosen = [(compiled[name], of) for name, of in periods.items() if of is not None and name in compiled]
    broken: dict[str, list[str]] = {}
    for problem in [*problems, *others]:
        broken.setdefault(problem.path.stem, []).append(str(problem))
    failed = [ComputedIndicator(name, "failed", period, error="\n".join(told)) for name, told in broken.items()]
    if not chosen and not failed:
        raise Misuse(f"no indicator has the period {period}: write a quarter such as 2018Q1")
    return chosen, failed


def _period(indicator: Indicator, code: str, *, is_named: bool) -> Period | None:
    """The period of that code in the indicator's scheme; None if it has none and nobody named the indicator."""
    try:
        return period_of(code, indicator.scheme)
    except PeriodRefused as refused:
        if is_named:
            raise Misuse(str(refused)) from None
        return None


def path_of(context: PipelineContext, name: str) -> Path:
    """The file of an indicator. Raises Misuse: there is none of that name."""
    paths = indicator_paths(context.schemas)
    if name not in paths:
        near = difflib.get_close_matches(name, paths, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(paths) or 'none'}"
        raise Misuse(f"no indicator `{name}`: {hint} (they are read from {context.schemas / 'indicators'})")
    return paths[name]


def _computed(
    context: PipelineContext, chosen: Sequence[tuple[CompiledIndicator, Period]], run_id: str, now: datetime
) -> tuple[list[Computed], list[ComputedIndicator]]:
    """All of them over one set of table versions, and a result for each whose SQL does not run over the rows."""
    contracts, catalogue = context.readable[0], _catalogue(context)
    names = {AGENCIES, *(table for compiled, _ in chosen for table in tables_of(compiled))}
    read = tables_with_histories(context, catalogue, names, run_id)
    done, failed = [], []
    for compiled, period in chosen:
        try:
            done.append(
                compute(context.lake, compiled, period, catalogue=catalogue, contracts=contracts, read=read, now=now)
            )
        except IndicatorFailed as error:
            name = compiled.indicator.indicator_id
            failed.append(ComputedIndicator(name, "failed", period.code, error=str(error)))
    return done, failed


def _record(context: PipelineContext, recorded: Sequence[Recorded], run_id: str, now: datetime) -> None:
    """Put the new editions into the ledger, with the commit that holds them."""
    editions = {one.computed.compiled.indicator.indicator_id: one.edition for one in recorded if one.is_new}
    made = commit_records(context.lake, [SUBJECT, ledger.LEDGER])
    records = [Record("run", SUBJECT, {"run_id": run_id, "editions": editions}, once=(f"run/{SUBJECT}/{run_id}", 1))]
    ledger.append(context.lake, [*(records if editions else ()), *made], at=now, actor=ACTOR)


def _told(recorded: Recorded) -> ComputedIndicator:
    computed, total = recorded.computed, recorded.computed.total
    indicator = computed.compiled.indicator
    numbers = [total.value, total.numerator, total.denominator]
    value, numerator, denominator = ("" if one is None or total.is_suppressed else f"{one:f}" for one in numbers)
    return ComputedIndicator(
        indicator=indicator.indicator_id,
        verdict="recorded" if recorded.is_new else "unchanged",
        period=computed.period.code,
        edition=recorded.edition,
        value=value,
        numerator=numerator,
        denominator=denominator,
        reason="small count" if total.is_suppressed else total.reason,
        missing=tuple(sorted({one.server for one in computed.missing})),
        unknown=_rows_told(computed.unknown, indicator.minimum_cell),
    )


def _rows_told(rows: int, minimum: int) -> str:
    """A number of rows; of persons, one below the minimum cell tells only that."""
    return f"< {minimum}" if 0 < rows < minimum else str(rows or "")
