"""The quality report as files of figures: CSV and an Excel workbook, through pandas."""

from include.audit.report_export.export import csv_text, frames, workbook
from include.audit.report_export.spreadsheet_text import cell_text
