"""The report to the Government: what is printed, what is missing, and that nobody can change it unseen."""

from __future__ import annotations

import io
import shutil
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from include.cli import app
from include.contracts.yaml_files import ContractError
from include.indicators.computation import computing
from include.indicators.computation.missing import MissingServer
from include.indicators.definitions import load_heading
from include.indicators.values import latest_editions
from include.pipelines import Misuse, PipelineContext, verify_lake, verify_report
from include.pipelines.indicators import compute_step
from include.pipelines.reporting import government_report_step
from tests.repeats import held_by
from tests.unit.indicators.conftest import SHARE, dossier, publish, service

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


WHOLE = "unit/indicators/test_government_report.py::test_the_quarter_before_is_a_whole_one_counted_as_this_one_is"
COUNT = """
version: 1.0.0
name: {vi: Hồ sơ tiếp nhận, en: Dossiers}
definition: {vi: Số hồ sơ tiếp nhận trong kỳ., en: Dossiers taken in.}
legalBasis: ["766"]
section: dossiers
unit: count
digits: 0
period: calendar
rows: |
  SELECT d.code FROM counter.dossier AS d
  WHERE CAST(d.received_at AS DATE) >= period_start() AND CAST(d.received_at AS DATE) < period_end()
numerator: "true"
notAvailable: {vi: Không., en: None.}
"""


@pytest.mark.parametrize(
    ("until_the_middle", "after", "edited"),
    [
        (1, 2, "true"),
        pytest.param(0, 3, "true", marks=held_by(WHOLE)),
        pytest.param(3, 0, "true", marks=held_by(WHOLE)),
        (3, 0, "code IS NOT NULL"),
    ],
    ids=["fewer", "none", "as many", "another definition"],
)
def test_the_quarter_before_is_a_whole_one_counted_as_this_one_is(
    reporting, tmp_path, monkeypatch, until_the_middle, after, edited
):
    """Older tests computed the quarter before once, after its end, by the same definition."""
    clock = [datetime(2018, 5, 20, 3, tzinfo=UTC)]
    monkeypatch.setattr(type(reporting), "now", lambda _: clock[0])
    path = reporting.schemas / "indicators" / "dossiers.yaml"
    path.write_text(COUNT, encoding="utf-8")
    rows = [dossier(f"a{n}", "1", f"2018-05-0{n + 1}") for n in range(until_the_middle)]
    publish(reporting, "counter", "dossier", rows or [dossier("x", "1", "2017-01-01")])
    compute_step("2018Q2", "in-the-middle", context=reporting)
    if edited != "true":
        clock[0] = datetime(2018, 7, 5, 3, tzinfo=UTC)
        compute_step("2018Q2", "after", context=reporting)
        path.write_text(COUNT.replace('"true"', f'"{edited}"').replace("1.0.0", "2.0.0"), encoding="utf-8")
    rows += [dossier(f"b{n}", "1", f"2018-06-0{n + 1}") for n in range(after)]
    publish(reporting, "counter", "dossier", [*rows, dossier("c", "1", "2018-07-01")])
    clock[0] = datetime(2018, 10, 4, 23, 30, tzinfo=UTC)  # the 5th in Viet Nam
    government_report_step("2018Q3", "run-1", context=reporting, folder=tmp_path / "out")
    book = openpyxl.load_workbook(io.BytesIO((tmp_path / "out" / "bao-cao-chinh-phu.xlsx").read_bytes()))
    (row,) = [row for row in book["Báo cáo"].iter_rows() if row[0].value == "Hồ sơ tiếp nhận"]
    assert (row[1].value, row[4].value, row[5].value) == (1, 3, -2)
    before = latest_editions(reporting.lake, "2018Q2")["dossiers"]
    assert (before.as_of, before.edition) == (datetime(2018, 6, 30, 17, tzinfo=UTC), 3 if edited != "true" else 2)
    again = government_report_step("2018Q3", "run-2", context=reporting, folder=tmp_path / "out")
    assert latest_editions(reporting.lake, "2018Q2")["dossiers"] == before
    page = (tmp_path / "out" / "bao-cao-chinh-phu.html").read_text(encoding="utf-8")
    assert "số liệu đến 30/09/2018" in page
    assert again.failed == ()


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


FAILS = (
    SHARE.replace("1.0.0", "2.0.0").replace("unit: percent", "unit: count").replace('denominator: "true"\n', "")
    .replace("numerator: is_active", "numerator: CAST(agency AS INTEGER) > 0")
)  # fmt: skip


@pytest.mark.parametrize("broken", [FAILS, "version: 1.0.0\n"], ids=["its SQL fails", "it cannot be read"])
def test_what_cannot_be_computed_today_is_missing_whatever_was_recorded(reporting, tmp_path, broken):
    compute_step("2018Q1", "early", context=reporting)
    (reporting.schemas / "indicators" / "active-services.yaml").write_text(broken, encoding="utf-8")
    made = government_report_step("2018Q1", "run-1", context=reporting, folder=tmp_path / "out")
    assert (made.failed, made.figures) == (("active-services",), 0)
    (told,) = made.missing
    assert "(active-services): không tính được" in told
    page = (tmp_path / "out" / "bao-cao-chinh-phu.html").read_text(encoding="utf-8")
    assert told in page
    assert "50,00" not in page
    assert "<svg" not in page
    book = openpyxl.load_workbook(io.BytesIO((tmp_path / "out" / "bao-cao-chinh-phu.xlsx").read_bytes()))
    assert book["Còn thiếu"]["A1"].value == told
    assert not any(isinstance(cell.value, int | float) for row in book["Báo cáo"].iter_rows() for cell in row)


def test_the_command_ends_with_1_if_an_indicator_failed(reporting, tmp_path, monkeypatch):
    monkeypatch.setattr(PipelineContext, "from_environment", classmethod(lambda _: reporting))
    asked = ["report", "government", "--period", "2018Q1", "--out", str(tmp_path / "out")]
    assert [CliRunner().invoke(app, [*asked, *more]).exit_code for more in ([], ["--json"])] == [0, 0]
    (reporting.schemas / "indicators" / "active-services.yaml").write_text(FAILS, encoding="utf-8")
    assert [CliRunner().invoke(app, [*asked, *more]).exit_code for more in ([], ["--json"])] == [1, 1]
    assert (tmp_path / "out" / "bao-cao-chinh-phu.pdf").exists()


def test_nobody_is_said_to_owe_nothing_if_nobody_counted(reporting, tmp_path):
    government_report_step("2018Q1", "run-1", context=reporting, folder=tmp_path / "out")
    page = (tmp_path / "out" / "bao-cao-chinh-phu.html").read_text(encoding="utf-8")
    assert "Không ghi nhận đơn vị nào còn nợ báo cáo" not in page
    assert "Chưa xác định được đơn vị nào còn nợ báo cáo" in page


def test_a_mistake_in_the_heading_is_told_with_its_line(reporting):
    path = reporting.schemas / "reports" / "government.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("plots: [active-services]", "plots: [active-service]"))
    with pytest.raises(ContractError, match="there is no indicator `active-service`"):
        load_heading(path, ["active-services"])


def test_what_is_no_period_is_refused(reporting):
    with pytest.raises(Misuse, match="2018Q1"):
        government_report_step("Q1", "run-1", context=reporting)


def line_of(out: Path, label: str) -> list[object]:
    """What the workbook says in the row of an indicator: label, value, numerator, denominator, value before, change."""
    book = openpyxl.load_workbook(io.BytesIO((out / "bao-cao-chinh-phu.xlsx").read_bytes()))
    (row,) = [row for row in book["Báo cáo"].iter_rows() if row[0].value == label]
    return [cell.value for cell in row[:6]]


@pytest.mark.parametrize(
    ("lacking", "value_before", "told"),
    [
        ({"2017Q4": "early"}, 2, ()),
        ({"2017Q4": "always"}, None, ("máy chủ nguồn hanoi chỉ gửi dữ liệu của một trong hai kỳ (chú giải 1)",)),
        ({"2018Q1": "always"}, None, ("máy chủ nguồn hanoi chỉ gửi dữ liệu của một trong hai kỳ (chú giải 1)",)),
        ({"2017Q4": "always", "2018Q1": "always"}, 2, ()),
    ],
    ids=["it came late", "the quarter before lacks it", "this quarter lacks it", "both lack it"],
)
def test_quarters_are_compared_if_the_same_servers_delivered(
    reporting, tmp_path, monkeypatch, lacking, value_before, told
):
    def missing(_lake, _contracts, _tables, period, **_):
        when = lacking.get(period.code)
        return (MissingServer("hanoi", "counter.dossier", ()),) if when == "always" or when in phase else ()

    monkeypatch.setattr(computing, "missing_servers", missing)
    (reporting.schemas / "indicators" / "active-services.yaml").unlink()
    (reporting.schemas / "indicators" / "dossiers.yaml").write_text(COUNT, encoding="utf-8")
    path = reporting.schemas / "reports" / "government.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("active-services", "dossiers"), encoding="utf-8")
    phase = ["early"]
    publish(reporting, "counter", "dossier", [dossier("a", "1", "2017-11-01")])
    compute_step("2017Q4", "early", context=reporting)
    phase = []
    publish(reporting, "counter", "dossier", [dossier("a", "1", "2017-11-01"), dossier("b", "2", "2017-11-01"),
                                            dossier("c", "2", "2018-02-01")])  # fmt: skip
    made = government_report_step("2018Q1", "run-1", context=reporting, folder=tmp_path / "out")
    _, value, *_, before, change = line_of(tmp_path / "out", "Hồ sơ tiếp nhận")
    assert (value, before, change) == (1, value_before, value_before and -1)
    assert [one for one in made.missing if one.startswith("Không so sánh")] == [
        f"Không so sánh với kỳ trước: {why}" for why in told
    ]


def test_a_quarter_that_is_not_over_is_not_compared(reporting, tmp_path, monkeypatch):
    monkeypatch.setattr(type(reporting), "now", lambda _: datetime(2018, 2, 20, 3, tzinfo=UTC))
    made = government_report_step("2018Q1", "run-1", context=reporting, folder=tmp_path / "out")
    assert line_of(tmp_path / "out", "Dịch vụ có hồ sơ")[4:] == [None, None]
    assert made.missing == ("Không so sánh với kỳ trước: kỳ báo cáo chưa kết thúc (chú giải 1)",)
