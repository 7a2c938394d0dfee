"""What a recipient sees of its own products, nobody of another's; contracts and catalogue by public validators."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from datacontract.data_contract import DataContract
from pyshacl import validate
from rdflib import DCAT, Graph, URIRef

from include.contracts.reading import readable_contracts
from include.pipelines.catalogue import Addresses, catalogue_document, product_contract, write_catalogue
from include.pipelines.catalogue.odcs import frequency
from include.pipelines.reporting.agreements import agreement_facts
from include.sharing.agreements import load_agreements
from tests.small_population import AGREEMENT, MONDAY, OFFICER, OWNER, STEWARD, write_agreement

from .conftest import URL, Site

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated.*:DeprecationWarning")  # of rdflib, about itself

SHAPES = [Path(__file__).parent / "shapes" / name for name in ("dcat-ap-3.0.1.ttl", "dcat-ap-3.0.1-ranges.ttl")]
SCHEMAS = Path(__file__).parents[3] / "schemas"
PRODUCT = "/products/census/citizen"
SHACL = "http://www.w3.org/ns/shacl#"


def test_a_recipient_sees_its_products_and_how_to_read_them(site: Site):
    browser = site.browser("nso")
    listed = browser.get("/products").text
    assert f'href="{PRODUCT}"' in listed
    assert "health" not in listed
    text = browser.get(PRODUCT, headers={"accept-language": "en"}).text
    for said in ("4 rows, version 0", "status_code = &#39;1&#39;", "pseudonym", "year only", "a@bca.example",
                 "recipient.share#census.population.citizen", "http://sharing.example/delta-sharing"):  # fmt: skip
        assert said in text, said
    table = browser.get("/tables/population/citizen").text
    assert "recipient.share#census.population.citizen" in table, "the table's page names the recipient's own product"


def test_of_counts_the_page_says_what_figures_totals_and_withheld_cells_look_like(site: Site):
    assert 'id="counts"' not in site.browser("nso").get(PRODUCT).text
    columns = AGREEMENT[AGREEMENT.index("    columns:") :]
    counts = "    groupBy:\n      - {name: birth_date, protection: decade}\n    totals: true\n"
    write_agreement(site.context.schemas, "census", (columns, counts))
    text = site.browser("nso").get(PRODUCT, headers={"accept-language": "vi"}).text
    said = text.partition('id="counts">')[2].partition("</p>")[0]
    for word in ("<code>count</code>", "<code>suppressed</code>", "<code>_T</code>", "<code>_U</code>", "bằng 0"):
        assert word in said, text


@pytest.mark.parametrize("path", [PRODUCT, f"{PRODUCT}.odcs.yaml"])
def test_nobody_sees_another_s_product(site: Site, path: str):
    assert site.browser("nso").get(path).status_code == 200
    assert site.browser("moh").get(path).status_code == 404
    for name in (OWNER, STEWARD, OFFICER):
        assert site.browser(name).get(path).status_code == 403
    answer = site.browser().get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")


@pytest.mark.parametrize(
    "path", ["census/nothing", "health/citizen", "census/..%2f..", "census/citizen.odcs.yaml.odcs.yaml", "%00/citizen"]
)
def test_what_never_was_is_not_found(site: Site, path: str):
    assert site.browser("nso").get(f"/products/{path}").status_code == 404


def test_the_end_that_is_shown_is_the_last_day_on_which_it_holds(site: Site):
    """Older tests had agreements without a withdrawal; pages showed the end that was agreed beside it."""
    write_agreement(
        site.context.schemas,
        "census",
        ("until: 2026-12-31\n", "until: 2026-12-31\nwithdrawn: {from: 2026-07-01, reason: x}\n"),
    )
    for path in ("/products", PRODUCT):
        text = site.browser("nso").get(path).text
        assert "30/06/2026" in text, path
        assert "31/12/2026" not in text, path
    assert "30/06/2026" in site.browser().get("/tables/population/citizen").text
    contracts, _ = readable_contracts(site.context.schemas)
    agreements = load_agreements(site.context.schemas)
    facts = agreement_facts(agreements.values(), contracts, site.context.lake, at=MONDAY)
    assert [one.valid_until for one in facts if one.agreement_id == "census"] == [date(2026, 6, 30)]


def lint(path: Path) -> list[str]:
    run = DataContract(data_contract_file=str(path)).lint()
    return [f"{check.name}: {check.reason}" for check in run.checks if check.result != "passed"] or (
        [] if run.result == "passed" else [str(run.result)]
    )


def test_the_contract_of_a_product_is_the_standard_s(site: Site, tmp_path: Path):
    answer = site.browser("nso").get(f"{PRODUCT}.odcs.yaml")
    assert answer.headers["content-disposition"] == 'attachment; filename="citizen.odcs.yaml"'
    path = tmp_path / "citizen.odcs.yaml"
    path.write_text(answer.text, encoding="utf-8")
    assert lint(path) == []
    table = yaml.safe_load(answer.text)["schema"][0]
    assert [(one["name"], one["logicalType"], one.get("primaryKey", False)) for one in table["properties"]] == [
        ("personal_id", "string", True), ("birth_date", "integer", False), ("status_code", "string", False),
    ]  # fmt: skip
    path.write_text(answer.text.replace("kind: DataContract", "kind: Nothing"), encoding="utf-8")
    assert lint(path), "the linter can fail"


def test_every_product_of_this_repository_has_a_contract_without_faults(tmp_path: Path):
    contracts, _ = readable_contracts(SCHEMAS)
    agreements = load_agreements(SCHEMAS)
    assert len(agreements) >= 6
    for agreement in agreements.values():
        for product in agreement.products:
            contract = contracts[product.registry]
            path = tmp_path / f"{agreement.agreement_id}-{product.name}.yaml"
            path.write_text(product_contract(contract, contract.table(product.table), agreement, product), "utf-8")
            assert lint(path) == [], path.name


@pytest.mark.parametrize(
    ("cron", "code", "value"),
    [
        ("0 2 * * *", "DAILY", (1, "d")),
        ("@daily", "DAILY", (1, "d")),
        ("0 2 * * 1", "WEEKLY", (7, "d")),
        ("0 2 * * MON", "WEEKLY", (7, "d")),
        ("0 2 * * 1-5", "IRREG", ("0 2 * * 1-5", None)),
        ("0 2 * * 1,3,5", "IRREG", ("0 2 * * 1,3,5", None)),
        ("0 2 1 * *", "MONTHLY", ("0 2 1 * *", None)),
        ("0 2 1,15 * *", "IRREG", ("0 2 1,15 * *", None)),
        ("0 2 */2 * *", "IRREG", ("0 2 */2 * *", None)),
        ("0 */2 * * *", "IRREG", ("0 */2 * * *", None)),
        ("", "IRREG", None),
    ],
)
def test_what_is_said_of_how_often_is_true_of_the_schedule(tmp_path: Path, cron: str, code: str, value):
    """Older tests had nightly schedules alone, of which the constant was true."""
    contracts, _ = readable_contracts(SCHEMAS)
    agreement = next(iter(load_agreements(SCHEMAS).values()))
    product = agreement.products[0]
    contract = contracts[product.registry]
    contract = replace(contract, sla=replace(contract.sla, schedule=cron))
    text = product_contract(contract, contract.table(product.table), agreement, product)
    said = [one for one in yaml.safe_load(text)["slaProperties"] if one["property"] == "frequency"]
    assert [(one["value"], one.get("unit")) for one in said] == ([value] if value else [])
    assert frequency(cron) == code
    (tmp_path / "contract.yaml").write_text(text, "utf-8")
    assert lint(tmp_path / "contract.yaml") == []


# DCAT-AP


def violations(document: str) -> list[str]:
    data, shapes = Graph().parse(data=document, format="json-ld"), Graph()
    for path in SHAPES:
        shapes.parse(path, format="turtle")
    _, report, text = validate(data, shacl_graph=shapes, advanced=False)
    return [text] if (None, URIRef(f"{SHACL}resultSeverity"), URIRef(f"{SHACL}Violation")) in report else []


def test_the_catalogue_is_dcat_ap(site: Site):
    answer = site.browser().get("/catalogue.jsonld")
    assert answer.headers["content-type"] == "application/ld+json"
    graph = Graph().parse(data=answer.text, format="json-ld")
    assert {str(one) for one in graph.subjects(None, DCAT.Dataset)} == {
        f"{URL}/tables/population/citizen#dataset", f"{URL}/tables/population/household#dataset",
    }  # fmt: skip
    assert violations(answer.text) == []
    assert violations(site.browser().get("/tables/population/citizen.jsonld").text) == []
    assert "dct:modified" in answer.text


@pytest.mark.parametrize("missing", ["dct:title", "dct:description", "dct:publisher"])
def test_the_shapes_find_what_is_missing(site: Site, missing: str):
    document = json.loads(site.browser().get("/catalogue.jsonld").text)
    del document[missing]
    assert violations(json.dumps(document))


def test_the_catalogue_of_this_repository_is_dcat_ap():
    contracts, _ = readable_contracts(SCHEMAS)
    addresses = Addresses("https://data.example", "https://sharing.example/delta-sharing")
    assert violations(catalogue_document(contracts.values(), {"population.citizen": MONDAY}, addresses)) == []


def test_the_catalogue_is_written_to_a_file(site: Site, tmp_path: Path):
    environ = {**site.context.environ, "LIENTHONG_PORTAL_URL": f"{URL}/"}
    assert write_catalogue(replace(site.context, environ=environ), tmp_path / "out.jsonld") == 2
    assert (tmp_path / "out.jsonld").read_text("utf-8") == site.browser().get("/catalogue.jsonld").text


@pytest.mark.parametrize("gone", ["name: status_code", "name: citizen", "kind: DataContract"])
def test_a_contract_that_no_longer_has_it_breaks_no_page(site: Site, gone: str):
    path, browser = site.context.schemas / "registries" / "population.odcs.yaml", site.browser("nso")
    text = (
        path.read_text(encoding="utf-8")
        .replace(gone, f"{gone}_renamed")
        .replace("status_code NOT", "status_code_renamed NOT")
    )
    path.write_text(text, encoding="utf-8")
    assert browser.get(PRODUCT).status_code == 200
    answer = browser.get(f"{PRODUCT}.odcs.yaml")
    assert answer.status_code == 503
    assert "lienthong check" in answer.text


def test_an_agreement_that_ended_says_so(site: Site):
    write_agreement(site.context.schemas, "census", ("until: 2026-12-31", "until: 2026-02-28"))
    text = site.browser("nso").get(PRODUCT, headers={"accept-language": "en"}).text
    assert "expired" in text
    assert "Thống kê dân số" not in site.browser().get("/tables/population/citizen").text
