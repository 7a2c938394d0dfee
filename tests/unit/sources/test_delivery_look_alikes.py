"""Every file that looks like a table's is read, or the delivery is refused.

Older tests named the files of a delivery in composed letters, one case and one suffix: none was ever left out.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace

import pytest

from include.contracts.model import Server
from include.sources.access import DropBroken
from tests.extracts import contract_of, rows_of, take
from tests.unit.sources.conftest import Drop

NFD = unicodedata.normalize("NFD", "thuế_02.csv")


def put(drop: Drop, *names: str) -> None:
    for number, name in enumerate(names, start=1):
        drop.put(name, f"a\n{number}\n")


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(
    ("pattern", "stated", "first", "second"),
    [
        ("thuế_*.csv", "", "thuế_01.csv", NFD),
        (unicodedata.normalize("NFD", "thuế_*.csv"), "", "thuế_01.csv", NFD),
        ("thue_*.csv", "", "thue_01.csv", "THUE_02.csv"),
        ("thue_*.csv", "", "thue_01.csv", "thue_02.CSV"),
        ("thue_*", "csv", "thue_01.csv", "thue_02.CSV"),
        ("[!A-Z]*.csv", "", "a.csv", "b.csv"),
    ],
)
def test_names_that_systems_spell_otherwise_are_the_same(
    drop: Drop, pattern: str, stated: str, first: str, second: str, listed: bool
) -> None:
    put(drop, first, second)
    if listed:
        drop.manifest(first, second, rows=1)
    assert rows_of(drop.take(pattern, "a", format=stated)) == [("1",), ("2",)]


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(
    ("pattern", "stated", "first", "second"),
    [
        ("thue_*", "csv", "thue_01.csv", "thue_02.txt"),
        ("thue_*", "csv", "thue_01.csv", "thue_02.csv.gz"),
        ("thue_*", "csv", "thue_01.csv", "thue_02"),
        ("thue", "csv", "thue.csv", "thue.TSV"),
        ("thue", "csv", "thue.csv", "thue.xlsx"),
        ("thue", "jsonl", "thue.jsonl", "thue.json"),
        ("thue_*.csv", "", "thue_01.csv", "THUE_02.csv.gz"),
        ("thue_*.csv", "", "thue_01.csv", "thue_02.csv.txt"),
        ("thue.csv", "", "thue.csv", "thue.CSV"),
        ("thu\u1ebf_*.csv", "", "thu\u1ebf_02.csv", NFD),
    ],
)
def test_a_file_that_looks_like_the_tables_and_is_not_read_refuses_the_delivery(
    drop: Drop, pattern: str, stated: str, first: str, second: str, listed: bool
) -> None:
    put(drop, first, second)
    if listed:
        drop.manifest(first, *([second] if first.casefold() != second.casefold() and second != NFD else []), rows=1)
    with pytest.raises(DropBroken, match="may be of the table too") as caught:
        drop.take(pattern, "a", format=stated)
    assert second in str(caught.value)
    assert f"('{pattern}')" in str(caught.value)


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("rows", [{}, {"rows": 1}])
@pytest.mark.parametrize(
    "other",
    [
        "thue_02.txt",
        "thue_02.CSV2",
        "thue_02.parquet",
        "thue_02.xlsx",
        "thue_02.pdf",
        "thue_02",
        ".thue_02.csv",
        "x.csv",
    ],
)
def test_a_listed_file_that_no_table_reads_refuses_the_delivery(
    drop: Drop, other: str, rows: dict[str, int], is_there: bool
) -> None:
    """Such a file was passed over in silence, with its rows, if the manifest gave it no row count."""
    put(drop, "thue_01.csv", *([other] if is_there else []))
    drop.put("manifest.json", json.dumps({"files": [{"name": "thue_01.csv"}, {"name": other, **rows}]}))
    with pytest.raises(DropBroken, match=rf"lists {re.escape(other)}, and no table of the contract reads it"):
        drop.take("thue_*.csv", "a")


def test_a_listed_file_of_another_table_of_the_contract_is_read_with_that_table(drop: Drop) -> None:
    put(drop, "thue_01.csv", "phi_01.csv")
    drop.manifest("thue_01.csv", "phi_01.csv")
    contract = contract_of("thue_*.csv", ["a"], server=Server("source", "local"))
    fees = replace(contract.tables[0], name="fees", source_name="phi_*.csv")
    both = replace(contract, tables=(*contract.tables, fees))
    assert rows_of(take(both, drop.folder.as_uri(), drop.lake)) == [("1",)]
    drop.put("phi_02.CSV2", "a\n1\n")
    drop.manifest("thue_01.csv", "phi_01.csv", "phi_02.CSV2")
    with pytest.raises(DropBroken, match=r"lists phi_02\.CSV2, and no table"):
        take(both, drop.folder.as_uri(), drop.lake)


@pytest.mark.parametrize("gone", ["thue_02.csv.gz", "thue_02.txt", "THUE_02.CSV", "thue_02"])
def test_a_listed_look_alike_that_is_missing_refuses_the_delivery(drop: Drop, gone: str) -> None:
    put(drop, "thue_01.csv", gone)
    drop.manifest("thue_01.csv", gone, rows=1)
    (drop.folder / gone).unlink()
    with pytest.raises(DropBroken, match=f"lists {gone}"):
        drop.take("thue_*", "a", format="csv")


def test_a_manifest_may_spell_a_name_otherwise_than_the_disk_and_counts_for_it(drop: Drop) -> None:
    put(drop, NFD)
    entry = {"name": unicodedata.normalize("NFC", NFD).upper(), "rows": 2}
    drop.put("manifest.json", json.dumps({"files": [entry]}))
    with pytest.raises(DropBroken, match="says 2 rows, the file has 1"):
        drop.take("thuế_*.csv", "a")
    drop.put("manifest.json", json.dumps({"files": [entry, {"name": NFD, "rows": 1}]}))
    with pytest.raises(DropBroken, match="lists a file twice"):
        drop.take("thuế_*.csv", "a")


@pytest.mark.parametrize("other", ["thue_01.csv.sha256", "thue_01.csv.partial", "thue_02.pdf", ".thue_02.CSV", "x.csv"])
def test_what_does_not_look_like_the_tables_is_left_alone(drop: Drop, other: str) -> None:
    put(drop, "thue_01.csv", other)
    assert rows_of(drop.take("thue_*.csv", "a")) == [("1",)]
