"""Write the auditors' report: pages, figures as CSV and Excel; for people in `var/reports/`, and in the lake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from include.audit import ledger
from include.audit.report_data import (
    ComparisonLevels,
    LedgerFacts,
    Level,
    Linking,
    ModelFacts,
    QualityReportInputs,
    gather,
    gather_linking,
)
from include.audit.report_export import csv_text, frames, workbook
from include.audit.report_pages import render
from include.audit.report_words import LOCALES
from include.audit.verification import REPORTS, figures_digest, verify, with_figures
from include.contracts.words import BilingualText, day_of
from include.contracts.yaml_files import files_of
from include.identity.linkage_model import ModelUnusable
from include.lake.storage import Lake
from include.pipelines.audit_log import record_files
from include.pipelines.context import PipelineContext
from include.pipelines.errors import REPOSITORY, no_values_escape
from include.pipelines.people import contradictions, digest, model_in_use
from include.pipelines.reporting.agreements import agreement_facts
from include.pipelines.reporting.requests import request_counts
from include.pipelines.status import delivered_in
from include.sharing.agreements import readable_agreements
from include.telemetry import step

WORKBOOK = "report.xlsx"


@dataclass(frozen=True, slots=True)
class ReportMade:
    """Where a report was written: `paths` for people, folders in the `lake` (newest, and by day); its counts."""

    at: str
    paths: tuple[str, ...]
    lake: tuple[str, ...]
    tables: int
    published_tables: int
    rules: int
    agreements: int
    ledger_entries: int
    persons: int
    index: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for XCom and `--json`."""
        return asdict(self)


@step("report")
def report_step(*, context: PipelineContext | None = None, folder: Path | None = None) -> ReportMade:
    """Make the report of the lake as it is now. An empty lake has one too: it says that there was no run yet."""
    context = context or PipelineContext.from_environment()
    with no_values_escape("making the report"):
        at = context.now()
        contracts, mistakes = context.readable
        agreed, others = readable_agreements(context.schemas)
        overview = gather(context.lake, contracts, at=at)
        linking = gather_linking(context.lake)
        agreements = agreement_facts(agreed.values(), contracts, context.lake, at=at)
        delivered = delivered_in(overview)
        slices = [(one.name, table) for one in overview.registries for s in one.servers for table in s.slices]
        begun = {name for name, table in slices if table.latest}  # of the others no sync was ever asked for
        surroundings = QualityReportInputs(
            agreements, _ledger(context.lake), linking, _model(context, linking),
            contradictions(context, 1, registries=contracts).total if linking.last else 0,
            _pages_url(context.environ), files_of([*mistakes, *others]),
            {name: one.text for name, one in delivered.items()},
            frozenset(name for name, one in delivered.items() if one.missing and name in begun),
            request_counts(context, at=at),
        )  # fmt: skip
        tables = frames(overview, surroundings)
        texts = {f"{name}.csv": csv_text(frame) for name, frame in tables.items()}
        figures = figures_digest(texts)
        for language in LOCALES:
            pages = render(overview, surroundings, language)
            texts |= {name: with_figures(page, figures) for name, page in pages.items()}
        book = workbook(tables)
        state = Path(context.environ.get("LIENTHONG_VAR") or REPOSITORY / "var")
        paths = _write(folder or state / "reports", texts, book)
        kept = _keep(context.lake, at, texts, book)
        written = [f"{folder}/{name}" for folder in kept for name in (*texts, WORKBOOK)]
        record_files(context, "export", REPORTS, written, figures_sha256=figures)
    return ReportMade(
        at=at.isoformat(),
        paths=tuple(str(path) for path in paths),
        lake=tuple(context.lake.path(folder) for folder in kept),
        tables=len(overview.tables),
        published_tables=sum(table.last is not None for table in overview.tables),
        rules=sum(len(table.rules) for table in overview.tables),
        agreements=sum(a.standing == "in_force" for a in surroundings.agreements),
        ledger_entries=surroundings.ledger.entries if surroundings.ledger else 0,
        persons=linking.last.persons if linking.last else 0,
        index=None if overview.index.overall is None else round(overview.index.overall, 2),
    )


def _write(folder: Path, texts: dict[str, str], book: bytes) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    (folder / WORKBOOK).write_bytes(book)
    return [*(folder / name for name in texts), folder / WORKBOOK]


def _keep(lake: Lake, at: datetime, texts: dict[str, str], book: bytes) -> list[str]:
    """Lay the report into the lake: as the newest, and under its day in Hà Nội, so that earlier ones stay readable.

    Returns the folders, as paths in the lake.
    """
    folders = [f"{REPORTS}/{name}" for name in ("latest", f"{day_of(at)}")]
    for folder in folders:
        lake.make_folder(lake.path(folder))
        for name, text in texts.items():
            lake.write_text(lake.path(folder, name), text)
        with lake.open_output(lake.path(folder, WORKBOOK)) as out:
            out.write(book)
    return folders


def _pages_url(environ: Mapping[str, str]) -> str:
    """Where Airflow serves the quality pages; empty if its address is not known."""
    address = environ.get("AIRFLOW__API__BASE_URL", "").rstrip("/")
    return f"{address}/quality" if address else ""


def _ledger(lake: Lake) -> LedgerFacts | None:
    entries = ledger.read(lake)
    if not entries.num_rows:
        return None
    found = verify(lake)
    last: pa.Table = entries.slice(entries.num_rows - 1)
    return LedgerFacts(
        entries=found.records,
        commits=found.commits,
        last_at=last["at"][0].as_py(),
        last_hash=last["hash"][0].as_py(),
        vouched_until=found.vouched_until,
        is_whole=found.ok,
        why=BilingualText(found.why, found.vietnamese),
    )


def _model(context: PipelineContext, linking: Linking) -> ModelFacts | None:
    """The linkage model, weighed for the persons of the last run; None before persons were linked, or without one."""
    if linking.last is None:
        return None
    try:
        model = model_in_use(context)
    except ModelUnusable:
        return None
    persons, training = max(linking.last.persons, 2), model.training
    return ModelFacts(
        name=model.name,
        version=model.version,
        link_at=model.link_at,
        review_at=model.review_at,
        persons=persons,
        is_of_last_run=digest(model) == linking.digest_of_model,
        trained_on=training.get("on", ""),
        trained_at=datetime.fromisoformat(training["trained_at"]) if training.get("trained_at") else None,
        seed=training.get("seed"),
        records=training.get("records"),
        sampled=training.get("sampled"),
        splink=training.get("splink", ""),
        comparisons=tuple(
            ComparisonLevels(name, tuple(Level(*level) for level in levels))
            for name, levels in model.levels(persons).items()
        ),
    )
