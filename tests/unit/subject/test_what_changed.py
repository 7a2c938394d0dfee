"""What changed since something was shared is told: purposes, contracts that ended, records that linking never saw."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from include.pipelines.decisions import Look
from include.pipelines.subject import Subject, answer_person, subject_letter
from tests.unit.subject.country import STATISTICS, Country, Human, new_country
from tests.unit.subject.test_letter import texts

LOOK = Look("dpo", "đơn số 12")


@pytest.fixture
def country(tmp_path: Path) -> Country:
    """After its first day, with contracts that a test may change."""
    country = new_country(tmp_path, humans=8)
    registries = country.folder / "registries"
    kept = registries.resolve()
    registries.unlink()
    shutil.copytree(kept, registries)
    country.publish()
    return country


def ask(country: Country, asked: str) -> Subject:
    country.__dict__.pop("context", None)  # contracts of today
    return answer_person(country.context, asked, look=LOOK)


def one_of(country: Country, *products: str) -> Human:
    return next(human for human in country.humans if {*products} <= {key[1] for key in country.truth(human)})


def test_each_purpose_that_there_was_is_told_with_its_time(country: Country) -> None:
    """Her row does not change: the purpose does, and the recipient's name; then both are again as they were."""
    human = one_of(country, "citizen")
    other = STATISTICS.replace("purpose: Thống kê dân số", "purpose: Điều tra").replace("Cục Thống kê", "Cục khác")
    for text in (other, STATISTICS):
        country.agree("statistics", text)
        country.share()
    (given,) = (one for one in ask(country, human.person_id).given if one.product == "citizen")
    assert [(span.first, span.last) for span in given.spans] == [(0, 2)]
    assert [(one.first, one.last, one.recipient_name, one.text) for one in given.purposes] == [
        (0, 0, "Cục Thống kê", "Thống kê dân số"), (1, 1, "Cục khác", "Điều tra"),
        (2, 2, "Cục Thống kê", "Thống kê dân số"),
    ]  # fmt: skip
    assert [one.until for one in given.purposes] == [*(one.since for one in given.purposes[1:]), None]
    said = texts(subject_letter(ask(country, human.person_id)))
    assert "Cục khác (nso). Điều tra (từ " in said
    assert said.count("Thống kê dân số (từ ") >= 2


def test_a_purpose_for_which_her_row_was_not_there_is_not_told(country: Country) -> None:
    human = one_of(country, "citizen")
    for personal_id in human.ids:
        del country.citizens[personal_id]
    for row in country.citizens.values():
        row["mother_id"] = None
    country.publish()
    country.agree("statistics", STATISTICS.replace("purpose: Thống kê dân số", "purpose: Điều tra"))
    country.share()
    assert {one.text for given in ask(country, human.person_id).given for one in given.purposes} & {"Điều tra"} == set()
