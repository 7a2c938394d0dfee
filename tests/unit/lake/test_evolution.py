"""A contract that changes: what the published table makes of it, and what it refuses."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest

from include.lake.storage.errors import LakeKeyBroken, LakeSchemaConflict
from include.lake.storage.lake import Lake
from tests.unit.lake.staging import PERSON, column, content, contract_table, run

WAYS = pytest.mark.parametrize("merge_rows", [400_000, 0], ids=["merged", "moved"])
AN, BINH = ("a", "An", 1), ("b", "Bình", 2)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def published(lake: Lake):
    return lake.table(lake.registry_table(PERSON.registry, PERSON.name))


def rows(lake: Lake) -> dict[str, dict]:
    found = pa.table(published(lake).to_pyarrow_table()).to_pylist()
    return {row["personal_id"]: row for row in found}


@WAYS
def test_a_new_column_joins_the_table_and_the_table_stays_the_same_table(lake, merge_rows):
    run(lake, PERSON, 1, [AN, BINH])
    table_id = published(lake).metadata().id
    wider = contract_table(*PERSON.columns, column("met_at", "TIMESTAMP", description="When."))
    local = datetime(2026, 1, 1)
    commit = run(lake, wider, 2, [(*AN, None), (*BINH, local)], merge_rows=merge_rows)
    assert (commit.inserted, commit.updated) == (0, 1)
    assert content(lake, wider) == [(*AN, None), (*BINH, local)]
    assert published(lake).metadata().id == table_id
    assert published(lake).metadata().name == "population.citizen"


def test_a_new_column_that_stays_empty_changes_no_row(lake):
    run(lake, PERSON, 1, [AN])
    wider = contract_table(*PERSON.columns, column("nickname"))
    commit = run(lake, wider, 2, [(*AN, None)])
    assert (commit.updated, commit.live_rows) == (0, 1)
    assert rows(lake)["a"]["nickname"] is None
    assert run(lake, wider, 3, [(*AN, None)]).updated == 0
    assert run(lake, wider, 4, [(*AN, "x")]).updated == 1


@WAYS
def test_a_column_that_left_the_contract_is_emptied(lake, merge_rows):
    run(lake, PERSON, 1, [AN, ("b", "Bình", None)])
    narrower = contract_table(*PERSON.columns[:2])
    commit = run(lake, narrower, 2, [AN[:2], BINH[:2]], merge_rows=merge_rows)
    assert commit.updated == 1
    assert [rows(lake)[key]["age"] for key in "ab"] == [None, None]
    assert run(lake, narrower, 3, [AN[:2], BINH[:2]]).updated == 0


def test_a_type_that_changes_is_refused_and_nothing_is_written(lake):
    run(lake, PERSON, 1, [AN])
    changed = contract_table(*PERSON.columns[:2], column("age", "VARCHAR"))
    with pytest.raises(
        LakeSchemaConflict, match=r"'age' is published as long .* now says string: publish the new type"
    ):
        run(lake, changed, 2, [("a", "An", "1")])
    assert published(lake).version() == 0


def test_a_column_that_changes_only_its_capitals_is_refused(lake):
    run(lake, PERSON, 1, [AN])
    changed = contract_table(*PERSON.columns[:2], column("Age", "BIGINT"))
    with pytest.raises(LakeSchemaConflict, match="capitals"):
        run(lake, changed, 2, [AN])


def test_a_new_key_must_be_unique_in_what_is_published(lake):
    run(lake, PERSON, 1, [("a", "An", 1), ("b", "An", 2)])
    by_name = contract_table(column("personal_id"), column("full_name", key=1), column("age", "BIGINT"))
    with pytest.raises(LakeKeyBroken, match="the published rows break the primary key"):
        run(lake, by_name, 2, [("a", "An", 1)])
    by_age = contract_table(column("personal_id"), column("full_name"), column("age", "BIGINT", key=1))
    assert run(lake, by_age, 3, [("a", "An", 1)]).deleted == 1
