"""Texts of people in what leaves the house: a character that is not seen, a formula or a long text ends no report."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import openpyxl
import pandas as pd
import pytest

from include.audit.official_letter import new_document, paragraph
from include.audit.report_export import csv_text, workbook
from include.contracts.words import cleaned
from include.lake.run_log import LinkRunRow, append_link_run
from include.lake.storage import Lake
from include.pipelines import Misuse, PipelineContext
from include.pipelines.decisions import Answer, Matter, by_a_steward, reason_given
from include.pipelines.indicators import compute_step
from include.pipelines.reporting import government_report_step, report_step
from tests.unit.indicators.conftest import context  # noqa: F401 - a fixture
from tests.unit.indicators.test_government_report import reporting  # noqa: F401 - a fixture

OF_WORD = "Twins,\x0bsee letter 12"
EXCEL_HOLDS = 32_767


def cells(content: bytes) -> list[str]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


@pytest.mark.parametrize("one", ["\x00", "\x0b", "\x1f", "\x85", "\ufffe"])
def test_a_control_character_is_shown_in_every_file_of_figures(one):
    frame = pd.DataFrame([{"note": f"a{one}b"}])
    assert f"a\\u{ord(one):04x}b" in csv_text(frame)
    assert f"a\\u{ord(one):04x}b" in cells(workbook({"gate": frame}))


@pytest.mark.parametrize("letter", ["x", "\U0001f600"])
def test_a_text_that_a_cell_cannot_hold_says_where_it_ends(letter):
    content = workbook({"gate": pd.DataFrame([{"note": letter * 40_000}])})
    (_, text) = cells(content)
    assert text.startswith(letter * 10_000)
    assert text.endswith("the report's other files have the whole text]")
    assert len(text.encode("utf-16-le")) // 2 <= EXCEL_HOLDS


def test_a_text_that_fits_is_whole():
    assert cells(workbook({"gate": pd.DataFrame([{"note": "x" * EXCEL_HOLDS}])}))[1] == "x" * EXCEL_HOLDS


def test_the_quality_report_is_made_whatever_was_stored(reporting, tmp_path):  # noqa: F811
    append_link_run(reporting.lake, LinkRunRow.from_dict({
        "run_id": "r1", "verdict": "refused", "started_at": "2026-11-01T00:00:00+00:00", "refused_by": "lan",
        "findings": [{"what": "merged", "measured": 3.0, "allowed": "at most 0.5 %", "message": "m"}],
        "refusal_note": OF_WORD,
    }))  # fmt: skip
    report_step(context=reporting, folder=tmp_path / "out")
    (book,) = (tmp_path / "out").rglob("*.xlsx")
    assert "Twins,\\u000bsee letter 12" in cells(book.read_bytes())


def test_the_report_to_the_government_is_made_whatever_an_agency_is_called(reporting, tmp_path):  # noqa: F811
    path = reporting.schemas / "reference" / "agencies.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("Tỉnh Năm Sáu", "=Tỉnh\x0bNăm Sáu"), encoding="utf-8")
    compute_step("2018Q1", "early", context=reporting)
    government_report_step("2018Q1", "run-1", context=reporting, folder=tmp_path / "out")
    told = cells((tmp_path / "out" / "bao-cao-chinh-phu.xlsx").read_bytes())
    assert "'=Tỉnh\\u000bNăm Sáu (H56)" in told


def test_a_document_of_pages_shows_a_control_character():
    pdf = new_document("a", datetime(2026, 1, 1, tzinfo=UTC))
    paragraph(pdf, OF_WORD)
    assert bytes(pdf.output()).startswith(b"%PDF-")


def test_a_reason_is_cleaned_where_it_enters():
    assert reason_given(f"{OF_WORD}\u200b\n\tpage 2") == "Twins, see letter 12\n\tpage 2"
    assert cleaned("a\ud800b\u2028c") == "a\ufffdb c"
    with pytest.raises(Misuse, match="say why"):
        reason_given("\x0b\u200b")


def test_a_refusal_is_cleaned_where_it_enters(tmp_path):
    context = PipelineContext(Lake(str(tmp_path)), tmp_path, {})  # noqa: F811
    matter = Matter("registry/a/b", (), needs_two=False, digest="", note_uri="")
    assert by_a_steward(context, matter, Answer("declined", "lan", OF_WORD)).note == "Twins, see letter 12"
