"""The letter as one HTML page: no script, nothing loaded from elsewhere, readable on paper."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include.audit.official_letter.content import Letter

_TEMPLATES = Path(__file__).parent / "templates"


def letter_html(letter: Letter) -> str:
    """The page."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("letter.html.j2").render(r=letter)
