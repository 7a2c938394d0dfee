"""Every mistake in an agreement, told with file, line and remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from include.contracts.reading.load import load_contracts
from include.contracts.yaml_files.problems import ContractError, Problem
from include.sharing.agreements.agreement import Agreement
from include.sharing.agreements.loading import load_agreement, load_agreements
from include.sharing.products.check import check_agreements, problems_of

from .conftest import AGREEMENT, CONTRACTS

SCHEMAS = Path(__file__).parents[3] / "schemas"
Agree = Callable[..., Agreement]


def problems(tmp_path: Path, *replacements: tuple[str, str], text: str = AGREEMENT) -> list[Problem]:
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    path = tmp_path / "schemas" / "agreements" / "census.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return check_agreements(tmp_path / "schemas", CONTRACTS)


def test_the_agreements_of_the_house_have_no_mistake() -> None:
    assert check_agreements(SCHEMAS, load_contracts(SCHEMAS)) == []
    agreements = load_agreements(SCHEMAS)
    assert len(agreements) >= 5
    assert len({agreement.recipient for agreement in agreements.values()}) >= 5
    for agreement in agreements.values():
        assert agreement.provider != agreement.recipient_name
        assert all(
            contact.endswith(".example") for contact in (agreement.provider_contact, agreement.recipient_contact)
        )


def test_an_agreement_without_mistakes(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


def test_no_agreements_is_no_mistake(tmp_path: Path) -> None:
    assert check_agreements(tmp_path, CONTRACTS) == []


@pytest.mark.parametrize(
    ("change", "line", "message", "remedy"),
    [
        # against the contracts
        (("population.citizen", "population.citizn"), 11, "has no table `citizn`", "did you mean `citizen`?"),
        (("population.citizen", "populatio.citizen"), 11, "no registry `populatio`", "did you mean `population`?"),
        (("name: birth_date", "name: birthdate"), 16, "has no column `birthdate`", "did you mean `birth_date`?"),
        (("name: birth_date", "name: _run_id"), 16, "has no column `_run_id`", "known: personal_id"),
        (("protection: pseudonym", "protection: none"), 14, "restricted and would be given bare", "protect it with"),
        (("birth_date, protection: year", "birth_date, protection: pseudonym"), 16, "is of type DATE", "protect it"),
        (("full_name, protection: none", "full_name, protection: year"), 15, "only a date has a year", "protect it"),
        (("birth_date, protection: year", "birth_date, protection: keep_last, keep: 2"), 16, "only text", "protect"),
        (("full_name, protection: none", "full_name, protection: keep_last, keep: 9"), 15, "keep 9 char", "protect"),
        (("status_code = '1'", "status_code = '1' OR dropped"), 12, "filter names `dropped`", "write one condition"),
        # its own form
        (("until: 2026-12-31", "until: 2025-12-31"), 8, "before it begins on 2026-01-01", "correct one of the days"),
        (("until: 2026-12-31", "until: 31/12/2026"), 8, "is not a day", "2026-01-31"),
        (("protection: pseudonym", "protection: pseudonim"), 14, "unknown protection", "did you mean `pseudonym`?"),
        (("protection: pseudonym", "protection: rot13"), 14, "unknown protection `rot13`", "one of: none, pseudonym"),
        (("protection: pseudonym", "protection: keep_last"), 14, "goes with the protection `keep_last`", "keep: 4"),
        (("protection: year", "protection: year, keep: 4"), 16, "goes with the protection `keep_last`", "keep: 4"),
        (("protection: pseudonym", "protection: keep_last, keep: x"), 14, "as a number", "keep: 4"),
        (("purpose: Thống kê", "purpos: Thống kê"), 5, "unknown field `purpos`", "did you mean `purpose`?"),
        (("purpose: Thống kê\n", ""), 1, "`purpose` is missing", "add `purpose:`"),
        (("provider: Bộ Công an\n", ""), 1, "`provider` is missing", "add `provider:`"),
        (("[Luật Thống kê 89/2015/QH13]", "[]"), 6, "not a list of instruments", "list each law"),
        (("{id: nso, name: Cục Thống kê}", "Cục Thống kê"), 4, "not a mapping", "see schemas/agreements/"),
        (("id: nso", "id: ../moh"), 4, "cannot be a name in the lake", "lower-case letters"),
        (("id: nso", "id: lienthong"), 4, "is a name of the store's own", "another id"),
        (("id: nso", "id: anonymous"), 4, "is a name of the store's own", "another id"),
        (("- name: citizen", "- name: Citizen"), 11, "cannot be a name in the lake", "lower-case letters"),
        (("a@bca.example", "Nguyễn Văn A"), 9, "is not a mailbox", "not a person's"),
        (("table: population.citizen", "table: citizen"), 11, "does not name a registry and a table", "registry.table"),
        (("contact:", "withdrawn: {from: 2026-02-01}\ncontact:"), 9, "`reason` is missing", "add `reason:`"),
    ],
)
def test_a_mistake_is_told_with_line_and_remedy(
    tmp_path: Path, change: tuple[str, str], line: int, message: str, remedy: str
) -> None:
    found = problems(tmp_path, change)
    told = [p for p in found if message in p.message and remedy in p.remedy]
    assert told, [str(p) for p in found]
    assert told[0].path.name == "census.yaml"
    assert abs(told[0].line - line) <= 1, str(told[0])


def test_twice_the_same(tmp_path: Path) -> None:
    twice = AGREEMENT + AGREEMENT[AGREEMENT.index("  - name: citizen") :]
    assert any("the product `citizen` stands twice" in p.message for p in problems(tmp_path, text=twice))
    doubled = ("{name: full_name, protection: none}", "{name: personal_id, protection: pseudonym}")
    assert any("the column `personal_id` stands twice" in p.message for p in problems(tmp_path, doubled))


def test_a_product_of_nothing(tmp_path: Path) -> None:
    text = AGREEMENT[: AGREEMENT.index("      - {name: personal_id")] + "      - {name: full_name, protection: drop}\n"
    assert any("every column is dropped" in p.message for p in problems(tmp_path, text=text))
    assert any("`products` is missing" in p.message for p in problems(tmp_path, text=text[: text.index("products:")]))


@pytest.mark.parametrize("column", ["sex", "marital_status_code"])
def test_a_pseudonym_of_a_code_is_warned_about(tmp_path: Path, column: str) -> None:
    text = AGREEMENT.replace(
        "      - {name: full_name, protection: none}", f"      - {{name: {column}, protection: pseudonym}}"
    )
    path = tmp_path / "agreements" / "census.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    contracts = load_contracts(SCHEMAS)
    assert column in {c.name for c in contracts["population"].table("citizen").columns}
    (told,) = [p for p in check_agreements(tmp_path, contracts) if "codes of a list" in p.message]
    assert told.level == "warning"
    assert f"`{column}`" in told.message
    refusing = problems_of(load_agreement(path), contracts)
    assert not [p for p in refusing if "codes of a list" in p.message], "it is shared all the same"


def test_two_agreements_may_not_write_one_product(tmp_path: Path, agree: Agree) -> None:
    agree(name="first")
    agree(("name: Cục Thống kê", "name: Tổng cục Thống kê"), name="second")
    told = [str(problem) for problem in check_agreements(tmp_path / "schemas", CONTRACTS)]
    assert any("second.yaml:11" in p and "`first` already writes shared/nso/citizen" in p for p in told)
    assert any("the recipient `nso` is called otherwise in `first`" in p for p in told)


def test_all_mistakes_of_all_files_at_once(tmp_path: Path, agree: Agree) -> None:
    for name in ("first", "second"):
        with pytest.raises(ContractError):
            agree(("version: 1.0.0\n", ""), ("until: 2026-12-31", "until: soon"), name=name)
    with pytest.raises(ContractError) as raised:
        load_agreements(tmp_path / "schemas")
    assert len(raised.value.problems) == 4


@pytest.mark.parametrize("text", ["", "- a\n", "version: [", "version: 1\nversion: 2\n", "\x00"])
def test_what_is_no_agreement_at_all(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text=text)
