"""A4 pages of official documents, with fonts that have every Vietnamese letter."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import matplotlib as mpl
from fpdf import FPDF

_FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"
_STYLES = {"": "DejaVuSerif.ttf", "B": "DejaVuSerif-Bold.ttf", "I": "DejaVuSerif-Italic.ttf"}


class A4Pages(FPDF):
    """A4 pages with the page's number below."""

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font("serif", size=8)
        self.cell(0, 6, f"{self.page_no()}/{{nb}}", align="C")


def new_document(name: str, at: datetime) -> A4Pages:
    """A document in Vietnamese with its first page; the same content gives the same bytes."""
    pdf = A4Pages(format="A4")
    pdf.set_margins(20, 18, 15)
    pdf.set_auto_page_break(True, 18)
    for style, file in _STYLES.items():
        pdf.add_font("serif", style, _FONTS / file)
    pdf.set_creation_date(at)
    pdf.set_title(name)
    pdf.set_lang("vi")
    pdf.add_page()
    return pdf


def title(pdf: FPDF, text: str) -> None:
    """The title of a section."""
    pdf.ln(3)
    pdf.set_font("serif", "B", 10.5)
    pdf.multi_cell(0, 6, text, new_x="LMARGIN", new_y="NEXT")


def paragraph(pdf: FPDF, text: str, *, style: str = "", size: float = 10) -> None:
    """A paragraph."""
    pdf.set_font("serif", style, size)
    pdf.multi_cell(0, size / 2, text, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(1)
