"""What people read: the quality report, and the data behind the quality pages."""

from __future__ import annotations

from include.pipelines.reporting.pages import ROWS_A_PAGE, RUNS_A_PAGE, QualityPages
from include.pipelines.reporting.report import report_step
from include.pipelines.reporting.report_files import LATEST, editions, files, report_file
from include.pipelines.reporting.review_changes import not_followed_step, outlook_step, withdraw_step
from include.pipelines.reporting.rule_descriptions import rule_texts

__all__ = [
    "LATEST",
    "ROWS_A_PAGE",
    "RUNS_A_PAGE",
    "QualityPages",
    "editions",
    "files",
    "not_followed_step",
    "outlook_step",
    "report_file",
    "report_step",
    "rule_texts",
    "withdraw_step",
]
