"""What a contract says is said in Vietnamese beside the English, from the contract or from one table."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.contracts.model import Table
from include.contracts.model.digest import row_digest
from include.contracts.reading.load import examine_contract, load_contract
from include.contracts.words.language import figure, of_environment
from tests.unit.contracts.test_load import SHOP, write

TEXT = "customProperties: [{property: vietnamese, value: Vốn   phải lớn hơn 0.}]"
CITED = """\
description:
  authoritativeDefinitions:
    - &law {id: law-59, type: legalInstrument, url: https://vbpl.vn, description: Law on Enterprises 59/2020/QH14}
  customProperties:
    - {property: vietnamese, value: {law-59: Luật Doanh nghiệp số 59/2020/QH14}}
schema:"""


def with_text(shop: str = SHOP) -> str:
    """The contract whose rule `positive` has a Vietnamese text and cites a law."""
    rule = "- id: positive\n"
    text = shop.replace(rule, f"{rule}            {TEXT}\n            authoritativeDefinitions: [*law]\n")
    return text.replace("schema:", CITED, 1)


def business(folder: Path, text: str) -> Table:
    return load_contract(write(folder, text)).table("business")


def test_a_rule_and_what_it_cites_are_read_in_both_languages(tmp_path: Path) -> None:
    rule = business(tmp_path, with_text()).rule("shop.business.positive")
    assert rule is not None
    assert (rule.text("vi"), rule.text("en")) == ("Vốn phải lớn hơn 0.", "positive")
    assert rule.law("vi") == "Luật Doanh nghiệp số 59/2020/QH14"
    assert rule.law("en") == "Law on Enterprises 59/2020/QH14"


def test_a_contract_in_english_is_shown_in_english_and_nothing_is_asked(tmp_path: Path) -> None:
    path = write(tmp_path, SHOP)
    assert not [p for p in examine_contract(path).problems if "Vietnamese" in p.message]
    table = load_contract(path).table("business")
    rule = table.rule("shop.business.not-future")
    assert rule is not None
    assert rule.text("vi") == rule.text("en") == rule.description


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Vốn   phải", "Vốn phải", "the rule has no Vietnamese text"),  # `not-future` has none
        ("{law-59: Luật", "{law-60: Luật", "names no reference `law-60`"),
        ("{law-59: Luật", "{law-60: Luật", "the reference has no Vietnamese text"),
        ("{law-59: Luật Doanh nghiệp số 59/2020/QH14}", "Luật", "`vietnamese` is not a mapping"),
    ],
)
def test_a_contract_that_speaks_vietnamese_does_so_throughout(tmp_path: Path, old: str, new: str, told: str) -> None:
    problems = examine_contract(write(tmp_path, with_text().replace(old, new))).problems
    found = [p for p in problems if told in p.message]
    assert found
    assert all(p.line > 1 for p in found)
    assert {p.level for p in found} == {"error" if "mapping" in told else "warning"}


def test_rules_that_nobody_wrote_speak_of_the_business_name(tmp_path: Path) -> None:
    shop = SHOP.replace("name: opened_on", "name: opened_on\n        businessName: Ngày thành lập")
    decimal = "physicalType: decimal(18,2)"
    shop = shop.replace(decimal, f"{decimal}\n        logicalTypeOptions: {{minimum: 0.5}}")
    shop = shop.replace("required: true\n", "required: true\n        logicalTypeOptions: {minimum: '2020-01-31'}\n", 1)
    table = business(tmp_path, shop)
    said = {rule.rule_id.removeprefix("shop.business."): rule.text("vi") for rule in table.rules}
    assert said["opened_on.required"] == "Ngày thành lập: bắt buộc có giá trị"
    assert said["opened_on.minimum"] == "Ngày thành lập: không được nhỏ hơn 31/01/2020"
    assert said["capital.minimum"] == "capital: không được nhỏ hơn 0,5"
    assert said["code.maxLength"] == "code: không được quá 10 ký tự"
    assert said["code.pattern"] == r"code: phải đúng mẫu ^\d{10}$"
    assert said["updated_at.reference"] == "updated_at: phải là mã có trong danh mục days"
    implied = [r for r in table.rules if r.metric in ("required", "unreadable", "controlCharacters", "unique")]
    assert len(implied) >= 6
    assert all(r.vietnamese and r.vietnamese != r.description for r in implied)


def test_words_change_no_row_so_the_table_is_not_read_again(tmp_path: Path) -> None:
    assert row_digest(business(tmp_path, SHOP)) == row_digest(business(tmp_path, with_text()))


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "vi_VN.UTF-8"}, "vi"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "vi"}, "vi"),
        ({"LANG": "vi_VN", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "vi_VN"}, "vi"),
        ({"LANG": "via_XX"}, "en"),
        ({}, "en"),
    ],
)
def test_the_locale_chooses_the_language(
    environment: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(variable, environment.get(variable, ""))
    assert of_environment() == language


def test_figures_have_the_marks_of_their_language() -> None:
    assert (figure("vi", 1234.5, 1), figure("en", 1234.5, 1)) == ("1.234,5", "1,234.5")
