"""Pages of the indicators: definition beside every figure, course over the quarters, down to the agency."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from include.pipelines import PipelineContext
from include.pipelines.indicators import compute_step
from tests.unit.indicators.conftest import context, dossier, publish, service  # noqa: F401 - a fixture

Browse = Callable[..., TestClient]


@pytest.fixture
def counted(context: PipelineContext) -> PipelineContext:  # noqa: F811
    publish(context, "catalogue", "service", [service("1", "G03", "2017-01-01"), service("2", "H56", "2017-01-01")])
    publish(context, "counter", "dossier", [dossier("a", "1", "2017-11-01"), dossier("b", "2", "2017-11-01"),
                                            dossier("c", "2", "2018-02-01")])  # fmt: skip
    for period in ("2017Q4", "2018Q1"):
        compute_step(period, f"run-{period}", context=context)
    return context


def test_the_list_has_each_figure_with_its_definition_and_course(browse: Browse, counted: PipelineContext) -> None:
    text = browse("viewer", context=counted).get("/indicators").text
    for wanted in ("Services with dossiers", "Share of services with a dossier in the period.", "50.00 %", "1/2",
                   "2018Q1", 'href="/indicators/active-services"', "<polyline"):  # fmt: skip
        assert wanted in text, wanted
    assert "Tỷ lệ dịch vụ có hồ sơ trong kỳ." in browse("viewer", context=counted).get("/indicators?lang=vi").text


def test_one_indicator_goes_down_to_the_agency(browse: Browse, counted: PipelineContext) -> None:
    text = browse("viewer", context=counted).get("/indicators/active-services").text
    for wanted in ("Quyết định 766/QĐ-TTg", "2017Q4", "100.00 %", "Tỉnh Năm Sáu", "0.00 %", "catalogue.service"):
        assert wanted in text, wanted
    assert text.index("2018Q1") < text.index("2017Q4")


def test_a_recorded_figure_keeps_its_unit_and_digits_when_the_definition_changes(
    browse: Browse, counted: PipelineContext
) -> None:
    path = counted.schemas / "indicators" / "active-services.yaml"
    text = path.read_text(encoding="utf-8").replace("unit: percent\ndigits: 2", "unit: hours\ndigits: 0")
    path.write_text(text, encoding="utf-8")
    for page in ("/indicators", "/indicators/active-services"):
        assert "50.00 %" in browse("viewer", context=counted).get(page).text


def test_before_the_first_computation_a_page_says_how(browse: Browse, context: PipelineContext) -> None:  # noqa: F811
    text = browse("viewer", context=context).get("/indicators/active-services").text
    assert "lienthong indicators compute active-services" in text


def test_who_may_not_read_reports_reads_no_indicator(browse: Browse, counted: PipelineContext) -> None:
    assert browse("clerk", context=counted).get("/indicators").status_code == 403
    assert browse("clerk", context=counted).get("/indicators/active-services").status_code == 403
    assert browse("viewer", context=counted).get("/indicators/none").status_code == 404
