"""Data of the quality report: counts, times and texts of contracts, gathered from the run log."""

from include.audit.report_data.figures import NewestRun, newest_runs
from include.audit.report_data.freshness import Freshness, freshness_of
from include.audit.report_data.lineage import column_lineage, source_columns
from include.audit.report_data.linking import (
    ComparisonLevels,
    Level,
    Linking,
    LinkRun,
    ModelFacts,
    PrecisionTarget,
    Share,
    WeightBand,
    gather_linking,
)
from include.audit.report_data.model import Overview, RegistryReport, ServerReport
from include.audit.report_data.overview import gather
from include.audit.report_data.quality_index import WORDS, Deduction, Index
from include.audit.report_data.report_inputs import (
    PERSONAL,
    READS_DAYS,
    AgreedColumn,
    AgreementFacts,
    LedgerFacts,
    QualityReportInputs,
    RequestCounts,
    SharedProduct,
)
from include.audit.report_data.run_history import Check, RunLine, RunPage, approval_notes, refused_runs, run_of, runs_of
from include.audit.report_data.servers import ServerFacts, servers_of, slices_of
from include.audit.report_data.table_report import RuleFigures, TableReport, TrendPoint
