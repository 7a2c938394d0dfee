"""Rendering of the quality report: HTML and SVG in two languages, CSV and Excel exports."""

from __future__ import annotations

from include.audit.report_pages.export import csv_text, frames, workbook
from include.audit.report_pages.linking_words import COMPARISONS, LinkingWords, level_in_vietnamese
from include.audit.report_pages.rendering import render
from include.audit.report_pages.words import LOCALES

__all__ = [
    "COMPARISONS",
    "LOCALES",
    "LinkingWords",
    "csv_text",
    "frames",
    "level_in_vietnamese",
    "render",
    "workbook",
]
