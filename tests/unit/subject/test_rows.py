"""Which rows of which tables are about a person: keys of several columns, keys of one server, references, mentions."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from include.contracts.model import Contract
from include.contracts.reading import contract_paths, load_contract
from include.lake.storage import SERVER, Lake
from include.pipelines.subject.model import HeldRecord
from include.pipelines.subject.row_rules import Tell, traced_tables
from include.pipelines.subject.source_versions import Counted, Taken, count_in_versions, open_published, version_of
from tests.unit.subject.country import SCHEMAS

PERSON = "001199000001"


@pytest.fixture(scope="module")
def contracts() -> list[Contract]:
    paths = contract_paths(SCHEMAS)
    return [load_contract(paths[name]) for name in ("population", "dossiers", "civil_status", "beneficiaries")]


def held(record_id: str) -> HeldRecord:
    table = record_id.partition(":")[0]
    registry, _, name = table.partition(".")
    return HeldRecord(record_id, registry, name, None)


def test_a_key_of_one_server_is_no_other_s(contracts: list[Contract], tmp_path: Path) -> None:
    traced = traced_tables(contracts, [held('dossiers.dossier:["D1","moha"]')])
    assert traced["dossiers.dossier"].hers == (Tell(("dossier_code", SERVER), (("D1", "moha"),)),)
    assert traced["dossiers.step"].relation == "about"
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    rows = pa.table({"dossier_code": ["D1", "D1", "D2"], "sequence": [1, 1, 1], SERVER: ["moha", "moj", "moha"]})
    write_deltalake(lake.registry_table("dossiers", "step"), rows, partition_by=[SERVER])
    published = open_published(lake, traced["dossiers.step"].table)
    assert published is not None
    version = version_of(published)
    found = count_in_versions(lake, traced["dossiers.step"], published, [Taken(), Taken("sequence > 1")], [version], {})
    assert found == {version: (Counted(1, 0), Counted(0, 0))}


def test_a_row_of_nobody_that_refers_to_two_is_about_both(contracts: list[Contract]) -> None:
    marriage = traced_tables(contracts, [held(f'population.citizen:["{PERSON}"]')])["civil_status.marriage"]
    assert marriage.relation == "about"
    assert {tell.columns for tell in marriage.hers} == {("husband_personal_id",), ("wife_personal_id",)}


def test_a_record_of_another_that_names_her_is_a_mention(contracts: list[Contract]) -> None:
    traced = traced_tables(contracts, [held(f'population.citizen:["{PERSON}"]')])
    citizen = traced["population.citizen"]
    assert citizen.hers == (Tell(("personal_id",), ((PERSON,),)),)
    assert {tell.columns for tell in citizen.mentions} == {("father_id",), ("mother_id",)}


def test_a_key_of_several_columns_is_one_condition() -> None:
    tell = Tell(("a", "b"), (("1", "x"), ("2", "o'y")))
    assert tell.condition(["a", "b"]) == (
        "((CAST(\"a\" AS VARCHAR) = '1' AND CAST(\"b\" AS VARCHAR) = 'x') OR "
        "(CAST(\"a\" AS VARCHAR) = '2' AND CAST(\"b\" AS VARCHAR) = 'o''y'))"
    )
    assert tell.condition(["a"]) == "false"


def test_tables_that_refer_to_no_record_of_hers_are_left_out(contracts: list[Contract]) -> None:
    traced = traced_tables(contracts, [held('beneficiaries.merit_person:["1","u","c"]')])
    assert set(traced) == {"beneficiaries.merit_person"}
