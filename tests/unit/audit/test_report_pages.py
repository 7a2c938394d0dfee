"""What the report's files hold: both languages, every figure, nothing from elsewhere, no formula for a spreadsheet."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pandas as pd
import pytest

from include.audit.reads import ProductReads
from include.audit.report_data.lineage import column_lineage, source_columns
from include.audit.report_data.model import Overview
from include.audit.report_data.overview import gather
from include.audit.report_data.report_inputs import (
    AgreedColumn,
    AgreementFacts,
    LedgerFacts,
    QualityReportInputs,
    SharedProduct,
)
from include.audit.report_export.export import csv_text, frames, workbook
from include.audit.report_pages.rendering import MOST_REASONS, render
from include.audit.report_words.words import LOCALES
from include.contracts.model import Column, Table
from include.contracts.reading.load import load_contracts
from include.contracts.words.language import BilingualText, Language
from include.lake.storage.lake import Lake
from tests.unit.audit.runs_evidence import NIGHT, SCHEMAS, contracts, record_checks, record_run, report_of_nothing

POPULATION = contracts("population")
CITIZEN = POPULATION["population"].table("citizen")
PRODUCT = SharedProduct(
    "citizen", "", "population", "citizen",
    (
        AgreedColumn("personal_id", "pseudonym", business_name="Số định danh cá nhân", classification="restricted"),
        AgreedColumn("sex", "none", classification="internal"),
        AgreedColumn("full_name", "drop", classification="confidential"),
        AgreedColumn("old_id", "keep_last", 4),
    ),
    "sex <> '3'", "open", 3, 1234, NIGHT, NIGHT + timedelta(days=1),
    ProductReads(
        "population", "citizen", "moh", "for_health", "citizen", "Cấp thẻ", 1007, 3, 1234, ("personal_id", "sex"),
        NIGHT, NIGHT + timedelta(hours=5),
    ),
    ("personal_id",),
)  # fmt: skip
AGREEMENTS = (
    AgreementFacts(
        "for_health", "1.0.0", "Chia sẻ cho y tế", "Bộ Công an", "moh", "Bộ Y tế", "Cấp thẻ", ("Luật <thử>",),
        date(2026, 1, 1), date(2026, 12, 31), "a@bca.example", "b@moh.example", "in_force", (PRODUCT,), ("wards",),
    ),
)  # fmt: skip
LEDGER = LedgerFacts(12, 5, NIGHT, "0f" * 32, 0, True, BilingualText("", ""))


def whole(pages: dict[str, str]) -> str:
    return "".join(pages.values())


@pytest.fixture(scope="module")
def overview(tmp_path_factory: pytest.TempPathFactory) -> Overview:
    folder = tmp_path_factory.mktemp("overview")
    lake = Lake(str(folder / "lake"), (), folder / "tmp")
    for number in range(3):
        run_id = record_run(lake, CITIZEN, number, rejected=15 + number)
        record_checks(lake, CITIZEN, run_id, number, personal_id_12_digits=15 + number)
    return gather(lake, POPULATION, at=NIGHT + timedelta(days=2, hours=6))


@pytest.fixture(scope="module")
def written(overview: Overview) -> dict[str, dict[str, str]]:
    """The pages by language and name of file."""
    return {language: render(overview, QualityReportInputs(AGREEMENTS, LEDGER), language) for language in LOCALES}


@pytest.mark.parametrize(("days", "is_late"), [(0, False), (9, True)])
def test_what_a_late_table_costs_is_named(tmp_path: Path, days: int, is_late: bool) -> None:
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    record_checks(lake, CITIZEN, record_run(lake, CITIZEN), personal_id_12_digits=15)
    late = gather(lake, POPULATION, at=NIGHT + timedelta(days=days))
    assert ('<td class="text">freshness</td>' in render(late, QualityReportInputs(), "en")["report.en.html"]) == is_late


@pytest.mark.parametrize("language", LOCALES)
def test_a_page_tells_the_figures_in_its_language_and_loads_nothing(
    written: dict[str, dict[str, str]], language: str
) -> None:
    page = whole(written[language]).replace("<wbr>", "")
    assert f'<html lang="{language}">' in page
    assert ("Đang công bố" in page) == (language == "vi")
    for text in (
        "night-0002",
        "1.000" if language == "vi" else "1,000",
        "for_health",
        "0f" * 32,
        "Luật &lt;thử&gt;",
        *(rule.rule_id for rule in CITIZEN.rules),
    ):
        assert text in page
    assert "<script" not in page
    for start in ('src="', "@import", "url(http", 'href="http', "<link"):
        assert start not in page


@pytest.mark.parametrize("language", LOCALES)
def test_links_within_and_between_the_pages_lead_somewhere(written: dict[str, dict[str, str]], language: str) -> None:
    pages = written[language]
    ids = {name: re.findall(r' id="([^"]+)"', page) for name, page in pages.items()}
    assert [name for name in pages if len(ids[name]) != len(set(ids[name]))] == []
    others = written["en" if language == "vi" else "vi"]
    for name, page in pages.items():
        links = re.findall(r' href="([^"]+)"', page)
        assert len(links) >= 3
        for file, _, context in (html.unescape(link).partition("#") for link in links):
            assert file in pages or file in others or not file, file
            assert not context or context in ids.get(file or name, ()), f"{name}: {file}#{context}"


def test_the_agreements_annex_tells_every_column_its_protection_and_what_is_delivered(
    written: dict[str, dict[str, str]],
) -> None:
    page = written["vi"]["report.vi.html"]
    annex = page[page.index('<section id="agreements"') :]
    text = html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", annex[: annex.index("</section>")])))
    first, last = (LOCALES["vi"].instant(NIGHT + timedelta(days=day)) for day in (0, 1))
    for said in (
        "Cấp thẻ", "Luật <thử>", "a@bca.example", "b@moh.example", "01/01/2026 – 31/12/2026", "wards", "sex <> '3'",
        f"1.234 bản ghi, từ {first}, lần cuối {last}",
        "Số định danh cá nhân dữ liệu cá nhân cơ bản, không cung cấp nguyên bản mã thay thế",
        "dữ liệu cá nhân cơ bản không cung cấp", "chỉ 4 ký tự cuối",
        "Qua Delta Sharing trong 30 ngày: 1.007 lượt đọc, 3 lượt bị từ chối", "cột dữ liệu cá nhân: personal_id",
    ):  # fmt: skip
        assert said in text


def test_a_list_that_is_cut_says_so(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    broken = {
        rule.rule_id.rpartition(".")[2].replace("-", "_"): 3 for rule in CITIZEN.rules if rule.severity == "error"
    }
    run_id = record_run(lake, CITIZEN, 0, rejected=30)
    record_checks(lake, CITIZEN, run_id, 0, **broken)
    overview = gather(lake, POPULATION, at=NIGHT)
    (registry,) = overview.registries
    count = len(registry.broken("reasons"))
    assert count > MOST_REASONS
    page = render(overview, QualityReportInputs(), "vi")["report.vi.html"]
    assert f"({MOST_REASONS} trong {count}, nhiều vi phạm trước)" in page


def test_the_plots_are_readable_text_with_title_and_description(written: dict[str, dict[str, str]]) -> None:
    page = written["vi"]["report.vi.html"]
    plot = page[page.index('<svg class="plot"') :]
    tree = ElementTree.fromstring(plot[: plot.index("</svg>") + 6].replace("<svg ", '<svg xmlns="s" ', 1))
    texts = [element.text for element in tree.iter() if element.tag.endswith("}text")]
    assert "Bản ghi bị loại còn chờ (%)" in texts
    assert any("citizen: 1,50" in (e.text or "") for e in tree if e.tag.endswith("}desc"))
    assert "var(--series-1)" in plot


def test_an_empty_lake_says_that_nothing_ran_and_writes_every_file() -> None:
    lake, made, out = report_of_nothing()
    assert made.published_tables == 0
    assert made.index is None
    assert "No run yet" in (out / "report.en.html").read_text(encoding="utf-8")
    assert "Chưa có lần chạy nào" in (out / "report.vi.html").read_text(encoding="utf-8")
    assert all(Path(path).stat().st_size for path in made.paths)
    assert lake.read_text(lake.path("audit", "reports", "latest", "report.vi.html")).startswith("<!doctype html>")


def test_csv_and_workbook_hold_the_same_figures(overview: Overview) -> None:
    tables = frames(overview, QualityReportInputs(AGREEMENTS, LEDGER))
    book = openpyxl.load_workbook(io.BytesIO(workbook(tables)))
    assert book.sheetnames == list(tables)
    for name, frame in tables.items():
        lines = csv_text(frame).removeprefix("\ufeff").splitlines()
        assert lines[0] == ",".join(frame.columns)
        assert book[name].max_row == len(frame) + 1
    assert (tables["tables"]["extracted"].iloc[0], tables["trend"]["rejected"].tolist()) == (1000, [15, 16, 17])


def test_a_text_that_begins_like_a_formula_is_text_in_the_workbook_and_in_csv(overview: Overview) -> None:
    """An older test looked at the workbook alone; the CSV beside it is opened in Excel too."""
    texts = ["=HYPERLINK(1)", "+1", "-1+1", "@SUM(1)", "\t=1"]
    agreed = frames(overview, QualityReportInputs(AGREEMENTS))["agreements"][:1]
    table = pd.concat([agreed] * len(texts), ignore_index=True).assign(purpose=texts)
    sheet = openpyxl.load_workbook(io.BytesIO(workbook({"agreements": table})))["agreements"]
    column = [cell.value for cell in sheet[1]].index("purpose")
    assert [row[column].value for row in sheet.iter_rows(min_row=2)] == [f"'{text}" for text in texts]
    rows = csv.DictReader(io.StringIO(csv_text(table).removeprefix("\ufeff")))
    assert [row["purpose"] for row in rows] == [f"'{text}" for text in texts]


def test_lineage_names_the_source_columns_of_an_expression_and_the_products_in_force() -> None:
    table = Table("r", "t", "src", (
        Column("a", "x", "string", "VARCHAR", expression="""CASE WHEN vn_text("x") = 'y' THEN "z" END"""),
        Column("b", "z", "string", "VARCHAR"),
        Column("c", "x", "string", "VARCHAR", expression="(SELECT name FROM ref_wards WHERE code = x)"),
    ), ())  # fmt: skip
    assert [source_columns(table, column) for column in table.columns] == [("x", "z"), ("z",), ("x",)]
    found = {c.column: c.products for c in column_lineage(POPULATION.values(), AGREEMENTS) if c.table == "citizen"}
    assert found["personal_id"] == ("moh/citizen (pseudonym)",)
    assert found["sex"] == ("moh/citizen",)
    assert found["full_name"] == ()


def test_numbers_are_written_as_each_language_does_and_never_rounded_up_to_perfect() -> None:
    vi, en = LOCALES["vi"], LOCALES["en"]
    assert (vi.number(1234.5, 1), en.number(1234.5, 1)) == ("1.234,5", "1,234.5")
    assert (vi.index(99.97), vi.index(100), vi.index(None)) == ("99,9", "100,0", "–")
    assert en.percent(0.0001) == "<\u00a00.01\u00a0%"
    assert (vi.instant(NIGHT), en.instant(NIGHT)) == ("02/03/2026 01:30", "2026-03-02 01:30")


def test_rules_and_their_law_are_told_in_the_readers_language_from_the_contract() -> None:
    country = load_contracts(SCHEMAS)
    _, _, out = report_of_nothing()
    rules = [rule for contract in country.values() for table in contract.tables for rule in table.rules]
    assert len(rules) > 300
    languages: tuple[tuple[Language, Language], ...] = (("vi", "en"), ("en", "vi"))
    for language, other in languages:
        pages = "".join(path.read_text(encoding="utf-8") for path in out.glob(f"*.{language}.html"))
        page = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", pages)))
        for rule in rules:
            assert rule.vietnamese != rule.description
            assert " ".join(rule.text(language).split()) in page, rule.rule_id
            assert " ".join(rule.law(language).split()) in page, rule.rule_id
            assert " ".join(rule.text(other).split()) not in page, rule.rule_id
