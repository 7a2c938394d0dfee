"""The quarterly report to the Government, in the form of a Vietnamese administrative report: HTML, PDF and Excel.

Its language is Vietnamese, as the law wants of such a report. Every figure is a recorded value of an indicator.
"""

from include.audit.government_report.content import (
    Annex,
    GovernmentReport,
    Line,
    Note,
    Section,
    report_content,
)
from include.audit.government_report.inputs import Definitions, ReportInputs
from include.audit.government_report.plots import DrawnPlot, plots_of
from include.audit.government_report.report_excel import excel_workbook
from include.audit.government_report.report_html import html_page
from include.audit.government_report.report_pdf import pdf_document
