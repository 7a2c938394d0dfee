"""Plots of the report to the Government: what they draw is what the table prints, in the order of the quarters."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
from matplotlib.figure import Figure

from include.audit.government_report import plots
from include.indicators.computation import computing
from include.indicators.computation.missing import MissingServer
from include.pipelines import PipelineContext
from include.pipelines.indicators import compute_step, indicator_courses
from include.pipelines.reporting import government_report_step
from tests.unit.indicators.conftest import publish, service
from tests.unit.indicators.test_government_report import reporting  # noqa: F401 - a fixture

DEFINED = """
version: 1.0.0
name: {vi: Dịch vụ, en: Services}
definition: {vi: Tỷ lệ., en: Share.}
legalBasis: ["766"]
section: services
unit: percent
digits: 2
period: as-of
rows: |
  SELECT s.agency, CASE WHEN starts_with(s.agency, 'H') THEN 'province' ELSE 'ministry' END AS scope,
         s.code < '5' AS ok
  FROM catalogue.service AS s WHERE s.online_from < period_end()
numerator: ok
denominator: "true"
breakdown:
  agency: catalogue.service.agency
  scope: reference.scopes.code
notAvailable: {vi: Không., en: None.}
"""
SCOPES = "code,name,valid_from,valid_until\nministry,Bộ,2000-01-01,\nprovince,Tỉnh,2000-01-01,\n"
SERVICES = [("1", "G03", "2018-02-01"), ("6", "G03", "2018-05-01"), ("2", "H56", "2017-01-01"),
            ("7", "H56", "2017-08-01"), ("8", "H56", "2018-01-10"), ("9", "H56", "2018-05-10")]  # fmt: skip
Drawn = dict[str, list]


@pytest.fixture
def drawing(reporting: PipelineContext) -> PipelineContext:  # noqa: F811
    (reporting.schemas / "reference" / "scopes.csv").write_text(SCOPES, encoding="utf-8")
    (reporting.schemas / "indicators" / "active-services.yaml").write_text(DEFINED, encoding="utf-8")
    publish(reporting, "catalogue", "service", [service(*one) for one in SERVICES])
    return reporting


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """What is drawn: of the course the ticks, and of each line its points; of the ranking names and lengths."""
    found: Drawn = {}
    original = plots._drawn

    def spy(name: str, title: str, height: float, onto: Callable) -> plots.DrawnPlot:
        axes = Figure().subplots()
        onto(axes, plots._INKS)
        kind = name.rpartition("-")[2]
        if kind == "course":
            found["ticks"] = [tick.get_text() for tick in axes.get_xticklabels()]
            found.update({line.get_label(): [None if y != y else y for y in line.get_ydata()] for line in axes.lines})
        else:
            names = [tick.get_text() for tick in axes.get_yticklabels()]
            found["ranking"] = list(zip(names, [bar.get_width() for bar in axes.patches], strict=True))
        return original(name, title, height, onto)

    monkeypatch.setattr(plots, "_drawn", spy)
    return found


def printed(out: Path, sheet: str = "Báo cáo") -> dict[str, float]:
    """The values of the workbook by label."""
    book = openpyxl.load_workbook(io.BytesIO((out / "bao-cao-chinh-phu.xlsx").read_bytes()))
    rows = [[cell.value for cell in row] for row in book[sheet].iter_rows()]
    return {row[0].strip(): row[1] for row in rows if row[0] and isinstance(row[1], int | float)}


def test_quarters_stand_in_their_order_and_lines_break(drawing, drawn, tmp_path):
    for quarter in ("2017Q1", "2017Q3", "2018Q1"):
        compute_step(quarter, quarter, context=drawing)
    government_report_step("2018Q2", "run-1", context=drawing, folder=tmp_path)
    assert drawn["ticks"] == ["2017Q1", "2017Q2", "2017Q3", "2017Q4", "2018Q1", "2018Q2"]
    assert drawn["Bộ, ngành trung ương"] == [None, None, None, None, 100, 50]
    assert drawn["Tỉnh, thành phố"] == [100, None, 50, None, 33.33, 25]
    numbers = printed(tmp_path)
    assert {name: drawn[name][-1] for name in ("Bộ, ngành trung ương", "Tỉnh, thành phố")} == {
        name: numbers[name] for name in ("Bộ, ngành trung ương", "Tỉnh, thành phố")
    }


def test_what_the_table_does_not_compare_is_not_drawn(drawing, drawn, tmp_path, monkeypatch):
    clock = [datetime(2017, 5, 20, 3, tzinfo=UTC)]
    monkeypatch.setattr(type(drawing), "now", lambda _: clock[0])
    compute_step("2017Q2", "unfinished", context=drawing)
    clock[0] = datetime(2018, 10, 1, tzinfo=UTC)
    with monkeypatch.context() as lacking:
        lost = (MissingServer("hanoi", "catalogue.service", ()),)
        lacking.setattr(computing, "missing_servers", lambda *_, **__: lost)
        compute_step("2017Q4", "lacks-a-server", context=drawing)
    path = drawing.schemas / "indicators" / "active-services.yaml"
    count = DEFINED.replace("unit: percent", "unit: count").replace('denominator: "true"\n', "")
    path.write_text(count, encoding="utf-8")
    compute_step("2017Q3", "another-definition", context=drawing)
    path.write_text(DEFINED, encoding="utf-8")
    government_report_step("2018Q2", "run-1", context=drawing, folder=tmp_path)
    assert drawn["ticks"] == ["2018Q1", "2018Q2"]
    (course,) = indicator_courses(drawing, "active-services")
    assert 3 not in course.of_member("", "")
    assert len(course.of_member("", "")) == 4


def test_the_ranking_is_of_the_period_in_its_caption(drawing, drawn, tmp_path):
    compute_step("2018Q1", "early", context=drawing)
    publish(drawing, "catalogue", "service", [service("1", "G03", "2017-01-01"), service("2", "H56", "2017-01-01")])
    government_report_step("2018-03-31", "run-1", context=drawing, folder=tmp_path)
    assert drawn["ranking"] == [("H56", 100)]
    assert drawn["ticks"] == ["2017Q4", "2018-03-31"]
    assert printed(tmp_path)["Tỉnh, thành phố"] == drawn["Tỉnh, thành phố"][-1] == 100


def test_every_number_has_its_unit(drawing, tmp_path):
    hours = DEFINED.replace("unit: percent", "unit: hours").replace("vi: Dịch vụ", "vi: Số giờ")
    count = DEFINED.replace("unit: percent", "unit: count").replace('denominator: "true"\n', "")
    for name, text in (("some-hours", hours), ("some-count", count.replace("vi: Dịch vụ", "vi: Số lượng dịch vụ"))):
        (drawing.schemas / "indicators" / f"{name}.yaml").write_text(text, encoding="utf-8")
    government_report_step("2018Q2", "run-1", context=drawing, folder=tmp_path)
    book = openpyxl.load_workbook(io.BytesIO((tmp_path / "bao-cao-chinh-phu.xlsx").read_bytes()))
    rows = [[cell.value for cell in row] for row in book["Báo cáo"].iter_rows()]
    place = next(row for row in rows if row[0] == "Chỉ tiêu").index("Đơn vị")
    units = {row[0]: row[place] for row in rows if row[0] in ("Dịch vụ", "Số giờ", "Số lượng dịch vụ")}
    assert units == {"Dịch vụ": "% (thay đổi: điểm %)", "Số giờ": "giờ", "Số lượng dịch vụ": "số lượng"}
    assert "Thay đổi (điểm %)" not in [cell for row in rows for cell in row]
    page = (tmp_path / "bao-cao-chinh-phu.html").read_text(encoding="utf-8")
    assert "0,33 giờ" in page
    assert "−0,17 giờ" in page
