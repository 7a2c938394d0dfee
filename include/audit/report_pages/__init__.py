"""Rendering of the quality report: HTML and SVG in two languages; the look of web pages."""

from include.audit.report_pages.rendering import WEB, render
from include.audit.report_pages.svg import SERIES, draw, with_mark
from include.audit.report_pages.tile_map import TileMap, maps_of, tile_maps
