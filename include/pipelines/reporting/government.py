"""Make the quarterly report to the Government: compute its figures, write it, and put its digest into the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from include.audit.government_report import (
    Definitions,
    ReportInputs,
    excel_workbook,
    html_page,
    pdf_document,
    plots_of,
    report_content,
)
from include.audit.verification import GOVERNMENT
from include.indicators.definitions import (
    Indicator,
    Period,
    PeriodRefused,
    heading_path,
    indicator_paths,
    load_heading,
    period_of,
    readable_indicators,
)
from include.indicators.values import (
    ShownIndicator,
    StoredIndicator,
    latest_editions,
    member_names,
    shown,
    stored_editions,
)
from include.pipelines.audit_log import record_files
from include.pipelines.context import PipelineContext
from include.pipelines.errors import REPOSITORY, Misuse, no_values_escape
from include.pipelines.indicators import IndicatorsResult, compute_step
from include.telemetry import step

NAME = "bao-cao-chinh-phu"


@dataclass(frozen=True, slots=True)
class GovernmentReportMade:
    """Where a report was written, for people and in the lake; how many figures it has, what is missing, who owes what.

    `upcoming` are those who have a report to send soon; `failed` are indicators whose definitions or SQL failed: the
    draft prints no number of them, but names them among what is missing.
    """

    period: str
    paths: tuple[str, ...]
    lake: str
    figures: int
    missing: tuple[str, ...]
    owed: tuple[str, ...]
    upcoming: tuple[str, ...]
    failed: tuple[str, ...]
    figures_sha256: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for XCom and `--json`."""
        return asdict(self)


@step("report_government")
def government_report_step(
    period: str, run_id: str, *, context: PipelineContext | None = None, folder: Path | None = None
) -> GovernmentReportMade:
    """Make the draft of a period's report; its figures are computed and recorded first.

    Those of the quarter before are taken as recorded, and computed only where nothing was recorded that can be
    compared: of the whole quarter, by today's definition, with the data of every server.

    Raises:
        Misuse: there is no such period.
        ContractError: the heading has mistakes.
    """
    context = context or PipelineContext.from_environment()
    try:
        of = period_of(period, "as-of")
    except PeriodRefused as refused:
        raise Misuse(str(refused)) from None
    with no_values_escape("making the report to the Government"):
        done = compute_step(period, run_id, context=context)
        definitions = readable_indicators(context.schemas)[0]
        now = _editions_of(context, done, definitions)
        failed = tuple(one.indicator for one in done.indicators if one.indicator not in now)
        before = of.previous()
        recorded = latest_editions(context.lake, before.code)
        if outdated := [name for name, one in now.items() if _is_outdated(recorded.get(name), one.stored)]:
            compute_step(before.code, f"{run_id}-before", indicators=outdated, context=context)
        found = latest_editions(context.lake, before.code)
        then = {name: shown(one, definitions[name].minimum_cell) for name, one in found.items() if name in now}
        heading = load_heading(heading_path(context.schemas), indicator_paths(context.schemas))
        earlier = {
            name: _earlier(context, name, definitions[name], before, then) for name in heading.plots if name in now
        }
        agencies = member_names(context.schemas).get("agency", {})
        inputs = ReportInputs(definitions, now, failed, then, earlier, agencies)
        report = report_content(heading, of, inputs, at=context.now())
        plots = plots_of(report, inputs)
        files = {
            f"{NAME}.html": html_page(report, plots).encode(),
            f"{NAME}.pdf": pdf_document(report, plots),
            f"{NAME}.xlsx": excel_workbook(report),
        }
        state = Path(context.environ.get("LIENTHONG_VAR") or REPOSITORY / "var")
        paths = _write(folder or state / "reports" / "government" / period, files)
        kept = _keep(context, f"{GOVERNMENT}/{period}/{run_id}", files)
        record_files(
            context, "export", GOVERNMENT, kept, period=period, figures_sha256=report.figures_sha256, state="draft"
        )
    return GovernmentReportMade(
        period=period,
        paths=tuple(map(str, paths)),
        lake=context.lake.path(GOVERNMENT, period, run_id),
        figures=sum(len(section.lines) for section in report.sections),
        missing=report.missing,
        owed=report.owed,
        upcoming=report.upcoming,
        failed=failed,
        figures_sha256=report.figures_sha256,
    )


def _editions_of(
    context: PipelineContext, done: IndicatorsResult, definitions: Definitions
) -> dict[str, ShownIndicator]:
    """The editions that a computation recorded or found unchanged; none of an indicator that it could not compute."""
    editions = {one.indicator: one.edition for one in done.indicators if one.indicator in definitions}
    return {
        one.indicator: shown(one, definitions[one.indicator].minimum_cell)
        for one in stored_editions(context.lake, period=done.period)
        if editions.get(one.indicator) == one.edition and definitions[one.indicator].digest == one.definition_digest
    }


def _is_outdated(before: StoredIndicator | None, now: StoredIndicator) -> bool:
    """Whether the period before must be computed again to be compared: it is not there, not whole, or lacks servers."""
    if before is None or before.missing or not before.is_whole:
        return True
    return before.definition_digest != now.definition_digest


def _earlier(
    context: PipelineContext, name: str, indicator: Indicator, before: Period, then: Mapping[str, ShownIndicator]
) -> dict[str, ShownIndicator]:
    """The newest editions of an indicator until the period before, by quarter; of that the one that is printed."""
    quarters = {
        one.period: shown(one, indicator.minimum_cell)
        for one in stored_editions(context.lake, indicator=name)
        if one.period_end <= before.end and "Q" in one.period
    }
    return quarters | ({before.code: then[name]} if name in then else {})


def _write(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def _keep(context: PipelineContext, folder: str, files: Mapping[str, bytes]) -> list[str]:
    """Lay the files into the lake; returns their paths there."""
    context.lake.make_folder(context.lake.path(folder))
    for name, content in files.items():
        with context.lake.open_output(context.lake.path(folder, name)) as out:
            out.write(content)
    return [f"{folder}/{name}" for name in files]
