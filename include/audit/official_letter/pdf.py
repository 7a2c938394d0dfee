"""The letter as a PDF document."""

from __future__ import annotations

from fpdf import FPDF
from fpdf.fonts import FontFace

from include.audit.official_letter.content import Letter, LetterTable
from include.audit.official_letter.pages import new_document, paragraph, title


def letter_pdf(letter: Letter) -> bytes:
    """The document; the same letter gives the same bytes."""
    pdf = new_document(letter.subject, letter.at)
    _heading(pdf, letter)
    for text in letter.opening:
        paragraph(pdf, text)
    for number, section in enumerate(letter.sections, 1):
        title(pdf, f"{number}. {section.title}")
        if section.table is not None:
            _table(pdf, section.table)
        for text in section.paragraphs:
            paragraph(pdf, text)
    pdf.ln(6)
    with pdf.unbreakable() as block:
        block.set_font("serif", "B", 10)
        block.multi_cell(0, 6, letter.signer, align="R", new_x="LMARGIN", new_y="NEXT")
        block.set_font("serif", "I", 9)
        block.multi_cell(0, 5, "(chữ ký, dấu)", align="R", new_x="LMARGIN", new_y="NEXT")
        block.multi_cell(0, 5, f"Nơi nhận: {'; '.join(letter.recipients)}.", new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


def _heading(pdf: FPDF, letter: Letter) -> None:
    top, left, right = pdf.get_y(), pdf.l_margin, pdf.l_margin + 0.4 * pdf.epw
    republic, motto = letter.motto
    for at, width, lines in (
        (left, 0.4, ((letter.parent, ""), (letter.issuer, "B"), (letter.number, ""), (f"V/v {letter.subject}", "I"))),
        (right, 0.6, ((republic, "B"), (motto, "B"), (letter.place, "I"))),
    ):
        pdf.set_y(top)
        for text, style in lines:
            pdf.set_x(at)
            pdf.set_font("serif", style, 9)
            pdf.multi_cell(width * pdf.epw, 5, text, align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.set_y(top + 34)
    pdf.set_font("serif", "B", 10)
    pdf.multi_cell(0, 6, letter.draft, align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.multi_cell(0, 8, letter.addressee, align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(2)


def _table(pdf: FPDF, table: LetterTable) -> None:
    pdf.set_font("serif", "", 8)
    with pdf.table(
        col_widths=table.widths, text_align="LEFT", line_height=4.4, headings_style=FontFace(emphasis="BOLD")
    ) as rows:  # fmt: skip
        rows.row(table.headings)
        for row in table.rows:
            rows.row(row)
    pdf.ln(2)
