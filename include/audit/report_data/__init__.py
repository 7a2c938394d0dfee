"""Data of the quality report: counts, times and texts of contracts, gathered from the run log."""

from __future__ import annotations

from include.audit.report_data.freshness import SCHEDULE_ZONE
from include.audit.report_data.lineage import column_lineage, source_columns
from include.audit.report_data.linking import (
    Band,
    Comparison,
    Level,
    Linking,
    LinkRun,
    ModelFacts,
    Share,
    Threshold,
    gather_linking,
)
from include.audit.report_data.model import Overview, RegistryReport, TableReport, TrendPoint
from include.audit.report_data.overview import gather
from include.audit.report_data.quality_index import WORDS, Deduction, Index
from include.audit.report_data.run_history import Check, RunLine, RunPage, approval_notes, refused_runs, run_of, runs_of
from include.audit.report_data.surroundings import (
    AgreedColumn,
    AgreementFacts,
    LedgerFacts,
    SharedProduct,
    Surroundings,
)

__all__ = [
    "SCHEDULE_ZONE",
    "WORDS",
    "AgreedColumn",
    "AgreementFacts",
    "Band",
    "Check",
    "Comparison",
    "Deduction",
    "Index",
    "LedgerFacts",
    "Level",
    "LinkRun",
    "Linking",
    "ModelFacts",
    "Overview",
    "RegistryReport",
    "RunLine",
    "RunPage",
    "Share",
    "SharedProduct",
    "Surroundings",
    "TableReport",
    "Threshold",
    "TrendPoint",
    "approval_notes",
    "column_lineage",
    "gather",
    "gather_linking",
    "refused_runs",
    "run_of",
    "runs_of",
    "source_columns",
]
