"""The report as one HTML page: no script, nothing loaded from elsewhere, readable on paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from include.audit.government_report.content import GovernmentReport
from include.audit.government_report.plots import DrawnPlot

_TEMPLATES = Path(__file__).parent / "templates"


def html_page(report: GovernmentReport, plots: Sequence[DrawnPlot]) -> str:
    """The page, with the digest of the figures in a meta tag."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    drawn = [(plot.title, Markup(plot.svg)) for plot in plots]  # noqa: S704
    return environment.get_template("government.html.j2").render(r=report, plots=drawn)
