"""A drop is taken only if it is exactly what its manifest says."""

from __future__ import annotations

import json

import pytest

from include.sources.access import DropBroken
from tests.extracts import rows_of
from tests.unit.sources.conftest import Drop


def test_a_true_manifest(drop: Drop) -> None:
    drop.put("a.csv", "MST,TEN\n001,x\n")
    drop.manifest("a.csv", rows=1, encoding="utf-8")
    extracted = drop.take("a.csv", "MST", "TEN")
    assert rows_of(extracted) == [("001", "x")]
    assert extracted.drift == ()


def test_no_manifest_is_noted(drop: Drop) -> None:
    drop.put("a.csv", "MST\n001\n")
    assert drop.take("a.csv", "MST").drift == ("no manifest.json: completeness not proven",)


@pytest.mark.parametrize("where", ["table", "server"])
def test_no_manifest_is_refused_where_the_contract_requires_one(drop: Drop, where: str) -> None:
    drop.put("a.csv", "MST\n001\n")
    stated = {"manifest": "required"}
    with pytest.raises(DropBroken, match="requires one"):
        drop.take("a.csv", "MST", **({"custom": stated} if where == "table" else {"options": stated}))


@pytest.mark.parametrize(
    "keys", [("name", "rows", "sha256"), ("file", "row_count", "checksum"), ("path", "rows", "checksum")]
)
def test_other_spellings(drop: Drop, keys: tuple[str, str, str]) -> None:
    drop.put("a.csv", "MST\n001\n")
    name, rows, checksum = keys
    drop.put("manifest.json", json.dumps({"files": [{name: "./a.csv", rows: 2, checksum: None}]}))
    with pytest.raises(DropBroken, match="says 2 rows, the file has 1"):
        drop.take("a.csv", "MST")


def test_a_checksum_that_differs(drop: Drop) -> None:
    path = drop.put("a.csv", "MST,TEN\n001,Nguyễn\n")
    drop.manifest("a.csv")
    path.write_text("MST,TEN\n001,Nguyen\n")
    with pytest.raises(DropBroken, match=r"a\.csv: its SHA-256 differs") as caught:
        drop.take("a.csv", "MST")
    assert "Nguy" not in str(caught.value)


def test_a_listed_file_that_is_missing(drop: Drop) -> None:
    drop.put("t_01.csv", "MST\n001\n")
    gone = drop.put("t_02.csv", "MST\n002\n")
    drop.manifest("t_01.csv", "t_02.csv")
    gone.unlink()
    with pytest.raises(DropBroken, match=r"lists t_02\.csv"):
        drop.take("t_*.csv", "MST")


def test_a_file_that_is_not_listed(drop: Drop) -> None:
    drop.put("t_01.csv", "MST\n001\n")
    drop.put("other.csv", "MST\n003\n")
    drop.manifest("t_01.csv")
    drop.put("t_02.csv", "MST\n002\n")
    with pytest.raises(DropBroken, match=r"t_02\.csv is in the drop and not in manifest"):
        drop.take("t_*.csv", "MST")


@pytest.mark.parametrize(
    "text",
    [
        b"[1",
        b"{}",
        b'{"files": 3}',
        b'{"files": ["a.csv"]}',
        b"\xff\xfe",
        b'{"files": [{"rows": 1}]}',
        b'{"files": [{"name": "a.csv", "rows": 1.9}]}',
        b'{"files": [{"name": "a.csv", "rows": 2, "rows": 1}]}',
        b'{"files": [], "files": [{"name": "a.csv"}]}',
        b'{"files": ' + b"[" * 100_000,
    ],
)
def test_a_manifest_that_cannot_be_read(drop: Drop, text: bytes) -> None:
    drop.put("a.csv", "MST\n001\n")
    drop.put("manifest.json", text)
    with pytest.raises(DropBroken, match=r"manifest\.json"):
        drop.take("a.csv", "MST")


def test_rows_are_counted_file_by_file(drop: Drop) -> None:
    drop.put("t_1.csv", "MST\n001\n002\n")
    drop.put("t_2.csv", "MST\n003\n")
    drop.put("manifest.json", json.dumps({"files": [{"name": "t_1.csv", "rows": 1}, {"name": "t_2.csv", "rows": 2}]}))
    with pytest.raises(DropBroken, match=r"t_1\.csv.*says 1 rows, the file has 2"):
        drop.take("t_*.csv", "MST")


def test_nothing_is_left_of_a_refused_drop(drop: Drop) -> None:
    drop.put("a.csv", "MST,TEN\n001,x\n002\n")
    with pytest.raises(DropBroken):
        drop.take("a.csv", "MST")
    assert [path for path in drop.lake.scratch.iterdir() if path.name != "extensions"] == []
    assert drop.lake.list(drop.lake.path("landing/registry/thing")) == []
