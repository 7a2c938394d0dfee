"""What decides whether two records are one person, fact by fact; a page shows these before any weight."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from include.pipelines.people.pair_evidence import Evidence, Identified, IdSays, compare_records, read_id

HUNG = Identified(personal_id="001073983713", birth_year=1973, sex="male")
NAMESAKE = Identified(personal_id="001073200200", birth_year=1973, sex="male")


@pytest.mark.parametrize(
    ("left", "right", "codes", "leans"),
    [
        (HUNG, HUNG, ["same_ids"], "same"),
        (HUNG, NAMESAKE, ["two_valid_ids"], "different"),
        (Identified(tax_code="001073983713"), NAMESAKE, ["two_valid_ids"], "different"),
        (HUNG, replace(NAMESAKE, personal_id="001073983714"), ["one_digit_between_ids"], "open"),
        (HUNG, replace(NAMESAKE, sex="female"), ["sex_in_id", "other_sex", "other_ids_in_doubt",
                                               "id_contradicts_its_record"], "different"),
        (Identified(personal_id="001076398087"), Identified(birth_year=1973), ["year_in_id"], "different"),
        (Identified(birth_year=1964), Identified(personal_id="031192868870"), ["year_in_id"], "different"),
        (Identified(personal_id="001176398087"), Identified(sex="male"), ["sex_in_id"], "different"),
        (Identified(personal_id="001076398087", birth_year=1973), Identified(birth_year=1973),
         ["id_contradicts_its_record"], "open"),
        (Identified(birth_year=1973), Identified(birth_year=1974), ["other_year_of_birth"], "different"),
        (Identified(old_id="253952283"), Identified(old_id="253952283"), ["same_old_id"], "same"),
        (Identified(old_id="253952283"), Identified(old_id="012345678"), ["other_old_id"], "different"),
        (Identified(old_id="253952283", sex="male"), Identified(old_id="253952283", sex="female"),
         ["other_sex", "same_old_id"], "open"),
        (Identified(), Identified(), [], "open"),
        (Identified(personal_id="12345"), Identified(personal_id="54321"), [], "open"),
    ],
)  # fmt: skip
def test_facts_and_what_they_come_to(left: Identified, right: Identified, codes: list[str], leans: str) -> None:
    clues = compare_records(left, right, set(), set())
    assert [clue.code for clue in clues] == codes
    assert Evidence(clues, None, None).leans == leans


def test_two_days_of_one_year_may_be_a_slip_but_the_first_of_january_stands_for_a_year() -> None:
    def born(day: date) -> Identified:
        return Identified(birth_date=day, birth_year=day.year, birth_precision="day")

    one, other, year = date(1973, 11, 10), date(1973, 10, 11), date(1973, 1, 1)
    assert [clue.code for clue in compare_records(born(one), born(other), set(), set())] == ["other_day_of_birth"]
    assert compare_records(born(one), born(year), set(), set()) == ()


@pytest.mark.parametrize(("ids", "codes"), [({"001073200200"}, ["persons_with_other_ids"]), ({"001073983713"}, [])])
def test_the_persons_behind_the_records_count_as_well(ids: set[str], codes: list[str]) -> None:
    land, insured = Identified(personal_id="001073983713"), Identified(birth_year=1973)
    assert [clue.code for clue in compare_records(land, insured, set(), ids)] == codes


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("001073983713", IdSays("001073983713", "Hà Nội", 20, "male", 1973)),
        ("001301000001", IdSays("001301000001", "Hà Nội", 21, "female", 2001)),
        # By the decree, digit 4 stands for 2000 to 2099 as the 21st century.
        ("999200000001", IdSays("999200000001", "", 21, "male", 2000)),
        ("12345", None),
    ],
)
def test_what_an_id_says(number: str, says: IdSays | None) -> None:
    assert read_id(Identified(personal_id=number), {"001": "Hà Nội"}) == says
