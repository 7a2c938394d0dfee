"""Which of several values survives, by declared rules; and that mistakes in the declaration are explained."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from include.identity.persons.golden_record import GoldenRulesBroken, load_golden, survive

OWN = Path(__file__).parents[3] / "schemas" / "models" / "golden.yaml"


@pytest.fixture
def golden(lake, write, tmp_path):
    """`golden(records)`: the golden record of one person who has these records."""

    def golden(*records, rules=OWN):
        records = [{"record_id": f"r{number}", **record} for number, record in enumerate(records)]
        index = [{"record_id": record["record_id"], "person_id": "p"} for record in records]
        uri = f"{lake.uri}/golden.parquet"
        rules = load_golden(rules)
        survive(lake, rules, records_uri=write("records", records), index_uri=write("index", index), uri=uri)
        (row,) = pq.read_table(uri).to_pylist()
        return row

    return golden


def test_the_more_trusted_registry_wins_and_the_source_is_named(golden):
    row = golden({"registry": "land", "name": "Le Van A"}, {"registry": "population", "name": "Lê Văn A"})
    assert (row["person_id"], row["name"], row["_source_name"]) == ("p", "Lê Văn A", "r1")


def test_a_value_that_only_one_record_gives_survives_whatever_its_source(golden):
    row = golden({"registry": "population"}, {"registry": "land", "phone": "0900000000"})
    assert (row["phone"], row["_source_phone"]) == ("0900000000", "r1")


def test_what_no_record_says_is_null_and_has_no_source(golden):
    row = golden({"registry": "land"})
    assert (row["tax_code"], row["_source_tax_code"]) == (None, None)


def test_a_day_is_more_precise_than_a_year_and_its_precision_goes_along(golden):
    row = golden(
        {"registry": "population", "birth_date": date(1980, 1, 1), "birth_precision": "year"},
        {"registry": "land", "birth_date": date(1980, 6, 7), "birth_precision": "day"},
    )
    assert (row["birth_date"], row["birth_precision"], row["_source_birth_precision"]) == (
        date(1980, 6, 7),
        "day",
        "r1",
    )


def test_the_newest_address_wins(golden):
    row = golden(
        {"registry": "population", "place": "00001", "place_province": "01", "updated_at": datetime(2025, 1, 1)},
        {"registry": "finance", "place": "00002", "place_province": "02", "updated_at": datetime(2026, 1, 1)},
    )
    assert (row["place"], row["place_province"]) == ("00002", "02")


def test_among_records_of_one_source_the_most_frequent_value_wins(golden):
    say = [{"registry": "insurance", "sex": sex} for sex in ("female", "male", "male")]
    assert golden(*say)["sex"] == "male"


def test_an_attribute_can_have_an_order_of_trust_of_its_own(golden):
    row = golden({"registry": "population", "tax_code": "1"}, {"registry": "finance", "tax_code": "2"})
    assert row["tax_code"] == "2"


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("attributes: {nmae: {rules: [newest]}}", "the column `nmae` is unknown: did you mean `name`?"),
        ("attributes: {name: {rules: [newst]}}", "the rule `newst` is unknown: did you mean `newest`?"),
        (
            "attributes: {}\ntolerance: {mergdPercent: 1}",
            "the limit `mergdPercent` is unknown: did you mean `mergedPercent`?",
        ),
        ("attributes: [a]", "is not a YAML mapping"),
        ("attributes: {name: {}}", "is not a YAML mapping"),
    ],
)
def test_a_mistake_is_explained(tmp_path, said, wrong):
    path = tmp_path / "golden.yaml"
    path.write_text(f"sources: [population]\n{said}\n")
    with pytest.raises(GoldenRulesBroken, match=r"golden\.yaml") as raised:
        load_golden(path)
    assert wrong in str(raised.value)
