"""Rendering of the quality report: HTML and SVG in two languages, CSV and Excel exports; the look of web pages."""

from pathlib import Path

from include.audit.report_pages.rendering import render
from include.audit.report_pages.svg import SERIES, draw, with_mark
from include.audit.report_pages.tile_map import TileMap, maps_of, tile_maps

WEB = Path(__file__).parent / "web"
"""Style sheet and macros that the pages in Airflow and the portal share."""
