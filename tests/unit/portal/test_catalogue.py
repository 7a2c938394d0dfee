"""The catalogue's pages: what everybody may read, what is found, and what is never shown."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import replace
from html import unescape

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from include.contracts.model import Column, Contract, Table
from include.pipelines.catalogue import LiveShapes, SearchIndex, dcat, rounded_percent
from include.pipelines.catalogue.entries import entries
from tests.small_population import AGREEMENT, OFFICER, STEWARD

from .conftest import PEOPLE, Site

TABLE = "/tables/population/citizen"


def titles(text: str) -> list[str]:
    return re.findall(r'<ol class="found">.*?</ol>', text, re.DOTALL)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("công dân", "/tables/population/citizen"),
        ("CONG DAN", "/tables/population/citizen"),
        ("cong  dan", "/tables/population/citizen"),
        ("Co\u0302ng da\u0302n", "/tables/population/citizen"),  # composed or not, it is the same word
        ("ho gia dinh", "/tables/population/household"),
        ("họ và tên", "/tables/population/citizen#full_name"),
        ("twelve digits", "/tables/population/citizen#personal_id"),
        ("status-known", "/tables/population/citizen#rules"),
        ("hai giá trị", "/tables/population/citizen#rules"),
        ("Luật Căn cước", "/tables/population/citizen#rules"),
        ("population.citizen", "/tables/population/citizen"),
        ("du lieu dan cu thu", "/registers/population"),
    ],
)
def test_everything_is_found_with_and_without_diacritics(read_site: Site, query: str, path: str):
    found = titles(read_site.browser().get("/", params={"q": query}).text)
    assert found
    assert f'href="{path}"' in found[0]


def test_the_kind_and_the_written_diacritics_order_what_is_found(read_site: Site):
    index = read_site.app.state.portal.catalogue.now().index
    assert index.find("công dân")[0].path == TABLE
    assert index.find("công dân xyz") == ()
    assert index.find(" \u0301 ") == ()
    text = read_site.browser().get("/", params={"q": "cong dan", "kind": "column"}).text
    assert "#full_name" in titles(text)[0]
    assert f'href="{TABLE}"' not in titles(text)[0]


@pytest.mark.parametrize(
    "query",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "' OR 1=1 --", "x" * 5000, "%"],
)
def test_a_script_in_a_query_is_text(read_site: Site, query: str):
    answer = read_site.browser().get("/", params={"q": query})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text
    assert "49" not in answer.text.partition("</form>")[2].partition("</h2>")[0]


def test_a_table_s_page_says_what_it_means(read_site: Site):
    text = read_site.browser().get(TABLE, headers={"accept-language": "en"}).text
    for said in (
        "population.citizen", "One row for each citizen.", "Số định danh cá nhân", "Twelve digits.", "varchar",
        "basic personal data, never given as it is", "The status is one of two.", "Law on Identification 26/2023/QH15",
        "fewer than 100 rows, version 0", "Overall index", "Thống kê dân số", "Luật Thống kê 89/2015/QH13", "pseudonym",
        "delta_sharing.load_as_pandas", "/requests/new?table=population.citizen",
    ):  # fmt: skip
        assert said in text, said
    vietnamese = read_site.browser().get(TABLE).text
    assert "Tình trạng chỉ có hai giá trị" in vietnamese
    assert "Luật Căn cước 26/2023/QH15" in vietnamese


def test_no_page_shows_a_value_of_a_row(read_site: Site):
    for name in (None, "nso", "bo-cong-an"):
        browser = read_site.browser(name)
        for path in ("/", "/?q=cong+dan", "/registers/population", TABLE, "/catalogue.jsonld", f"{TABLE}.jsonld"):
            text = browser.get(path).text
            for person in PEOPLE:
                assert not [value for value in person[:3] if value and str(value) in text], path


def test_contacts_and_internal_columns_are_for_those_who_are_signed_in(site: Site):
    public, signed = site.browser().get(TABLE).text, site.browser("moh").get(TABLE).text
    assert "a@bca.example" not in public
    assert "a@bca.example" in signed

    def figures(text: str, column: str) -> list[str]:
        row = text.partition(f'id="{column}"')[2].partition("</tr>")[0]
        return re.findall(r'class="n"><span>(.*?)</span>', row)

    assert figures(public, "updated_on") == ["–", "–"]
    assert figures(signed, "updated_on") == ["–", "–"], "six rows are too few"
    grow(site, 40)
    public, signed = site.browser().get(TABLE).text, site.browser("moh").get(TABLE).text
    assert figures(public, "updated_on") == ["–", "–"]
    assert figures(signed, "updated_on") == ["0&nbsp;%", "&lt; 5"]
    for text in (public, signed):
        assert figures(text, "personal_id") == ["–", "–"], "nothing is told of columns with personal data"
        assert figures(text, "status_code") == ["–", "–"], "forty empty values of 240 would be told by their share"


def grow(site: Site, times: int) -> None:
    """The published citizens, so many times."""
    path = site.context.lake.registry_table("population", "citizen")
    rows = pa.table(DeltaTable(path).to_pyarrow_table())
    write_deltalake(path, pa.concat_tables([rows] * times), mode="overwrite")


@pytest.mark.parametrize("name", [None, "nso", STEWARD])
def test_nobody_is_told_how_many_rows_exactly(site: Site, name: str | None):
    """Who has counts of groups could take them from an exact number, or today's from yesterday's."""
    browser = site.browser(name)
    grow(site, 41)
    text = browser.get(TABLE, headers={"accept-language": "en"}).text
    assert "about 200 rows, version 1" in text
    assert "246" not in text
    course = text.partition('id="t-course"')[2] or text.partition("Course over published runs")[2]
    assert re.search(r"<span>&lt;&nbsp;100</span>", course), "the six rows of the first run"
    assert not re.search(r"<span>[1-9]</span>", text), "nor how many break a rule"


def test_the_shape_hides_few_rows(site: Site):
    table, lake = site.context.contracts["population"].table("citizen"), site.context.lake
    shapes = LiveShapes(lake)
    shape = shapes.now(table)
    assert shape is not None
    assert (shape.rows, shape.columns) == (None, {})
    grow(site, 41)
    shape = shapes.now(table)
    assert shape is not None
    assert (shape.rows, {*shape.columns}) == (200, {"status_code", "updated_on"})
    assert (shape.columns["status_code"].empty_percent, shape.columns["status_code"].distinct) == (None, None)
    assert (shape.columns["updated_on"].empty_percent, shape.columns["updated_on"].distinct) == (0, 0)
    assert shapes.now(table) is shape, "a version is counted once"
    personal = replace(table, columns=tuple(replace(c, classification="sensitive") for c in table.columns))
    known = shapes.now(personal)
    assert known is not None
    assert known.columns == {}, "a column that became personal is not remembered"
    lake.table(lake.registry_table("population", "citizen")).delete("personal_id > '001085000004'")
    few = shapes.now(table)
    assert few is not None
    assert (few.rows, few.columns) == (None, {})


def test_an_unpublished_table_has_a_page_that_says_so(read_site: Site):
    text = read_site.browser().get("/tables/population/household", headers={"accept-language": "en"}).text
    assert "nothing yet" in text
    assert "There is none over this table." in text


def test_a_lake_that_is_gone_leaves_the_words(site: Site):
    browser = site.browser()
    table = site.context.lake.registry_table("population", "citizen")
    shutil.rmtree(table + "/_delta_log")
    for log in ("runs", "checks"):
        for file in __import__("pathlib").Path(site.context.lake.audit_table(log)).rglob("*.parquet"):
            file.unlink()
    answer = browser.get(TABLE, headers={"accept-language": "en"})
    assert answer.status_code == 200
    assert "The lake does not answer" in answer.text
    assert "One row for each citizen." in answer.text


def test_a_broken_contract_is_named_and_breaks_nothing(site: Site):
    registries = site.context.schemas / "registries"
    (registries / "broken.odcs.yaml").write_text("kind: [", encoding="utf-8")
    browser = site.browser()
    assert "broken.odcs.yaml" in browser.get("/").text
    assert browser.get(TABLE).status_code == 200
    for path in ("/registers/broken", "/tables/broken/any"):
        answer = browser.get(path)
        assert answer.status_code == 503
        assert "lienthong check" in answer.text
    official = site.browser(STEWARD)
    (registries / "population.odcs.yaml").unlink()
    assert browser.get(TABLE).status_code == 404
    assert browser.get("/catalogue.jsonld").status_code == 200
    shutil.rmtree(registries)
    for one in (browser, official):
        answer = one.get("/")
        assert answer.status_code == 503
        assert "lienthong check" in answer.text


def test_a_broken_agreement_hides_itself_alone(site: Site):
    (site.context.schemas / "agreements" / "census.yaml").write_text(
        AGREEMENT.replace("until:", "til:"), encoding="utf-8"
    )
    text = site.browser().get(TABLE).text
    assert "Quản lý sức khỏe" in text
    assert "Thống kê dân số" not in text


@pytest.mark.parametrize(
    "path",
    [
        "/tables/population/../../etc/passwd", "/tables/population/%2e%2e%2f%2e%2e", "/tables/population/citizen%00",
        "/tables/..%2f..%2fpopulation/citizen", "/registers/%2e%2e", "/static/..%2f..%2fapp.py", "/static/app.py",
        "/lists/..%2fregistries%2fpopulation.odcs", "/indicators/../agreements/census", "/tables/population/nobody",
        "/tables/population/citizen@server", "/lists/nothing", "/indicators/nothing", "/.git/config",
    ],
)  # fmt: skip
def test_paths_lead_to_what_is_there_and_nowhere_else(read_site: Site, path: str):
    answer = read_site.browser().get(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text


def test_code_lists_and_indicators_have_pages(site: Site):
    from pathlib import Path

    schemas = Path(__file__).parents[3] / "schemas"
    for folder, name in (("reference", "sex.csv"), ("reference", "wards.csv"), ("indicators", "dossiers-late.yaml")):
        (site.context.schemas / folder).mkdir(exist_ok=True)
        shutil.copy(schemas / folder / name, site.context.schemas / folder / name)
    browser = site.browser()
    assert "nữ" in browser.get("/lists/sex").text.lower()
    wards = browser.get("/lists/wards", params={"page": 2}).text
    assert wards.count("<tr ") == 201
    assert browser.get("/lists/wards", params={"page": "999999999"}).status_code == 200
    assert browser.get("/lists/wards", params={"page": "-1"}).status_code == 200
    assert "/indicators/dossiers-late" in titles(browser.get("/?q=ho+so+qua+han").text)[0]
    assert "<h1>" in browser.get("/indicators/dossiers-late").text
    assert 'href="/lists/sex"' in titles(browser.get("/?q=nu&kind=list").text)[0]


def test_ten_thousand_tables_are_searched_within_a_second():
    about = "What the register holds about the case, as received."

    def table(number: int) -> Table:
        names = {f"column_{place}": f"Cột dữ liệu số {place} của bảng {number}" for place in range(10)}
        columns = (
            Column(name, "", "string", "VARCHAR", business_name=label, description=about)
            for name, label in names.items()
        )
        return Table("many", f"table_{number}", "", tuple(columns), (), business_name=f"Bảng số {number}")

    contract = Contract("many", "1", None, "", None, tuple(table(number) for number in range(10_000)))  # type: ignore[arg-type]
    index = SearchIndex.of(entries([contract], {}, {}))
    assert len(index.entries) == 110_001
    for query in ("bang so 9999", "cột dữ liệu", "column_3 bang 77", "không có gì cả", "a"):
        began = time.process_time()  # other processes of the machine are not our time
        found = index.find(query)
        assert time.process_time() - began < 1, query
        assert bool(found) == (query != "không có gì cả")
    assert index.find("bang so 9999")[0].path == "/tables/many/table_9999"
    assert len(index.find("cột dữ liệu")) == 100_000, "the page says how many; what was cut was counted as all"


@pytest.mark.parametrize("name", [None, "nso", STEWARD, OFFICER])
def test_every_link_leads_somewhere(read_site: Site, name: str | None):
    browser, seen, waiting = read_site.browser(name), set(), ["/", "/?q=cong+dan"]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        answer = browser.get(path)
        assert answer.status_code == 200, path
        found = {unescape(link) for link in re.findall(r'href="(/[^"#]*)', answer.text)}
        # A recipient asks; an official is told so, and nobody else is asked to sign in.
        asks = "/requests/new" if name in (STEWARD, OFFICER) else "/sign-in"
        waiting += [link for link in found - seen if not link.startswith(asks) and link not in waiting]
    assert len(seen) > 10


@pytest.mark.parametrize("name", [None, "nso", STEWARD])
def test_the_index_of_few_rows_counts_no_violations(read_site: Site, name: str | None):
    """Of a hundred rows, an index of 98.0 would be two violations of the only rule of its criterion."""
    text = read_site.browser(name).get(TABLE, headers={"accept-language": "en"}).text
    quality = text.partition('id="quality"')[2].partition('id="rules"')[0]
    assert "Overall index" in quality
    assert not re.search(r"<dd>[0-9]", quality), "six rows"
    assert not re.search(r"[0-9]&nbsp;%", quality)


@pytest.mark.parametrize(
    ("percent", "rows", "told"),
    [
        (98.0, 99, None), (100, 99, None), (98.0, 100, 90), (99.0, 200, 95), (99.4, 500, 98), (99.6, 1000, 99),
        (100, 100, 100), (0, 100, 0), (0.4, 1000, 0), (1.6, 1000, 2), (4, 100, 0), (99.99, 10**9, 99),
    ],
)  # fmt: skip
def test_percentages_are_told_in_steps_of_ten_rows(percent: float, rows: int, told: int | None):
    assert rounded_percent(percent, rows) == told


@pytest.mark.parametrize("path", ["/registers/population/", "/products/", f"{TABLE}/"])
def test_no_address_leads_to_the_host_that_a_request_names(read_site: Site, path: str):
    answer = read_site.browser().get(path, headers={"host": "evil.example"}, follow_redirects=False)
    assert answer.status_code == 404
    assert "evil.example" not in str(answer.headers)


def test_the_document_for_harvesters_is_written_once_for_what_it_says(site: Site, monkeypatch: pytest.MonkeyPatch):
    written: list[int] = []
    write = dcat.catalogue_document
    monkeypatch.setattr(dcat, "catalogue_document", lambda *said: (written.append(1), write(*said))[1])
    browser = site.browser()
    first = browser.get("/catalogue.jsonld")
    assert browser.get("/catalogue.jsonld").content == first.content
    assert written == [1]
    path = site.context.schemas / "registries" / "population.odcs.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("version: 1.0.0", "version: 1.1.0", 1), encoding="utf-8")
    assert '"dcat:version": "1.1.0"' in browser.get("/catalogue.jsonld").text
    assert written == [1, 1]
