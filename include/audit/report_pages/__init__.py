"""Rendering of the quality report: HTML and SVG in two languages, CSV and Excel exports."""

from include.audit.report_pages.export import csv_text, frames, workbook
from include.audit.report_pages.linking_words import COMPARISONS, LinkingWords, level_in_vietnamese
from include.audit.report_pages.rendering import render
from include.audit.report_pages.words import LOCALES
