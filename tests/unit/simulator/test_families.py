"""Nothing about a family is impossible, and numbers say what persons are."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.simulator import Country


def column(table: pa.Table, name: str) -> np.ndarray:
    return table[name].to_pandas().to_numpy()


def test_exactly_as_many_persons_as_asked(country: Country, persons: pa.Table) -> None:
    assert persons.num_rows == country.persons


def test_parents_are_older_by_a_plausible_age(persons: pa.Table) -> None:
    born = persons["birth_date"].to_numpy().astype("datetime64[D]")
    for parent, oldest in (("mother", 46), ("father", 65)):
        known = persons[parent].is_valid().to_numpy()
        of = persons[parent].drop_null().to_numpy()
        years = (born[known] - born[of]).astype(int) / 365.25
        assert known.sum() > 500
        assert years.min() > 16.5
        assert years.max() <= oldest


def test_mothers_are_women_and_fathers_men(persons: pa.Table) -> None:
    sex = persons["sex"].to_numpy(zero_copy_only=False)
    assert set(sex[persons["mother"].drop_null().to_numpy()]) == {"female"}
    assert set(sex[persons["father"].drop_null().to_numpy()]) == {"male"}


def test_marriage_is_mutual_between_a_man_and_a_woman_who_are_no_siblings(persons: pa.Table) -> None:
    people = persons.select(["person_id", "spouse", "sex", "mother"]).to_pylist()
    couples = [(p, people[p["spouse"]]) for p in people if p["spouse"] is not None]
    assert couples
    for one, other in couples:
        assert other["spouse"] == one["person_id"]
        assert {one["sex"], other["sex"]} == {"male", "female"}
        assert one["mother"] is None or one["mother"] != other["mother"]


def test_a_household_of_the_living_has_one_head_who_lives(persons: pa.Table) -> None:
    living = persons.filter(persons["is_alive"])
    heads = living.filter(pc.equal(living["relationship_code"], "00"))
    assert pc.count_distinct(living["household"]).as_py() == heads.num_rows
    relations = Counter(living["relationship_code"].to_pylist())
    assert {"00", "03", "04", "05", "07", "09", "14"} <= set(relations)
    assert relations["99"] < 0.06 * living.num_rows


def test_a_personal_id_states_province_century_sex_and_year(persons: pa.Table) -> None:
    for person in persons.select(["personal_id", "sex", "birth_date"]).to_pylist():
        number, year = person["personal_id"], person["birth_date"].year
        assert len(number) == 12
        assert "001" <= number[:3] <= "096"
        assert int(number[3]) == (year // 100 - 19) * 2 + (person["sex"] == "female")
        assert number[4:6] == f"{year % 100:02d}"


def test_every_number_names_one_person(persons: pa.Table) -> None:
    for name in ("personal_id", "old_id", "social_insurance_number", "tax_code"):
        numbers = persons[name].drop_null()
        assert pc.count_distinct(numbers).as_py() == len(numbers) > 0


def test_about_a_third_are_nguyen_and_children_bear_their_fathers_name(persons: pa.Table) -> None:
    names = persons["full_name"].to_pylist()
    kinh = [n for n, e in zip(names, persons["ethnicity_code"].to_pylist(), strict=True) if e == "01"]
    assert 0.24 < sum(name.startswith("Nguyễn ") for name in kinh) / len(kinh) < 0.45
    for name, father, people in zip(
        names, persons["father"].to_pylist(), persons["ethnicity_code"].to_pylist(), strict=True
    ):
        if father is not None and people == "01":
            assert name.split()[0] == names[father].split()[0]


def test_everybody_lives_in_a_ward_that_took_over_the_old_one(country: Country, persons: pa.Table) -> None:
    rows = pq.read_table(country.truth / "persons.parquet", columns=["old_ward_code", "ward_code"]).to_pylist()
    lines = [line.split(",") for line in _changes().splitlines()[1:]]
    known = {(old, new) for old, new, *_ in lines}
    assert {(row["old_ward_code"], row["ward_code"]) for row in rows} <= known


def _changes() -> str:
    from include.simulator.country import REFERENCE

    return (REFERENCE / "ward_changes.csv").read_text(encoding="utf-8")
