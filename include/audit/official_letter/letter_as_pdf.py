"""The letter as a PDF document."""

from __future__ import annotations

from fpdf import FPDF
from fpdf.fonts import FontFace

from include.audit.official_letter.a4_pages import new_document, paragraph, ruling, signature, title
from include.audit.official_letter.content import Letter, LetterTable


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
    signature(pdf, letter.signer, letter.recipients)
    return bytes(pdf.output())


def _heading(pdf: FPDF, letter: Letter) -> None:
    top, left, right = pdf.get_y(), pdf.l_margin, pdf.l_margin + 0.4 * pdf.epw
    republic, motto = letter.motto
    below = top
    for at, part, lines in (
        (left, 0.4, ((letter.parent, "", 0), (letter.issuer, "B", 0.4), (letter.number, "", 0),
                     (f"V/v {letter.subject}", "", 0))),
        (right, 0.6, ((republic, "B", 0), (motto, "B", 1), (letter.place, "I", 0))),
    ):  # fmt: skip
        pdf.set_y(top)
        for text, style, ruled in lines:
            pdf.set_x(at)
            pdf.set_font("serif", style, 9)
            pdf.multi_cell(part * pdf.epw, 5, text, align="C", new_x="LMARGIN", new_y="NEXT")
            if ruled:
                ruling(pdf, at, part * pdf.epw, text, ruled)
        below = max(below, pdf.get_y())
    pdf.set_y(below + 5)
    pdf.set_font("serif", "B", 10)
    pdf.multi_cell(0, 6, letter.draft, align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("serif", "", 10)
    pdf.multi_cell(0, 8, letter.addressee, align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(2)


def _table(pdf: FPDF, table: LetterTable) -> None:
    pdf.set_font("serif", "", 8)
    with pdf.table(
        col_widths=table.widths, align="LEFT", text_align="LEFT", v_align="TOP", line_height=4.4,
        headings_style=FontFace(emphasis="BOLD"),
    ) as rows:  # fmt: skip
        rows.row(table.headings)
        for row in table.rows:
            rows.row(row)
    pdf.ln(2)
