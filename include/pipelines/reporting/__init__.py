"""What people read: the quality report, and the data behind the quality pages."""

from include.pipelines.reporting.government import GovernmentReportMade, government_report_step
from include.pipelines.reporting.pages import ROWS_A_PAGE, RUNS_A_PAGE, QualityPages
from include.pipelines.reporting.reads import reads_of_table
from include.pipelines.reporting.report import report_step
from include.pipelines.reporting.report_files import LATEST, editions, files, report_file
