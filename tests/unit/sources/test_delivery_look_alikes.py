"""Every file that looks like a table's is read, or the delivery is refused.

Older tests named the files of a delivery in composed letters, one case and one suffix: none was ever left out.
"""

from __future__ import annotations

import json
import unicodedata

import pytest

from include.sources.access import DropBroken
from tests.extracts import rows_of
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


def test_a_listed_file_with_rows_and_another_suffix_of_the_format_is_of_the_table(drop: Drop) -> None:
    put(drop, "thue_01.csv", "thue_note.txt", "thue_02.txt")
    entries = [{"name": "thue_01.csv", "rows": 1}, {"name": "thue_note.txt"}]
    drop.put("manifest.json", json.dumps({"files": entries}))
    assert rows_of(drop.take("thue_*.csv", "a")) == [("1",)]
    drop.put("manifest.json", json.dumps({"files": [*entries, {"name": "thue_02.txt", "rows": 1}]}))
    with pytest.raises(DropBroken, match=r"thue_02\.txt may be of the table too \('thue_\*\.csv'\)"):
        drop.take("thue_*.csv", "a")


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
