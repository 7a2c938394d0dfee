"""What every registry's contract must have, so that an official can read it and an auditor can cite it."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from datacontract.data_contract import DataContract

from include.contracts.model import Classification
from include.contracts.reading.load import load_contract
from include.contracts.reading.published import published_contract
from include.vietnam import expand_macros
from tests.ascii_tables import SCHEMAS

SYSTEMS = (
    *("procedures", "dossiers", "programme", "documents", "business"),
    *("civil_status", "driving", "transport", "beneficiaries", "foreign_labour", "investment"),
)
REGISTRIES = ("population", "land", "insurance", "finance", *SYSTEMS)
DIMENSIONS = {"accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness"}
VIETNAMESE = re.compile("[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ]", re.IGNORECASE)
IDENTITY = {
    *("personal_id", "old_id", "full_name", "birth_date", "father_id", "mother_id", "ethnicity_code", "wage_vnd"),
    *("owner_personal_id", "owner_old_id", "owner_name", "owner_birth_date", "taxpayer_name"),
}


def path_of(registry: str) -> Path:
    return SCHEMAS / "registries" / f"{registry}.odcs.yaml"


@cache
def document(registry: str) -> dict[str, Any]:
    return dict(yaml.load(path_of(registry).read_text(encoding="utf-8"), yaml.CSafeLoader))


def columns(registry: str) -> list[tuple[str, dict[str, Any]]]:
    return [(t["name"], c) for t in document(registry)["schema"] for c in t["properties"]]


def rules(registry: str) -> list[tuple[str, dict[str, Any]]]:
    found = [(t["name"], r) for t in document(registry)["schema"] for r in t.get("quality", [])]
    return found + [(table, r) for table, c in columns(registry) for r in c.get("quality", [])]


def codes(name: str) -> set[str]:
    with (SCHEMAS / "reference" / f"{name}.csv").open(encoding="utf-8") as file:
        return {row["code"] for row in csv.DictReader(file)}


def listed_in(registry: str, rule_id: str) -> set[str]:
    """The constants of the list in a rule's query."""
    query = next(r["query"] for _, r in rules(registry) if r["id"] == rule_id)
    return set(re.findall(r"'(\w+)'", query.split("NOT IN (")[1]))


@pytest.mark.parametrize("registry", REGISTRIES)
def test_the_public_tool_finds_nothing_to_lint(registry: str) -> None:
    run = DataContract(data_contract_file=str(path_of(registry))).lint()
    assert run.has_passed(), [check.reason for check in run.checks]


@pytest.mark.parametrize("registry", REGISTRIES)
def test_a_contract_names_its_owner_source_service_levels_and_law(registry: str) -> None:
    contract = load_contract(path_of(registry))
    assert {server.name.partition("-")[0] for server in contract.servers} == {registry}
    assert contract.owner
    assert contract.limitations
    assert len(contract.legal_sources) >= 2
    owners = [m for m in contract.team if m["role"] == "owner"]
    assert [m for m in owners if "dateOut" not in m], "somebody must answer for the registry today"
    assert all(m["dateIn"] for m in contract.team)
    assert len(contract.sla.schedule.split()) == 5
    assert all(t.extract.cursor or t.rows_from_list for t in contract.tables)
    assert all(t.business_name for t in contract.tables)


@pytest.mark.parametrize("registry", REGISTRIES)
def test_every_column_is_told_in_both_languages_and_classified(registry: str) -> None:
    for table, column in columns(registry):
        where = f"{registry}.{table}.{column['name']}"
        assert VIETNAMESE.search(column["businessName"]), where
        assert len(column["description"]) > 10, where
        assert column["classification"] in get_args(Classification), where
        assert column["physicalName"], where
        if column["name"] in IDENTITY:
            assert column["classification"] in ("confidential", "restricted", "sensitive"), where


@pytest.mark.parametrize("registry", REGISTRIES)
def test_every_rule_can_be_cited(registry: str) -> None:
    ids = [(table, rule["id"]) for table, rule in rules(registry)]
    assert len(ids) == len(set(ids))
    for table, rule in rules(registry):
        where = f"{registry}.{table}.{rule['id']}"
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule["id"]), where
        assert rule["dimension"] in DIMENSIONS, where
        assert rule["severity"] in ("error", "warning"), where
        assert len(rule["description"].split()) >= 6, where
        assert rule["description"].rstrip().endswith((".", ")")), where


def test_there_are_rules_enough_and_every_dimension_is_measured() -> None:
    written = [rule for registry in REGISTRIES for _, rule in rules(registry)]
    assert len(written) >= 60
    assert {rule["dimension"] for rule in written} == DIMENSIONS
    assert sum("authoritativeDefinitions" in rule for rule in written) >= 60


@pytest.mark.parametrize("registry", REGISTRIES)
def test_a_column_has_one_library_rule_of_a_kind(registry: str) -> None:
    """The public tool names its checks by column and metric: two of a kind on one column and it runs neither."""
    for table, column in columns(registry):
        metrics = [rule["metric"] for rule in column.get("quality", []) if "metric" in rule]
        assert len(metrics) == len(set(metrics)), f"{registry}.{table}.{column['name']}"


@pytest.mark.parametrize("registry", REGISTRIES)
def test_a_published_query_is_plain_sql_without_macros_clock_or_traps(registry: str) -> None:
    """Braces and colons before a word mean something to the tools a query passes through; the clock changes results."""
    for table, rule in rules(registry):
        query = expand_macros(rule.get("query", "")).replace("{object}", "")
        assert not re.search(r"vn_|ref_|now\(|current_date|current_timestamp|today\(|[{}]|:\w", query, re.IGNORECASE), (
            f"{registry}.{table}.{rule['id']}"
        )


def test_lists_inside_rules_are_the_reference_lists() -> None:
    assert listed_in("population", "personal-id-known-prefix") == codes("cccd_prefixes")
    assert listed_in("insurance", "card-code-known-group") == codes("health_card_groups")
    assert listed_in("finance", "chapter-known") == codes("budget_chapters")
    assert listed_in("finance", "item-in-list") == codes("budget_items")
    assert listed_in("finance", "treasury-known") == codes("treasury_offices")
    assert {code for code in codes("tax_offices") if code == "00" or code > "64"} == set()


@pytest.mark.parametrize("registry", REGISTRIES)
def test_the_published_contract_speaks_of_published_names_only(registry: str) -> None:
    published = published_contract(path_of(registry), "/lake", plain=expand_macros)
    text = yaml.safe_dump(published, allow_unicode=True)
    assert not re.search(r"physicalName|transformLogic|vn_|AIRFLOW_CONN", text)
    assert [s["path"] for s in published["servers"]] == [f"/lake/registry/{registry}/{{model}}"]
    assert published_contract(path_of(registry), "s3://b/lake", plain=expand_macros)["servers"][0][
        "location"
    ].startswith("s3://b/lake/")
    names = [c["name"] for t in published["schema"] for c in t["properties"] if c["name"] != "_server"]
    assert names == [c["name"] for _, c in columns(registry)]


WRITTEN_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def vietnamese_texts(registry: str) -> dict[str, str]:
    """Every text of a contract in Vietnamese, by what it is of."""
    contract = load_contract(path_of(registry))
    rules = [rule for table in contract.tables for rule in table.rules]
    texts = {r.rule_id: r.vietnamese for r in rules}
    texts |= {f"law of {r.rule_id}": r.legal_source_vietnamese for r in rules if r.legal_source}
    texts |= dict(zip(contract.legal_sources, contract.legal_sources_vietnamese, strict=True))
    texts |= {f"{t.name}.{c.name}": c.business_name for t in contract.tables for c in t.columns}
    return texts


@pytest.mark.parametrize("registry", REGISTRIES)
def test_every_rule_and_reference_speaks_vietnamese(registry: str) -> None:
    contract = load_contract(path_of(registry))
    for table in contract.tables:
        for rule in table.rules:
            assert rule.vietnamese not in ("", rule.description), rule.rule_id
            assert VIETNAMESE.search(rule.vietnamese), rule.rule_id
            english = re.search(r"\b(Law|Decree|Circular|Decision|Code) ", rule.legal_source_vietnamese)
            assert not english, rule.rule_id
            assert bool(rule.legal_source) == bool(rule.legal_source_vietnamese), rule.rule_id
    assert all(VIETNAMESE.search(text) for text in contract.legal_sources_vietnamese)


@pytest.mark.parametrize("registry", REGISTRIES)
def test_vietnamese_texts_cite_the_same_instruments_articles_and_figures(registry: str) -> None:
    number = re.compile(r"\d+/\d{4}/[\w-]+|\d+/QĐ-BHXH|\bmod 11\b")
    for table in load_contract(path_of(registry)).tables:
        for rule in table.rules:
            assert sorted(number.findall(rule.vietnamese)) == sorted(number.findall(rule.description)), rule.rule_id


@pytest.mark.parametrize("registry", REGISTRIES)
def test_vietnamese_texts_are_official_vietnamese(registry: str) -> None:
    for of, text in vietnamese_texts(registry).items():
        assert not WRITTEN_DAY.search(text), (of, text)  # 31/12/2024
        assert not re.search(r"\bmật\b", text, re.IGNORECASE), (of, text)  # a class of state secrets, not of persons
        assert not re.search(r"\d,\d{3}|\d\.\d{1,2}\b", text), (of, text)  # 2.000 and 0,5
