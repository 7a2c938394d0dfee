"""Who is linked, and who must stay apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repeats import held_by
from tests.unit.identity.linked import Country


@pytest.fixture
def country(tmp_path: Path) -> Country:
    return Country(tmp_path)


def test_one_person_in_every_register_is_one(country: Country) -> None:
    citizen = country.citizen(
        "001087654321", "Hoàng Gia Uyên", "12/05/1987", sex="female", ward="26740", old_id="012345678"
    )
    by_id = country.member(
        "0100000001", "HOÀNG GIA UYÊN", "12/05/1987", sex="female", personal_id="001087654321", ward="26740"
    )
    card = country.card("DN4790100000001", "0100000001")
    by_old_card = country.member("0100000002", "Hoang Gia Uyen", "1987", old_id="012345678")
    by_name = country.taxpayer("0301234567", "Hoàng Gia Uyên", ward="26740")
    by_tax_code = country.taxpayer("001087654321", "Hoàng Gia Uyên", ward="26740")

    linked = country.link()

    assert linked.are_one(citizen, by_id, card, by_old_card, by_name, by_tax_code)
    assert linked.edge(citizen, by_id) == ("personal_id", "link")
    assert linked.edge(citizen, by_tax_code) == ("personal_id", "link")
    assert linked.edge(citizen, by_old_card) == ("old_id", "link")
    assert linked.edge(by_id, card) in {("insurance_number", "link"), ("health_card", "link")}
    assert linked.edge(citizen, by_name) == ("model", "link")


SPELLINGS = [
    ("Tạ Quỳnh Thúy", "03/11/1979"),
    ("TẠ QUỲNH THUÝ", "03/11/1979"),
    ("Ta Quynh Thuy", "03/11/1979"),
    ("Tạ Quỳnh Thúyy", "03/11/1979"),
    ("Thúy Tạ Quỳnh", "03/11/1979"),
    ("Tạ Quỳnh Thúy", "11/03/1979"),
    ("Tạ Quỳnh Thúy", "1979"),
    ("Tạ Quỳnh Thúy", "01/01/1979"),
    ("T. Q. Thúy", "03/11/1979"),
]


@held_by("unit/identity/test_linking.py::test_each_spelling_of_name_and_birth_is_linked_with_the_citizen_herself")
@pytest.mark.parametrize(("name", "birth"), SPELLINGS)
def test_a_person_without_number_is_known_by_name_birth_and_ward(country: Country, name: str, birth: str) -> None:
    citizen = country.citizen("040179000123", "Tạ Quỳnh Thúy", "03/11/1979", sex="female", ward="27478")
    member = country.member(
        "0200000001", name, birth, sex="female", ward="27478", precision="year" if len(birth) == 4 else None
    )
    assert country.link().are_one(citizen, member)


def test_each_spelling_of_name_and_birth_is_linked_with_the_citizen_herself(country: Country) -> None:
    """Not by way of another spelling: each has an edge of its own with her."""
    citizen = country.citizen("040179000123", "Tạ Quỳnh Thúy", "03/11/1979", sex="female", ward="27478")
    members = [
        country.member(
            f"020000000{n}", name, birth, sex="female", ward="27478", precision="year" if len(birth) == 4 else None
        )
        for n, (name, birth) in enumerate(SPELLINGS)
    ]
    linked = country.link()
    assert [linked.edge(citizen, member) for member in members] == [("model", "link")] * len(members)
    assert linked.are_one(citizen, *members)


def test_a_number_alone_joins_nobody(country: Country) -> None:
    citizen = country.citizen("040179000123", "Tạ Quỳnh Thúy", "03/11/1979", sex="female", ward="27478")
    member = country.member(
        "0200000001", "Kiều Bá Định", "20/02/1951", sex="male", ward="10081", personal_id="040179000123"
    )
    linked = country.link()
    assert not linked.are_one(citizen, member)
    assert linked.edge(citizen, member) == ("personal_id", "finding")


def test_two_who_share_a_wrongly_typed_number_stay_apart(country: Country) -> None:
    one = country.citizen("040179000123", "Tạ Quỳnh Thúy", "03/11/1979", sex="female", ward="27478")
    other = country.citizen("040181000777", "Lương Kim Xoan", "14/07/1981", sex="female", ward="27478")
    member = country.member(
        "0200000001", "Tạ Quỳnh Thúy", "03/11/1979", sex="female", ward="27478", personal_id="040179000123"
    )
    mistyped = country.member(
        "0200000002", "Lương Kim Xoan", "14/07/1981", sex="female", ward="27478", personal_id="040179000123"
    )
    linked = country.link()
    assert linked.are_one(one, member)
    assert linked.are_one(other, mistyped)
    assert not linked.are_one(one, other)


def test_twins_stay_apart_even_under_one_number(country: Country) -> None:
    home = {"ward": "26898", "sex": "male"}
    first = country.citizen("079201000111", "Phan Đức Huân", "09/09/2001", **home)
    second = country.citizen("079201000222", "Phan Đức Hoan", "09/09/2001", **home)
    of_first = country.member("0300000001", "Phan Đức Huân", "09/09/2001", personal_id="079201000111", **home)
    of_second = country.member("0300000002", "Phan Đức Hoan", "09/09/2001", **home)
    linked = country.link()
    assert linked.are_one(first, of_first)
    assert not linked.are_one(first, of_second)
    assert not linked.are_one(first, second)
    assert linked.edge(second, of_second) in {("model", "link"), ("model", "review")}


def test_father_and_son_of_one_name_stay_apart(country: Country) -> None:
    home = {"ward": "14407", "sex": "male"}
    father = country.citizen("042060000111", "Đoàn Phúc Lâm", "04/04/1960", **home)
    son = country.citizen("042092000222", "Đoàn Phúc Lâm", "25/12/1992", **home)
    of_father = country.member("0400000001", "Đoàn Phúc Lâm", "04/04/1960", **home)
    of_son = country.member("0400000002", "Đoàn Phúc Lâm", "1992", precision="year", **home)
    of_either = country.taxpayer("0301234567", "Đoàn Phúc Lâm", ward="14407")
    linked = country.link()
    assert linked.are_one(father, of_father)
    assert linked.are_one(son, of_son)
    assert not linked.are_one(father, son)
    assert not linked.are_one(father, of_either)
    assert not linked.are_one(son, of_either)
    assert linked.edge(father, of_either) == ("model", "review")


# Older tests gave every stranger another name, year or ward: nobody was told from a namesake by what the ids say alone.
def test_what_an_id_says_tells_two_of_one_name_and_ward_apart(country: Country) -> None:
    """Two valid ids, the year in the id, the sex in the id: of a name and a ward each."""
    cases = [
        ("Tạ Quỳnh Thúy", "27478", "040179000777", "040179000123"),
        ("Mạc Thùy Nhiên", "26740", "040185000777", None),
        ("Lương Kim Xoan", "27343", "040079000777", None),
    ]
    pairs = [
        (
            country.member(f"020000000{n}", name, "03/11/1979", sex="female", ward=ward, personal_id=number),
            country.taxpayer(f"030123456{n}", name, ward=ward, personal_id=taxpayer_id),
        )
        for n, (name, ward, taxpayer_id, number) in enumerate(cases)
    ]
    linked = country.link()
    assert not [pair for pair in pairs if linked.are_one(*pair)]
    # The year that the id says right speaks for one person, its sex against: somebody should look.
    assert [linked.edge(*pair) for pair in pairs] == [None, None, ("model", "review")]


def test_the_year_and_sex_in_an_id_speak_for_one_person_too(country: Country) -> None:
    insured = country.member("0200000001", "Tạ Quỳnh Thúy", "03/11/1979", ward="27478", sex="female")
    payer = country.taxpayer("0301234567", "Tạ Quỳnh Thúy", ward="27478", personal_id="040179000777")
    assert country.link().are_one(insured, payer)


def test_an_id_that_contradicts_its_own_record_says_little_against(country: Country) -> None:
    home = {"ward": "27478", "sex": "female"}
    citizen = country.citizen("040179000123", "Tạ Quỳnh Thúy", "03/11/1979", **home)
    mistyped = country.member("0200000001", "Tạ Quỳnh Thúy", "03/11/1979", personal_id="001055987654", **home)
    assert country.link().are_one(citizen, mistyped)


def test_a_woman_who_moved_is_still_found(country: Country) -> None:
    citizen = country.citizen("001185000999", "Mạc Thùy Nhiên", "30/06/1985", sex="female", ward="26740")
    moved = country.member("0500000001", "Mạc Thùy Nhiên", "30/06/1985", sex="female", ward="10081")
    assert country.link().are_one(citizen, moved)


def test_rows_of_a_population_table_are_different_persons(country: Country) -> None:
    one = country.citizen("001185000999", "Mạc Thùy Nhiên", "30/06/1985", sex="female", ward="26740")
    again = country.citizen("001185000888", "Mạc Thùy Nhiên", "30/06/1985", sex="female", ward="26740")
    linked = country.link()
    assert not linked.are_one(one, again)
    assert linked.edge(one, again) == ("model", "finding")


def test_what_people_decided_stands_above_the_model(country: Country, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    citizen = country.citizen("001087654321", "Hoàng Gia Uyên", "12/05/1987", sex="female", ward="26740")
    member = country.member(
        "0100000001", "Hoàng Gia Uyên", "12/05/1987", sex="female", personal_id="001087654321", ward="26740"
    )
    stranger = country.member("0100000009", "Kiều Bá Định", "20/02/1951", sex="male", ward="10081")
    reviews = str(tmp_path / "reviews.parquet")
    pairs = [(*sorted((citizen, member)), "different"), (*sorted((member, stranger)), "same")]
    columns = ("left_id", "right_id", "decision")
    pq.write_table(pa.table({n: [p[i] for p in pairs] for i, n in enumerate(columns)}), reviews)
    linked = country.link(reviews_uri=reviews)
    assert not linked.are_one(citizen, member)
    assert linked.are_one(member, stranger)
    assert linked.edge(member, stranger) == ("review", "link")
