"""A4 pages of official documents, with fonts that have every Vietnamese letter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import matplotlib as mpl
from fpdf import FPDF

_FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"
_STYLES = {
    "": "DejaVuSerif.ttf",
    "B": "DejaVuSerif-Bold.ttf",
    "I": "DejaVuSerif-Italic.ttf",
    "BI": "DejaVuSerif-BoldItalic.ttf",
}


class A4Pages(FPDF):
    """A4 pages with the page's number above, from the second on."""

    def header(self) -> None:
        if self.page_no() > 1:
            self.set_y(10)
            self.set_font("serif", size=9)
            self.cell(0, 6, str(self.page_no()), align="C")
            self.set_y(self.t_margin)


def new_document(name: str, at: datetime) -> A4Pages:
    """A document in Vietnamese with its first page; the same content gives the same bytes."""
    pdf = A4Pages(format="A4")
    pdf.set_margins(30, 20, 15)
    pdf.set_auto_page_break(True, 20)
    for style, file in _STYLES.items():
        pdf.add_font("serif", style, _FONTS / file)
    pdf.set_creation_date(at)
    pdf.set_title(name)
    pdf.set_lang("vi")
    pdf.add_page()
    return pdf


def ruling(pdf: FPDF, left: float, width: float, text: str, part: float) -> None:
    """A line below a centred text in the present font, as long as that part of it."""
    long = min(pdf.get_string_width(text), width) * part
    start, y = left + (width - long) / 2, pdf.get_y() + 0.6
    pdf.line(start, y, start + long, y)
    pdf.set_y(y + 1)


def signature(pdf: FPDF, signer: str, recipients: Sequence[str]) -> None:
    """Who is sent it, at the left as a list, and beside it whoever signs, with room for signature and name."""
    pdf.ln(6)
    half = pdf.epw / 2
    if pdf.will_page_break(max(45, 5 + 9 * len(recipients))):
        pdf.add_page()
    top = pdf.get_y()
    pdf.set_font("serif", "BI", 9)
    pdf.cell(half, 5, "Nơi nhận:", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("serif", "", 8.5)
    for place, recipient in enumerate(recipients, 1):
        end = "." if place == len(recipients) else ";"
        pdf.multi_cell(half, 4.5, f"- {recipient}{end}", align="L", new_x="LMARGIN", new_y="NEXT")
    below = pdf.get_y()
    pdf.set_y(top)
    for text, style, room in ((signer, "B", 0), ("(chữ ký, dấu)", "I", 24), ("Họ và tên", "B", 0)):
        pdf.set_x(pdf.l_margin + half)
        pdf.set_font("serif", style, 10)
        pdf.multi_cell(half, 6, text, align="C", new_x="LMARGIN", new_y="NEXT")
        pdf.ln(room)
    pdf.set_y(max(below, pdf.get_y()))


def title(pdf: FPDF, text: str) -> None:
    """The title of a section, never the last line of a page."""
    pdf.ln(3)
    if pdf.will_page_break(24):
        pdf.add_page()
    pdf.set_font("serif", "B", 10.5)
    pdf.multi_cell(0, 6, text, new_x="LMARGIN", new_y="NEXT")


def paragraph(pdf: FPDF, text: str, *, style: str = "", size: float = 10) -> None:
    """A paragraph."""
    pdf.set_font("serif", style, size)
    pdf.multi_cell(0, size / 2, text, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(1)
