"""The published figures of Q4/2017 and Q1/2018, from sources through syncs to recorded indicators."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from include.indicators.computation import Figure
from include.indicators.values import StoredIndicator, latest_editions, stored_editions
from include.lake.storage import Lake
from include.pipelines import PipelineContext, verify_lake
from include.pipelines.indicators import compute_step
from include.pipelines.reporting import government_report_step
from include.pipelines.sync import sync_registry
from tests.integration.indicators.quarter_2018 import NOW, Sources, agency_of, dossier, fill, service_code
from tests.repeats import held_by

SCHEMAS = Path(__file__).parents[3] / "schemas"
# A country's rows take half a minute to be synced; each rule is tried over a few.
ONLINE = (
    "unit/indicators/test_figures_of_a_quarter.py::"
    "test_a_service_has_online_dossiers_if_one_came_online_in_the_quarter_to_who_offers_it"
)
STOCK = (
    "unit/indicators/test_dossiers_and_documents.py::"
    "test_a_successor_has_the_tasks_and_services_of_the_former_agency_which_are_neither_ended_nor_added"
)
TASKS = "unit/indicators/test_figures_of_a_quarter.py::test_a_task_is_done_as_it_was_told_last_by_the_end_of_the_period"
BY_THE_END = (
    "unit/indicators/test_figures_of_a_quarter.py::test_connections_and_reports_count_by_the_end_of_the_quarter"
)
OF_ONE_FILE = "unit/indicators/test_compute.py::test_the_total_is_the_sum_over_members_and_days_are_those_of_viet_nam"
DRAFT = (
    "unit/indicators/test_government_report.py::"
    "test_a_draft_has_the_quarter_before_its_sources_and_a_digest_in_the_ledger"
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Sources:
    made = Sources(tmp_path_factory.mktemp("sources"), SCHEMAS)
    fill(made)
    return made


@pytest.fixture(scope="module")
def context(sources, tmp_path_factory) -> PipelineContext:
    context = PipelineContext(Lake(str(tmp_path_factory.mktemp("lake") / "lake")), SCHEMAS, sources.connections)
    for registry, tables in (
        ("procedures", ["agency_service"]),
        ("dossiers", ["dossier"]),
        ("programme", ["task", "task_progress", "connection", "report_obligation", "submission"]),
    ):
        run = sync_registry(registry, run_id=f"run-{registry}", tables=tables, context=context)
        rejected = {table.table: table.rejected for table in run.tables}
        assert run.verdict == "published", run.to_dict()
        assert not any(rejected.values()), rejected
    return context


def one(context: PipelineContext, indicator: str, period: str) -> StoredIndicator:
    found = latest_editions(context.lake, period)
    if indicator not in found:
        run_id = f"run-{period}-{indicator}"
        assert compute_step(period, run_id, indicators=[indicator], context=context).verdict == "computed"
        found = latest_editions(context.lake, period)
    return found[indicator]


def numbers(figure: Figure, digits: int) -> tuple[int, int, str]:
    assert figure.value is not None, figure
    return int(figure.numerator or 0), int(figure.denominator or 0), f"{figure.value:.{digits}f}"


@held_by(ONLINE)
@pytest.mark.parametrize(
    ("period", "scope", "printed"),
    [
        ("2017Q4", "ministry", (991, 1_545, "64.14")),
        ("2017Q4", "province", (4_853, 31_471, "15.42")),
        ("2018Q1", "ministry", (376, 1_551, "24.24")),
        ("2018Q1", "province", (4_396, 45_374, "9.69")),
    ],
)
def test_services_with_online_dossiers(context, period, scope, printed):
    found = one(context, "services-with-online-dossiers", period)
    (figure,) = [figure for figure in found.of("scope") if figure.member == scope]
    assert numbers(figure, found.digits) == printed


@held_by(ONLINE)
def test_rows_by_agency_sum_to_the_printed_ones(context):
    found = one(context, "services-with-online-dossiers", "2018Q1").of("agency")
    for letter, count, sums in (("G", 23, (376, 1_551)), ("H", 63, (4_396, 45_374))):
        of_scope = [figure for figure in found if figure.member.startswith(letter)]
        assert len(of_scope) == count
        assert (sum(f.numerator for f in of_scope), sum(f.denominator for f in of_scope)) == sums


@held_by(STOCK)
def test_services_added_and_those_without_dossiers(context):
    assert int(one(context, "services-added", "2018Q1").total.value) == 13_909
    without = {f.member: int(f.value) for f in one(context, "services-without-online-dossiers", "2018Q1").of("scope")}
    assert without == {"ministry": 1_551 - 376, "province": 45_374 - 4_396}


@held_by(STOCK)
def test_stock_follows_from_the_quarter_before(context):
    before, now = (int(one(context, "services-offered-online", p).total.value) for p in ("2017Q4", "2018Q1"))
    added, ended = (int(one(context, name, "2018Q1").total.value) for name in ("services-added", "services-ended"))
    assert now == before + added - ended == 46_925


@held_by(TASKS)
@pytest.mark.parametrize(
    ("indicator", "period", "printed"),
    [
        ("tasks-36a-done", "2018Q1", (53, 73, "72.6")),
        ("tasks-36a-done-whole-percent", "2016-10-31", (31, 73, "42")),
        ("tasks-36a-done-strictly", "2018Q1", (40, 73, "54.8")),
    ],
)
def test_tasks(context, indicator, period, printed):
    found = one(context, indicator, period)
    assert numbers(found.total, found.digits) == printed


@held_by(BY_THE_END)
def test_connections(context):
    found = one(context, "connections-with-government-office", "2018Q1")
    by_scope = {figure.member: numbers(figure, 2) for figure in found.of("scope")}
    assert by_scope == {"ministry": (26, 29, "89.66"), "province": (63, 63, "100.00")}
    assert int(one(context, "connections-being-tested", "2018Q1").total.value) == 2
    first = one(context, "connections-with-government-office", "2016-03-24")
    assert [int(figure.numerator) for figure in first.of("scope")] == [25]


@held_by(BY_THE_END)
def test_reports_due(context):
    assert int(one(context, "reports-missing", "2018Q1").total.value) == 3
    assert int(one(context, "reports-late", "2018Q1").total.value) == 2
    assert numbers(one(context, "reports-on-time", "2018Q1").total, 2) == (24, 29, "82.76")


@held_by("unit/indicators/test_compute.py::test_a_table_that_was_never_published_leaves_no_value")
def test_a_table_that_was_never_synced_gives_no_value(context):
    found = one(context, "fees-paid-online", "2018Q1")
    assert (found.total.value, found.total.reason) == (None, "not published")


@held_by("unit/indicators/test_compute.py::test_a_second_computation_records_nothing")
def test_a_second_computation_records_nothing_and_the_ledger_vouches(context):
    names = ["tasks-36a-done", "services-with-online-dossiers", "connections-with-government-office"]
    for name in names:
        one(context, name, "2018Q1")
    again = compute_step("2018Q1", "run-again", indicators=names, context=context)
    assert {done.verdict for done in again.indicators} == {"unchanged"}
    assert verify_lake(context).ok


@held_by(DRAFT)
def test_the_report_prints_the_published_figures(context, tmp_path):
    made = government_report_step("2018Q1", "run-report", context=context, folder=tmp_path)
    page = (tmp_path / "bao-cao-chinh-phu.html").read_text(encoding="utf-8")
    for printed in ("24,24 %", "9,69 %", "64,14", "15,42", "−39,90 điểm %", "−5,73 điểm %", "13.909", "72,6 %", "53/73",
                    "26/29", "63/63"):  # fmt: skip
        assert f">{printed}<" in page, printed
    assert len(made.owed) == 3
    assert any(one.startswith("Tỷ lệ giao dịch phí, lệ phí thanh toán trực tuyến") for one in made.missing)
    assert verify_lake(context).ok


@held_by("unit/indicators/test_compute.py::test_a_late_dossier_is_a_new_edition_and_what_was_reported_stays")
def test_a_late_dossier_restates_the_quarter_and_what_was_printed_stays(context, sources):
    one(context, "services-with-online-dossiers", "2018Q1")
    late = dossier(
        "G13-180330-000001", service_code("ministry", 500), agency_of("ministry", 500), "2018-03-30 10:00:00"
    )
    sources.put("dossiers-central", "ho_so", [{**late, "NgayCapNhat": "2018-04-05 08:00:00"}])
    assert sync_registry("dossiers", run_id="run-late", tables=["dossier"], context=context).verdict == "published"
    compute_step("2018Q1", "run-restated", indicators=["services-with-online-dossiers"], context=context)
    editions = stored_editions(context.lake, period="2018Q1", indicator="services-with-online-dossiers")
    shares = [next(numbers(f, 2) for f in edition.of("scope") if f.member == "ministry") for edition in editions]
    assert shares == [(376, 1_551, "24.24"), (377, 1_551, "24.31")]


def test_a_missing_server_gives_its_agency_no_figure(tmp_path):
    """Thanh Hóa's server is not connected: H56 has no value, the others have, and the total says who is missing."""
    few = Sources(tmp_path, SCHEMAS)
    agencies = ["G01", "H55", "H56"]
    few.put("procedures", "dich_vu_cong", [
        {"ma_co_quan": agency, "ma_dich_vu": f"3.00000{k}", "tu_ngay": "2017-01-01", "muc_do": "4",
         "ngay_cap_nhat": NOW}
        for k, agency in enumerate(agencies)
    ])  # fmt: skip
    few.put("dossiers-central", "ho_so", [dossier("H55-180201-000001", "3.000001", "H55", "2018-02-01 08:00:00")])
    few.put("dossiers-38", "ho_so", [dossier("H56-180201-000001", "3.000002", "H56", "2018-02-01 08:00:00")])
    environ = {name: uri for name, uri in few.connections.items() if name != "AIRFLOW_CONN_DOSSIERS_38"}
    context = PipelineContext(Lake(str(tmp_path / "lake")), SCHEMAS, environ)
    sync_registry("procedures", run_id="run-1", tables=["agency_service"], context=context)
    sync_registry("dossiers", run_id="run-2", tables=["dossier"], context=context)
    compute_step("2018Q1", "run-3", indicators=["services-with-online-dossiers"], context=context)
    found = latest_editions(context.lake, "2018Q1")["services-with-online-dossiers"]
    shares = {figure.member: (figure.value, figure.reason) for figure in found.of("agency")}
    assert shares == {"G01": (0, ""), "H55": (100, ""), "H56": (None, "not delivered")}
    assert found.missing == ("dossiers-38",)


@held_by(OF_ONE_FILE)
def test_a_new_indicator_is_one_file(context, tmp_path):
    schemas = tmp_path / "schemas"
    shutil.copytree(SCHEMAS, schemas)
    (schemas / "indicators" / "busiest-day.yaml").write_text(NEW, encoding="utf-8")
    began = time.perf_counter()
    extended = PipelineContext(context.lake, schemas, context.environ)
    (done,) = compute_step("2018Q1", "run-new", indicators=["busiest-day"], context=extended).indicators
    assert (done.verdict, done.numerator, done.value) == ("recorded", "4771", "4771")
    assert time.perf_counter() - began < 10


NEW = """
version: 1.0.0
name: {vi: Hồ sơ trực tuyến ngày 20/02/2018, en: Online dossiers of 2018-02-20}
definition: {vi: Số hồ sơ nộp ngày 20/02/2018., en: Dossiers submitted on 2018-02-20.}
legalBasis: ["Quyết định 766/QĐ-TTg"]
section: dossiers
unit: count
digits: 0
period: calendar
rows: |
  SELECT DISTINCT dossier_code, split_part(agency_code, '.', 1) AS agency
  FROM dossiers.dossier WHERE submitted_on = DATE '2018-02-20'
numerator: "true"
breakdown:
  agency: procedures.agency_service.agency_code
notAvailable: {vi: Chưa có hồ sơ., en: There is no dossier.}
"""
