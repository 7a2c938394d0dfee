"""The report as an Excel workbook: numbers as numbers (of up to 15 digits), the source of each as a comment on it."""

from __future__ import annotations

import io
from collections.abc import Sequence

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from include.audit.government_report.content import GovernmentReport, Line, Note
from include.audit.report_export import cell_text
from include.indicators.definitions import UNITS

_COLUMNS = ("Chỉ tiêu", "Kỳ này", "Tử số", "Mẫu số", "Kỳ trước", "Thay đổi", "Đơn vị", "Ghi chú")
_UNITS = {"": UNITS["count"].vietnamese, "%": "% (thay đổi: điểm %)"}
_AUTHOR = "Liên Thông"
_BOLD = Font(bold=True)


def excel_workbook(report: GovernmentReport) -> bytes:
    """The workbook: a sheet with the sections, one for each annex, what is missing, and the notes."""
    book = Workbook()
    notes = {note.number: note for note in report.notes}
    main = book.active
    main.title = "Báo cáo"
    main.append([cell_text(f"BÁO CÁO {report.heading.subject} {report.period_text} (DỰ THẢO, CHƯA KÝ)")])
    for section in report.sections:
        main.append([])
        main.append([section.title])
        main.cell(main.max_row, 1).font = _BOLD
        _lines(main, section.lines, notes)
    for number, annex in enumerate(report.annexes, 1):
        sheet = book.create_sheet(f"Phụ lục {number}")
        sheet.append([cell_text(annex.title)])
        _lines(sheet, annex.lines, notes)
    owed = report.owed if report.is_owed_known else ("chưa xác định được, không có số liệu",)
    _texts(book.create_sheet("Còn thiếu"), [*report.missing, *(f"Nợ báo cáo: {one}" for one in owed)])
    _texts(
        book.create_sheet("Chú giải"),
        [f"{note.number}. {_source(note)}" for note in report.notes]
        + [f"Mã băm số liệu (SHA-256): {report.figures_sha256}"],
    )
    for sheet in book.worksheets:
        sheet.column_dimensions["A"].width = 70
        for column in "BCDEFG":
            sheet.column_dimensions[column].width = 14 if column != "G" else 22
    book.properties.creator = _AUTHOR
    book.properties.created = book.properties.modified = report.at.replace(tzinfo=None)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _lines(sheet: Worksheet, lines: Sequence[Line], notes: dict[int, Note]) -> None:
    sheet.append(_COLUMNS)
    for cell in sheet[sheet.max_row]:
        cell.font = _BOLD
    for line in lines:
        missing = "" if line.numbers[0] is not None else line.value
        label = f"   {line.label}" if line.is_part else line.label
        numbers = map(cell_text, line.numbers)
        sheet.append([cell_text(label), *numbers, _UNITS.get(line.unit, line.unit), f"{missing} [{line.note}]".strip()])
        if not line.is_part:
            comment = Comment(cell_text(_source(notes[line.note])), _AUTHOR)
            comment.width, comment.height = 420, 180
            sheet.cell(sheet.max_row, 2).comment = comment


def _texts(sheet: Worksheet, texts: Sequence[str]) -> None:
    for text in texts:
        sheet.append([cell_text(text)])


def _source(note: Note) -> str:
    law, tables = "; ".join(note.legal_basis), ", ".join(note.tables)
    return (
        f"{note.name} ({note.indicator}). {note.definition} Căn cứ: {law}. Lần tính {note.edition}, số liệu đến "
        f"{note.last_day:%d/%m/%Y}; bảng: {tables}."
    )
