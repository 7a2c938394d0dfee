"""The report as a PDF document of A4 pages, with fonts that have every Vietnamese letter."""

from __future__ import annotations

import io
from collections.abc import Sequence

from fpdf import FPDF
from fpdf.fonts import FontFace

from include.audit.government_report.content import GovernmentReport, Line
from include.audit.government_report.plots import DrawnPlot
from include.audit.official_letter import new_document, paragraph, ruling, signature, title

_COLUMNS = ("Chỉ tiêu", "Kỳ này", "Số lượng", "Kỳ trước", "Thay đổi")
_UPCOMING = "Báo cáo đến hạn trong 30 ngày sau kỳ, chưa gửi:"
_WIDTHS = (80, 24, 26, 22, 28)


def pdf_document(report: GovernmentReport, plots: Sequence[DrawnPlot]) -> bytes:
    """The document; the same report gives the same bytes."""
    pdf = new_document(f"Báo cáo {report.period_text}", report.at)
    _heading(pdf, report)
    for number, section in enumerate(report.sections, 1):
        title(pdf, f"{number}. {section.title}")
        _table(pdf, section.lines)
    title(pdf, f"{len(report.sections) + 1}. Số liệu còn thiếu và đơn vị còn nợ báo cáo")
    _items(pdf, report.missing or ("Không có số liệu nào thiếu.",))
    for told, owing in (("Đến hạn mà chưa gửi báo cáo:", report.owed), (_UPCOMING, report.upcoming)):
        if owing:
            paragraph(pdf, told)
            _items(pdf, owing)
    if not report.is_owed_known:
        paragraph(pdf, "Chưa xác định được đơn vị nào còn nợ báo cáo: không có số liệu.")
    for plot in plots:
        pdf.image(io.BytesIO(plot.png), w=pdf.epw)
        paragraph(pdf, plot.title, style="I")
    signature(pdf, report.heading.signer, report.heading.recipients)
    for number, annex in enumerate(report.annexes, 1):
        pdf.add_page()
        title(pdf, f"Phụ lục {number}. {annex.title}")
        _table(pdf, annex.lines)
    pdf.add_page()
    title(pdf, "Chú giải: nguồn của số liệu")
    for note in report.notes:
        law, tables = "; ".join(note.legal_basis), ", ".join(note.tables)
        paragraph(
            pdf,
            f"{note.number}. {note.name} ({note.indicator}). {note.definition} Căn cứ: {law}. Lần tính {note.edition}, "
            f"số liệu đến {note.last_day:%d/%m/%Y}; bảng: {tables}.",
            size=8,
        )
    paragraph(pdf, f"Mã băm số liệu (SHA-256): {report.figures_sha256}", size=7)
    return bytes(pdf.output())


def _heading(pdf: FPDF, report: GovernmentReport) -> None:
    heading = report.heading
    top, left, right = pdf.get_y(), pdf.l_margin, pdf.l_margin + 0.4 * pdf.epw
    for at, width, lines in (
        (left, 0.4, ((heading.parent, "", 0), (heading.issuer, "B", 0.4), (heading.number, "", 0))),
        (right, 0.6, (("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "B", 0), ("Độc lập - Tự do - Hạnh phúc", "B", 1),
                      (f"{heading.place}, ngày      tháng      năm", "I", 0))),
    ):  # fmt: skip
        pdf.set_y(top)
        for text, style, ruled in lines:
            pdf.set_x(at)
            pdf.set_font("serif", style, 9)
            pdf.multi_cell(width * pdf.epw, 5, text, align="C", new_x="LMARGIN", new_y="NEXT")
            if ruled:
                ruling(pdf, at, width * pdf.epw, text, ruled)
    pdf.ln(6)
    for text, style, size in (
        ("BÁO CÁO", "B", 13),
        (f"{heading.subject} {report.period_text}", "B", 11),
        ("DỰ THẢO, CHƯA KÝ", "B", 10),
    ):
        pdf.set_font("serif", style, size)
        pdf.multi_cell(0, 6, text, align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(3)
    paragraph(pdf, heading.addressee)
    paragraph(pdf, heading.opening)
    paragraph(pdf, f"Căn cứ: {'; '.join(heading.legal_basis)}.")


def _items(pdf: FPDF, items: Sequence[str]) -> None:
    for item in items:
        paragraph(pdf, f"- {item}", size=9)


def _table(pdf: FPDF, lines: Sequence[Line]) -> None:
    pdf.set_font("serif", "", 8)
    with pdf.table(
        col_widths=_WIDTHS, text_align=("LEFT", "RIGHT", "RIGHT", "RIGHT", "RIGHT"), line_height=4.4,
        align="LEFT", headings_style=FontFace(emphasis="BOLD"),
    ) as table:  # fmt: skip
        table.row(_COLUMNS)
        for line in lines:
            label = f"   {line.label}" if line.is_part else f"{line.label} [{line.note}]"
            value = f"{line.value} {line.unit}" if line.unit and line.numbers[0] is not None else line.value
            table.row((label, value, line.counted, line.before, line.change))
