"""Duplicates inside a register and shared id numbers: who is told, and with which evidence."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from include.contracts.model import Column, Contract, Server, Table
from include.identity.persons.owner_findings import find, persons_registers


def table(registry, name, **keys):
    columns = tuple(
        Column(column, column, "string", "VARCHAR", primary_key_position=1 + place, link=role)
        for place, (column, role) in enumerate(keys.items())
    )
    return Table(registry=registry, name=name, source_name=name, columns=columns, rules=())


CITIZEN = table("population", "citizen", personal_id="personal_id")
RESIDENCE = table("population", "residence", file_number=None, owner_id="personal_id")
MEMBER = table("insurance", "member", insurance_number="insurance_number")
OWNERSHIP = table("land", "ownership", parcel_id=None, owner_id="personal_id")
CARD = table("insurance", "health_card", code="health_card")
OWNERS = {"population": "Bộ Công an", "insurance": "Bảo hiểm xã hội", "land": "Bộ Nông nghiệp"}


def contract(registry, *tables):
    return Contract(registry, "1.0.0", Path("x"), "d", Server("s", "postgres"), tables, owner=OWNERS[registry])


CONTRACTS = {
    "population": contract("population", CITIZEN, RESIDENCE),
    "insurance": contract("insurance", MEMBER, CARD),
    "land": contract("land", OWNERSHIP),
}


@pytest.fixture
def found(lake, write):
    """`found({record: person}, edges)`: findings as rows; a record is named `registry.table:...`."""

    def found(members, edges=(), records=()):
        index = [
            {"record_id": r, "person_id": p, "registry": r.split(".")[0], "table": r.split(".")[1].split(":")[0]}
            for r, p in members.items()
        ]
        said = [{**row, **dict(records).get(row["record_id"], {})} for row in index]
        uri = f"{lake.uri}/findings.parquet"
        edges = [dict(zip(("left_id", "right_id", "pass", "weight", "decision"), edge, strict=True)) for edge in edges]
        records_uri = write("records", [{n: v for n, v in row.items() if n != "person_id"} for row in said])
        find(
            lake, CONTRACTS, records_uri=records_uri, index_uri=write("index", index), edges_uri=write("edges", edges),
            uri=uri,
        )  # fmt: skip
        return pq.read_table(uri).sort_by([("kind", "ascending"), ("registry", "ascending")]).to_pylist()

    return found


def test_a_register_of_persons_is_one_whose_key_is_an_id_that_a_person_has_once():
    assert [t.name for t in persons_registers(CONTRACTS)] == ["citizen", "member"]


def test_two_rows_of_a_register_that_are_one_person_are_a_duplicate_with_the_link_as_evidence(found):
    (row,) = found(
        {"insurance.member:1": "p", "insurance.member:2": "p"},
        [("insurance.member:1", "insurance.member:2", "model", 17.5, "link")],
    )
    assert (row["kind"], row["registry"], row["table"], row["owner"]) == (
        "duplicate", "insurance", "member", "Bảo hiểm xã hội",
    )  # fmt: skip
    assert (row["left_id"], row["right_id"]) == ("insurance.member:1", "insurance.member:2")
    assert (row["pass"], row["weight"], row["person_id"]) == ("model", 17.5, "p")


def test_rows_joined_by_a_record_elsewhere_are_a_duplicate_too(found):
    rows = found({"insurance.member:1": "p", "insurance.member:2": "p", "population.citizen:1": "p"})
    assert [(row["pass"], row["weight"]) for row in rows] == [("through other records", None)]


def test_many_parcels_of_one_owner_are_no_duplicate(found):
    assert found({"land.ownership:1": "p", "land.ownership:2": "p"}) == []


def test_a_shared_id_is_told_to_the_owner_of_either_record_and_joins_nobody(found):
    rows = found(
        {"insurance.member:1": "p", "population.citizen:1": "q"},
        [("insurance.member:1", "population.citizen:1", "personal_id", -9.0, "finding")],
    )
    assert [(row["kind"], row["owner"]) for row in rows] == [
        ("shared_id", "Bảo hiểm xã hội"), ("shared_id", "Bộ Công an"),
    ]  # fmt: skip
    assert len({row["finding_id"] for row in rows}) == 2


def test_a_finding_keeps_its_id_from_run_to_run(found):
    members = {"insurance.member:1": "p", "insurance.member:2": "p"}
    assert found(members)[0]["finding_id"] == found(members)[0]["finding_id"]


def test_two_citizens_who_seem_to_be_one_stay_two_and_are_told_once(found):
    rows = found(
        {"population.citizen:1": "p", "population.citizen:2": "q"},
        [("population.citizen:1", "population.citizen:2", "model", 20.0, "finding")],
    )
    assert [(row["kind"], row["person_id"], row["weight"]) for row in rows] == [("duplicate", None, 20.0)]


@pytest.mark.parametrize(
    ("citizen", "member", "kinds"),
    [
        (("19731110", "day", "male"), ("19731110", "day", "male"), []),
        (("19731110", "day", "male"), ("19761110", "day", "male"), ["other_birth"]),
        (("19731110", "day", "male"), ("19731011", "day", "male"), ["other_birth"]),
        (("19731110", "day", "male"), ("19730101", "day", "male"), []),
        (("19731110", "day", "male"), ("1973", "year", None), []),
        (("19731110", "day", "male"), (None, None, "female"), ["other_sex"]),
        (("19731110", "day", "male"), ("1976", "year", "female"), ["other_birth", "other_sex"]),
    ],
)
def test_a_person_whose_registers_contradict_each_other_is_told_to_either_owner(found, citizen, member, kinds):
    def record(born, precision, sex):
        return {
            "birth_key": born, "birth_year": int(born[:4]) if born else None, "birth_precision": precision, "sex": sex,
        }  # fmt: skip

    records = {
        "population.citizen:1": {**record(*citizen), "is_population": True},
        "insurance.member:1": {**record(*member), "is_population": False},
    }
    rows = found(dict.fromkeys(records, "p"), records=records)
    assert sorted({row["kind"] for row in rows}) == kinds
    assert {row["owner"] for row in rows} == ({"Bộ Công an", "Bảo hiểm xã hội"} if kinds else set())
    assert len(rows) == 2 * len(kinds)


def test_a_contradiction_within_one_registry_is_told_to_its_owner_once(found):
    records = {
        "population.citizen:1": {"birth_year": 1973, "sex": "male", "is_population": True},
        "population.residence:1": {"birth_year": 1976, "sex": "female", "is_population": False},
    }
    rows = found(dict.fromkeys(records, "p"), records=records)
    assert [(row["kind"], row["owner"], row["table"]) for row in rows] == [
        ("other_birth", "Bộ Công an", "citizen"), ("other_sex", "Bộ Công an", "citizen"),
    ]  # fmt: skip
    assert len({row["finding_id"] for row in rows}) == 2
