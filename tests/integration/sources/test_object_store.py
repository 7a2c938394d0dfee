"""An extract lands in an S3 store as it does in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.lake.storage.lake import Lake
from include.sources.access import DropBroken
from tests.extracts import contract_of, take
from tests.integration.lake.weed import S3
from tests.integration.sharing.recipients import LAKE_URI, OWNER, options

pytestmark = pytest.mark.slow


@pytest.fixture
def s3_lake(s3: S3, tmp_path: Path) -> Lake:
    given = options(OWNER.access_key, OWNER.secret_key, s3.endpoint)
    return Lake(LAKE_URI, tuple(sorted(given.items())), tmp_path / "tmp")


def test_a_drop_lands_in_an_object_store(s3_lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("A,B\n" + "".join(f"{n},x\n" for n in range(5000)))
    contract = contract_of("a.csv", ["A"])
    first = take(contract, tmp_path.as_uri(), s3_lake, run_id="r1")
    assert (first.rows, first.uri) == (5000, f"{LAKE_URI}/landing/registry/thing/run=r1/extract.parquet")
    assert s3_lake.size(first.uri) == first.bytes
    (tmp_path / "a.csv").unlink()
    assert take(contract, tmp_path.as_uri(), s3_lake, run_id="r1") == first


def test_a_refused_drop_leaves_nothing_in_an_object_store(s3_lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("A,B\n1,2\n3\n")
    with pytest.raises(DropBroken):
        take(contract_of("a.csv", ["A"]), tmp_path.as_uri(), s3_lake, run_id="r2")
    assert not [uri for uri in s3_lake.list(s3_lake.path("landing/registry/thing")) if "r2" in uri]
