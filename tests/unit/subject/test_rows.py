"""Which rows of which tables are about a person: keys of several columns, keys of one server, references, mentions.

And what is not told of versions with other columns than the contract's: every other test publishes today's columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from include.contracts.model import Contract
from include.contracts.reading import contract_paths, load_contract
from include.lake.storage import SERVER, Lake
from include.pipelines.context import PipelineContext
from include.pipelines.subject import looks
from include.pipelines.subject.looks import Look, opened_by
from include.pipelines.subject.model import HeldRecord
from include.pipelines.subject.persons import Person
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
    assert tell.condition == (
        "((CAST(\"a\" AS VARCHAR) = '1' AND CAST(\"b\" AS VARCHAR) = 'x') OR "
        "(CAST(\"a\" AS VARCHAR) = '2' AND CAST(\"b\" AS VARCHAR) = 'o''y'))"
    )


def test_tables_that_refer_to_no_record_of_hers_are_left_out(contracts: list[Contract]) -> None:
    traced = traced_tables(contracts, [held('beneficiaries.merit_person:["1","u","c"]')])
    assert set(traced) == {"beneficiaries.merit_person"}


OTHER = "001199000002"
CITIZEN, DOSSIER = f'population.citizen:["{PERSON}"]', 'dossiers.dossier:["D1","moha"]'


@pytest.mark.parametrize(
    ("table", "asked", "row", "given", "expected"),
    [
        ("population.citizen", CITIZEN, {"personal_id": PERSON, "sex": "male"}, None, Counted(1)),
        ("population.citizen", CITIZEN, {"personal_id": OTHER, "mother_id": PERSON}, None, Counted(0, 1)),
        ("population.citizen", CITIZEN, {"personal_id": OTHER}, None, Counted()),  # `mother_id` came later
        ("population.citizen", CITIZEN, {"citizen_no": PERSON}, {"sex"}, Counted(0, 0, 1)),
        ("population.citizen", CITIZEN, {"citizen_no": OTHER, "sex": "male"}, None, Counted()),
        ("population.citizen", CITIZEN, {"personal_id": None, "old_id": PERSON}, {"sex"}, Counted(0, 0, 1)),
        ("population.citizen", CITIZEN, {"personal_id": OTHER, "mother_no": PERSON}, None, Counted(0, 0, 1)),
        ("population.citizen", CITIZEN, {"personal_id": OTHER, "mother_no": PERSON}, {"mother_no"}, Counted(0, 0, 1)),
        ("population.citizen", CITIZEN, {"personal_id": OTHER, "mother_no": PERSON}, {"sex"}, Counted()),
        ("population.citizen", CITIZEN, {"personal_id": OTHER, "mother_no": None, "mother_id": None}, None, Counted()),
        (
            "population.citizen", CITIZEN,
            {"personal_id": OTHER, "father_id": PERSON, "mother_no": PERSON}, None, Counted(0, 1),
        ),
        ("population.citizen", f'population.citizen:["{PERSON}","1","x"]', {"personal_id": PERSON}, None,
         Counted(0, 0, 1)),
        ("population.household_member", CITIZEN, {"household_id": "h", "member_no": PERSON}, {"sex"}, Counted(0, 0, 1)),
        ("dossiers.dossier", DOSSIER, {"dossier_code": "D1", SERVER: "moj"}, None, Counted()),
        ("dossiers.dossier", DOSSIER, {"dossier_code": "D1"}, None, Counted(0, 0, 1)),
        ("dossiers.step", DOSSIER, {"dossier_code": "D1"}, None, Counted(0, 0, 1)),
        ("dossiers.step", DOSSIER, {"dossier_code": "D2"}, None, Counted()),
    ],
)  # fmt: skip
def test_a_column_that_a_version_lacks_is_no_no(
    contracts: list[Contract],
    tmp_path: Path,
    table: str,
    asked: str,
    row: dict[str, str | None],
    given: set[str] | None,
    expected: Counted,
) -> None:
    traced = traced_tables(contracts, [held(asked)])[table]
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    rows = pa.table({name: pa.array([value], pa.string()) for name, value in {"_run_id": PERSON, **row}.items()})
    write_deltalake(lake.registry_table(*table.split(".")), rows)
    published = open_published(lake, traced.table)
    assert published is not None
    taken = Taken(columns=None if given is None else frozenset(given))
    found = count_in_versions(lake, traced, published, [taken], [version_of(published)], {})
    assert found == {version_of(published): (expected,)}


def test_a_row_with_her_key_of_which_it_cannot_be_told_that_it_speaks_of_a_person(
    contracts: list[Contract], tmp_path: Path
) -> None:
    traced = replace(traced_tables(contracts, [held(CITIZEN)])["population.citizen"], when="sex = 'male'")
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    for column, expected in (("gender", Counted(0, 0, 1)), ("sex", Counted(1))):
        rows = pa.table({"personal_id": [PERSON], column: ["male"]})
        write_deltalake(lake.registry_table("population", "citizen"), rows, mode="overwrite", schema_mode="overwrite")
        published = open_published(lake, traced.table)
        assert published is not None
        version = version_of(published)
        assert count_in_versions(lake, traced, published, [Taken()], [version], {}) == {version: (expected,)}


@pytest.mark.parametrize(
    ("subject", "asked", "key", "certainty"),
    [
        ("population/citizen", CITIZEN, f'{{"personal_id":"{PERSON}"}}', ["certain"]),
        ("population/citizen", CITIZEN, f'{{"personal_id":"{OTHER}"}}', []),
        ("population/citizen", CITIZEN, f'{{"citizen_no":"{PERSON}"}}', ["possible"]),
        ("population/citizen", CITIZEN, f'{{"citizen_no":"{OTHER}"}}', []),
        ("population/citizen", CITIZEN, None, []),
        ("population/citizen", f'population.citizen:["{PERSON}","1","x"]', f'{{"id":"{PERSON}"}}', ["possible"]),
        ("dossiers/dossier@moha", DOSSIER, '{"dossier_code":"D1"}', ["certain"]),
        ("dossiers/dossier@moj", DOSSIER, '{"dossier_code":"D1"}', []),
    ],
)
def test_a_look_at_a_rejected_row_by_the_key_of_then(
    contracts: list[Contract],
    monkeypatch: pytest.MonkeyPatch,
    subject: str,
    asked: str,
    key: str | None,
    certainty: list[str],
) -> None:
    @contextmanager
    def opened(*_: object, **__: object) -> Iterator[Any]:
        with duckdb.connect() as connection:
            connection.execute("CREATE TABLE opened AS SELECT 'r' AS _run_id, 7 AS _row, $key AS _key", {"key": key})
            yield SimpleNamespace(connection=connection, files=(SimpleNamespace(run_id="r"),))

    monkeypatch.setattr(looks, "open_rejections_of", opened)
    registry, _, name = subject.partition("/")
    traced = traced_tables(contracts, [held(asked)])
    whole = traced[f"{registry}.{name.partition('@')[0]}"].table
    context = cast(PipelineContext, SimpleNamespace(lake=None, table=lambda *_: (None, replace(whole, name=name))))
    look = Look(1, None, "c06", f"rejected/{subject}", {"purpose": "x", "read": {"r": [7]}})  # type: ignore[arg-type]
    found, _ = opened_by(context, Person("", (), "living", (), ()), [look], traced, {})
    assert [one.certainty for one in found] == certainty
