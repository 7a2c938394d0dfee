"""The report to the Government: what is printed, what is missing, and that nobody can change it unseen."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import openpyxl
import pytest

from include.contracts.yaml_files import ContractError
from include.indicators.definitions import load_heading
from include.pipelines import Misuse, PipelineContext, verify_lake, verify_report
from include.pipelines.reporting import government_report_step
from tests.unit.indicators.conftest import dossier, publish, service

HEADING = Path(__file__).parents[3] / "schemas" / "reports" / "government.yaml"


@pytest.fixture
def reporting(context: PipelineContext) -> PipelineContext:
    publish(context, "catalogue", "service", [service("1", "G03", "2017-01-01"), service("2", "H56", "2017-01-01")])
    publish(context, "counter", "dossier", [dossier("a", "1", "2017-11-01"), dossier("b", "2", "2017-11-01"),
                                            dossier("c", "2", "2018-02-01")])  # fmt: skip
    heading = HEADING.read_text(encoding="utf-8")
    begin = heading.index("first:")
    names = "first: [active-services]\nannexes: [active-services]\nplots: [active-services]\n"
    (context.schemas / "reports").mkdir()
    (context.schemas / "reports" / "government.yaml").write_text(heading[:begin] + names, encoding="utf-8")
    return context


def test_a_draft_has_the_quarter_before_its_sources_and_a_digest_in_the_ledger(reporting, tmp_path):
    made = government_report_step("2018Q1", "run-1", context=reporting, folder=tmp_path / "out")
    assert (made.figures, made.missing, made.owed, made.failed) == (1, (), (), ())
    page = (tmp_path / "out" / "bao-cao-chinh-phu.html").read_text(encoding="utf-8")
    for text in ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "DỰ THẢO, CHƯA KÝ", "quý I năm 2018", "50,00 %", "1/2", "100,00",
                 "−50,00 điểm %", "Tỉnh Năm Sáu (H56)", "Quyết định 766/QĐ-TTg", "counter.dossier (phiên bản 0)",
                 made.figures_sha256):  # fmt: skip
        assert text in page, text
    assert "<script" not in page
    book = openpyxl.load_workbook(io.BytesIO((tmp_path / "out" / "bao-cao-chinh-phu.xlsx").read_bytes()))
    (row,) = [row for row in book["Báo cáo"].iter_rows() if row[0].value == "Dịch vụ có hồ sơ"]
    assert [cell.value for cell in row[1:6]] == [50, 1, 2, 100, -50]
    assert "Tỷ lệ dịch vụ có hồ sơ trong kỳ." in row[1].comment.text
    assert (tmp_path / "out" / "bao-cao-chinh-phu.pdf").read_bytes().startswith(b"%PDF-")
    assert not [one for one in verify_lake(reporting).discrepancies if not one.subject.startswith("registry/")]
    assert verify_report(reporting, tmp_path / "out" / "bao-cao-chinh-phu.pdf").ok


def test_an_altered_figure_is_found(reporting, tmp_path):
    government_report_step("2018Q1", "run-1", context=reporting, folder=tmp_path / "out")
    altered = tmp_path / "bao-cao-chinh-phu.html"
    page = (tmp_path / "out" / "bao-cao-chinh-phu.html").read_text(encoding="utf-8")
    altered.write_text(page.replace("50,00 %", "95,00 %", 1), encoding="utf-8")
    found = verify_report(reporting, altered)
    assert not found.ok
    assert any("95,00 %" in says for says, _ in found.differences)


def test_what_is_missing_is_named_with_its_reason(reporting, tmp_path):
    shutil.rmtree(reporting.lake.registry_table("counter", "dossier"))
    made = government_report_step("2018Q1", "run-1", context=reporting, folder=tmp_path / "out")
    assert made.missing == ("Dịch vụ có hồ sơ: không có số liệu: chưa công bố dữ liệu. Chưa có dịch vụ nào.",)


def test_a_mistake_in_the_heading_is_told_with_its_line(reporting):
    path = reporting.schemas / "reports" / "government.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("plots: [active-services]", "plots: [active-service]"))
    with pytest.raises(ContractError, match="there is no indicator `active-service`"):
        load_heading(path, ["active-services"])


def test_what_is_no_period_is_refused(reporting):
    with pytest.raises(Misuse, match="2018Q1"):
        government_report_step("Q1", "run-1", context=reporting)
