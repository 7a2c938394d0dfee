"""The figure of all published rows, kept on the commits: true whatever happens to the table, or not believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from deltalake import DeltaTable

from include.contracts.model import ExtractPolicy
from include.lake.delta.commit_metadata import last_commit
from include.lake.delta.maintenance import maintain_table
from include.lake.delta.version_history import restore
from include.lake.incremental.row_checksum import row_set_checksum
from include.lake.incremental.stored_checksum import stored_checksum_of
from include.lake.storage.lake import Lake
from tests.unit.lake.staging import PERSON, START, column, contract_table, run

TABLE = replace(PERSON, extract=ExtractPolicy(("age",)))
URI = "registry/population/citizen"
ROWS = [(f"k{n}", f"name {n}", n) for n in range(20)]


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def known(lake, table=TABLE):
    return stored_checksum_of(last_commit(lake, table), table)


def counted(lake):
    return row_set_checksum(lake.table(URI).to_pyarrow_table(columns=["personal_id", "age"]).to_batches())


def test_every_kind_of_run_brings_it_up_to_date(lake):
    run(lake, TABLE, 1, ROWS, rejected=[4])
    assert known(lake) == counted(lake)
    assert known(lake).rows == 19
    run(lake, TABLE, 2, [("k3", "x", 30), ("new", "y", None)], mode="incremental", gone=[("k5",)], merge_rows=0)
    run(lake, TABLE, 3, [("k3", "x", 1), ("k9", "z", 90)], mode="backfill")
    run(lake, TABLE, 4, [("k4", "x", 1)], mode="replay")
    assert known(lake) == counted(lake)
    run(lake, TABLE, 5, ROWS[:3])
    assert known(lake) == counted(lake)
    run(lake, TABLE, 6, [], mode="incremental", metadata={"contract_version": "1.1.0"})
    assert known(lake).rows == 3


def test_a_table_from_before_gets_it_with_its_next_run(lake):
    run(lake, replace(TABLE, extract=ExtractPolicy(("age",), deletes="none")), 1, ROWS)
    assert known(lake) is None
    run(lake, TABLE, 2, [("k3", "x", 30)], mode="incremental")
    assert known(lake) == counted(lake)


def test_maintenance_leaves_it_and_a_restored_version_brings_its_own(lake):
    for number in range(1, 7):
        run(lake, TABLE, number, ROWS[:number], merge_rows=0)
    before = known(lake)
    assert maintain_table(lake, URI, retention=timedelta(days=1)).version == 6, "files were joined"
    assert known(lake) == before == counted(lake)
    restore(lake, TABLE, version=2, run_id="back", at=START, metadata={})
    assert known(lake) == counted(lake)
    assert known(lake).rows == 3


def test_after_a_commit_of_somebody_else_it_is_not_believed(lake):
    run(lake, TABLE, 1, ROWS)
    DeltaTable(lake.path(URI)).delete("personal_id = 'k7'")
    assert known(lake) is None
    run(lake, TABLE, 2, [("k3", "x", 30)], mode="incremental")
    assert known(lake) == counted(lake)
    assert known(lake).rows == 19


def test_it_is_of_the_columns_that_it_names(lake):
    run(lake, TABLE, 1, ROWS)
    assert known(lake, replace(TABLE, extract=ExtractPolicy(("full_name",)))) is None


@pytest.mark.parametrize("kind", ["DOUBLE", "DECIMAL(9,2)", "BOOLEAN"])
def test_a_key_that_no_server_hashes_alike_has_none(lake, kind):
    table = contract_table(column("k", kind, key=1), column("age", "BIGINT"))
    run(lake, replace(table, extract=ExtractPolicy(("age",))), 1, [(1, 1)])
    assert known(lake, replace(table, extract=ExtractPolicy(("age",)))) is None
    assert last_commit(lake, table).metadata["known_rows"] == ""
